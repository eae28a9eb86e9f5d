package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"segue/internal/sales"
	"segue/internal/webserver"
)

// tokenCommand prints a token, and to whom it is of use on the standard error.
type tokenCommand struct {
	Role []string      `help:"Security role; may be repeated." default:"Sales Manager"`
	Name string        `help:"Name of the user." default:"Demo User"`
	User string        `help:"systemuserid of the user; derived from the name when left out."`
	TTL  time.Duration `help:"How long the token is valid." default:"12h"`
}

// Validate refuses roles that do not exist: they would give no rights. Kong calls it.
func (t *tokenCommand) Validate() error {
	for i, role := range t.Role {
		known := slices.IndexFunc(sales.Roles(), func(r string) bool { return strings.EqualFold(r, role) })
		if known < 0 {
			return fmt.Errorf("--role: role %q does not exist; the roles are %s", role, strings.Join(sales.Roles(), ", "))
		}
		t.Role[i] = sales.Roles()[known]
	}
	return nil
}

// Run implements the command.
func (t *tokenCommand) Run(ctx context.Context, p *program) error {
	issuer, err := p.place().OpenIssuer()
	if err != nil {
		return err
	}
	user := strings.ToLower(t.User)
	if user == "" {
		user = userID(t.Name)
	}
	text, err := issuer.Issue(user, t.Name, t.Role, t.TTL)
	if err != nil {
		return err
	}
	fmt.Println(text)
	fmt.Fprintln(os.Stderr, p.whereTokens(ctx, issuer.ProofKey()))
	return nil
}

// whereTokens says which server takes the tokens of the data folder; key is that of its
// proof.
func (p *program) whereTokens(ctx context.Context, key []byte) string {
	url, err := p.leftAddress()
	if err == nil && p.answers(ctx, key, url) {
		return fmt.Sprintf("For BASE=%s/api/data/v9.2", url)
	}
	return fmt.Sprintf("For the server of %s, which is not running: `%s serve --data %[1]s` starts it.", p.Data, self())
}

// answers reports whether the server of the data folder is at a URL. Whoever else listens
// there is to get no token.
func (p *program) answers(ctx context.Context, key []byte, text string) bool {
	at, err := url.Parse(text)
	trust, broken := webserver.Trust(p.Data)
	if err != nil || broken != nil {
		return false
	}
	if at.Scheme != "https" {
		trust = nil
	}
	connection, err := webserver.Dial(key, trust)(ctx, "tcp", at.Host)
	if err != nil {
		return false
	}
	_ = connection.Close() // nothing was sent
	return true
}
