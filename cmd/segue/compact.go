package main

import (
	"errors"
	"fmt"

	"segue/internal/embed"
)

// compactCommand gives the disk back what the store does not use.
type compactCommand struct{}

// Run implements the command.
func (*compactCommand) Run(p *program) error {
	if p.Endpoint != "" {
		return errors.New("--endpoint is a DynamoDB, which has no file to compact")
	}
	before, after, err := embed.Compact(p.place().File())
	if errors.Is(err, embed.ErrInUse) {
		return fmt.Errorf("%w: stop the server first", err)
	}
	if err != nil {
		return err
	}
	fmt.Printf("The file had %.1f MB and has %.1f MB now.\n", float64(before)/(1<<20), float64(after)/(1<<20))
	return nil
}
