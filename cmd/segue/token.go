package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/sales"
)

// tokenCommand prints a token.
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
			return fmt.Errorf("--role: there is no role %q; the roles are %s", role, strings.Join(sales.Roles(), ", "))
		}
		t.Role[i] = sales.Roles()[known]
	}
	return nil
}

// Run implements the command.
func (t *tokenCommand) Run(p *program) error {
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
	return nil
}
