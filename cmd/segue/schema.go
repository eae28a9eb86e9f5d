package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"segue/internal/boot"
	"segue/internal/schema"
)

// schemaCommand checks a folder of schema files.
type schemaCommand struct {
	Folder string `arg:"" help:"Folder with tables/*.json and optionsets/*.json, as SEGUE_SCHEMA names it." type:"existingdir"`
	Was    string `help:"Folder that the store has now: count the rows that use what the other takes away." type:"existingdir"`
}

// Run implements the command.
func (c *schemaCommand) Run(ctx context.Context, p *program) error {
	now, err := schema.Extended(os.DirFS(c.Folder))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Folder, err)
	}
	if err := boot.Check(now); err != nil {
		return fmt.Errorf("%s: %w", c.Folder, err)
	}
	if c.Was != "" {
		old, err := schema.Extended(os.DirFS(c.Was))
		if err != nil {
			return fmt.Errorf("%s: %w", c.Was, err)
		}
		losses, err := p.place().Losses(ctx, old, now)
		if err != nil {
			return err
		}
		if len(losses) > 0 {
			return fmt.Errorf("%s takes away what rows use; put it back, or change these rows first:\n  %s", c.Folder, strings.Join(losses, "\n  "))
		}
	}
	own, err := schema.Default()
	if err != nil {
		return err
	}
	for _, change := range now.Changes(own) {
		fmt.Printf("%s.%s (%s)\n", change.Table.Name, change.Column.Name, change.Column.Type)
	}
	return nil
}
