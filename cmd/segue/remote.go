package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxResponse bounds what is read of a server's response: a page of 5,000 rows.
const maxResponse = 64 << 20

// remote calls the Web API of a running server.
type remote struct {
	client    *http.Client
	transport *http.Transport // of client
	url       string
	root      string // of the service, with a slash at its end
	token     string
}

// get reads what a path under the service root has, or a next link.
func (r *remote) get(ctx context.Context, path string, into any) error {
	body, err := r.send(ctx, http.MethodGet, strings.TrimPrefix(path, r.root), nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// act calls an unbound action.
func (r *remote) act(ctx context.Context, action string, parameters any) error {
	body, err := json.Marshal(parameters)
	if err != nil {
		return err
	}
	_, err = r.send(ctx, http.MethodPost, action, body)
	return err
}

// send sends a request and returns the body of the response; what the service
// refuses is an error with its text.
func (r *remote) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.root+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		var refusal struct{ Error struct{ Message string } }
		if json.Unmarshal(text, &refusal) == nil && refusal.Error.Message != "" {
			text = []byte(refusal.Error.Message)
		}
		err = errors.New(response.Status + ": " + string(text))
	}
	return text, err
}
