package main

import "fmt"

// jwksCommand prints the public key set.
type jwksCommand struct{}

// Run implements the command.
func (jwksCommand) Run(p *program) error {
	issuer, err := p.place().OpenIssuer()
	if err != nil {
		return err
	}
	fmt.Println(string(issuer.JWKS()))
	return nil
}
