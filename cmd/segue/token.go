package main

import (
	"fmt"
	"strings"
	"time"
)

// tokenCommand prints a token.
type tokenCommand struct {
	Role []string      `help:"Security role; may be repeated." default:"Sales Manager"`
	Name string        `help:"Name of the user." default:"Demo User"`
	User string        `help:"systemuserid of the user; derived from the name when left out."`
	TTL  time.Duration `help:"How long the token is valid." default:"12h"`
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
