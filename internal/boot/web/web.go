// Package web puts the Web API on the parts that boot has put together. It is apart
// from boot, so that a function without HTTP does not link the API, its compression and
// its encodings.
//
// Invariant: who the caller is, is found out as boot has it from the environment.
package web

import (
	"segue/internal/api"
	"segue/internal/boot"
)

// Config returns what the API is made of, for whoever changes a part of it.
func Config(app *boot.App) api.Config {
	return api.Config{
		Operations: app.Operations(), Principals: app.Principals, Auth: app.Identity, Public: app.Public,
		Mailing: app.Mailing, Limits: app.Limits, Clock: app.Clock, Log: app.Log, Slow: app.Slow,
	}
}

// API returns the API of a function.
func API(app *boot.App) *api.API { return api.New(Config(app)) }
