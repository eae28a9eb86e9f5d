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

	"segue/internal/api"
)

// fixture brings the rows that events/*.json speak of into a store, through the
// Web API like any client.
type fixture struct {
	File string `help:"Rows as [{set, id, body}], each written by a PATCH." default:"events/fixture.json" type:"existingfile"`
}

// Run implements the command.
func (f *fixture) Run(ctx context.Context, p *program) error {
	text, err := os.ReadFile(f.File)
	if err != nil {
		return err
	}
	var list []struct {
		Set, ID string
		Body    json.RawMessage
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("%s: %w", f.File, err)
	}
	laptop, err := p.place(false).Open(ctx, quiet())
	if err != nil {
		return err
	}
	defer func() { _ = laptop.Close() }() // what was written is durable already
	token, err := laptop.Issuer.Issue(userID("", "Fixture"), "Fixture", []string{"System Administrator"}, time.Hour)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           api.New(laptop.API).Mux(),
		ReadHeaderTimeout: time.Second,
	}
	go func() { _ = server.Serve(listener) }() // ends with Close
	defer func() { _ = server.Close() }()      // nothing is under way then
	for _, row := range list {
		url := fmt.Sprintf("http://%s/api/data/v9.2/%s(%s)", listener.Addr(), row.Set, row.ID)
		if err := patch(ctx, url, token, row.Body); err != nil {
			return fmt.Errorf("%s(%s): %w", row.Set, row.ID, err)
		}
	}
	fmt.Fprintf(os.Stderr, "%d rows of %s are in table %s\n", len(list), f.File, p.Table)
	return nil
}

func patch(ctx context.Context, url, token string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	if answer.StatusCode == http.StatusNoContent {
		return nil
	}
	said, err := io.ReadAll(answer.Body)
	return errors.Join(fmt.Errorf("%s: %s", answer.Status, said), err)
}
