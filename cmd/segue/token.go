package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
)

// token prints a token.
type token struct {
	Role []string      `help:"Security role; may be repeated." default:"Sales Manager"`
	Name string        `help:"Name of the user." default:"Demo User"`
	User string        `help:"systemuserid of the user; made of the name when left out."`
	TTL  time.Duration `help:"How long it is valid." default:"12h"`
}

// Run implements the command.
func (t *token) Run(p *program) error {
	issuer, err := p.place(false).OpenIssuer()
	if err != nil {
		return err
	}
	text, err := issuer.Issue(userID(t.User, t.Name), t.Name, t.Role, t.TTL)
	if err == nil {
		fmt.Println(text)
	}
	return err
}

// userID is the id of a user who is known by name only.
func userID(id, name string) string {
	if id != "" {
		return strings.ToLower(id)
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("segue:user:"+name)).String()
}

// jwks prints the public key set.
type jwks struct{}

// Run implements the command.
func (jwks) Run(p *program) error {
	issuer, err := p.place(false).OpenIssuer()
	if err == nil {
		fmt.Println(string(issuer.JWKS()))
	}
	return err
}

// create makes the table on DynamoDB.
type create struct{}

// Run implements the command.
func (create) Run(ctx context.Context, p *program) error {
	if p.Endpoint == "" {
		return fmt.Errorf("create-table is for DynamoDB: give --endpoint")
	}
	laptop, err := p.place(false).Open(ctx, quiet())
	if err != nil {
		return err
	}
	return laptop.Close()
}

// quiet logs warnings and errors only.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// parked lists what was set aside.
type parked struct {
	Retry string `help:"Id of a change to process once more."`
}

// Run implements the command.
func (c *parked) Run(ctx context.Context, p *program) error {
	laptop, err := p.place(false).Open(ctx, quiet())
	if err != nil {
		return err
	}
	defer func() { _ = laptop.Close() }() // nothing was written that Close could lose
	if laptop.File == nil {
		return fmt.Errorf("on DynamoDB a parked change is a line in the server's log")
	}
	if c.Retry != "" {
		return laptop.File.Retry(ctx, c.Retry, laptop.Sales.Evaluate)
	}
	list, err := laptop.File.Parked(ctx)
	for _, change := range list {
		fmt.Printf("%s  %s/%s  %d attempts until %s: %s\n", change.ID, change.Change.Key.PK, change.Change.Key.SK,
			change.Attempts, change.At.Format(time.RFC3339), change.Reason)
	}
	if err == nil && len(list) == 0 {
		fmt.Println("nothing is parked")
	}
	return err
}
