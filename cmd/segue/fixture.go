package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"segue/internal/boot/laptop"
	"segue/internal/sales"
	"segue/internal/strictjson"
)

// fixtureCommand writes the rows that events/*.json refer to, through the Web API
// like any client.
type fixtureCommand struct {
	File string `help:"Rows as [{set, id, body}], each written by a PATCH." default:"events/fixture.json" type:"existingfile"`
}

// fixtureRow is a row of the file.
type fixtureRow struct {
	Set, ID string
	Body    json.RawMessage
}

// Run implements the command.
func (f *fixtureCommand) Run(ctx context.Context, p *program) error {
	text, err := os.ReadFile(f.File)
	if err != nil {
		return err
	}
	var rows []fixtureRow
	if err := strictjson.Decode(text, &rows); err != nil {
		return fmt.Errorf("%s: %w", f.File, err)
	}
	laptop, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = laptop.Close() }() // what was written is durable already
	token, err := laptop.Issuer.Issue(userID("Fixture"), "Fixture", []string{sales.SystemAdministrator}, time.Hour)
	if err != nil {
		return err
	}
	if err := patchAll(ctx, laptop, token, rows); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d rows of %s are in table %s\n", len(rows), f.File, p.Table)
	return nil
}

// patchAll writes the rows through a server that it starts and stops.
func patchAll(ctx context.Context, laptop *laptop.App, token string, rows []fixtureRow) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server, err := laptop.Server()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	go func() { _ = server.Serve(listener) }() // ends with Stop
	defer func() { _ = server.Stop(ctx) }()    // no request is running by then
	for _, row := range rows {
		url := fmt.Sprintf("http://%s/api/data/v9.2/%s(%s)", listener.Addr(), row.Set, row.ID)
		if err := patch(ctx, url, token, row.Body); err != nil {
			return fmt.Errorf("%s(%s): %w", row.Set, row.ID, err)
		}
	}
	return nil
}

func patch(ctx context.Context, url, token string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode == http.StatusNoContent {
		return nil
	}
	reason, err := io.ReadAll(response.Body)
	return errors.Join(fmt.Errorf("%s: %s", response.Status, reason), err)
}
