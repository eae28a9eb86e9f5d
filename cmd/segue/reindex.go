package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"segue/internal/boot/laptop"
)

// reindexCommand brings the index keys of stored rows up to the schema.
type reindexCommand struct {
	Table []string `help:"Table to go through; may be repeated." required:""`
}

// Run implements the command.
func (c *reindexCommand) Run(ctx context.Context, p *program) error {
	app, err := p.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.run(ctx, p, app), app.Close())
}

func (c *reindexCommand) run(ctx context.Context, p *program, app *laptop.App) error {
	tables := slices.Compact(slices.Sorted(slices.Values(c.Table)))
	for _, table := range tables {
		if app.DB.Schema().Table(table) == nil {
			return fmt.Errorf("--table: table %q does not exist", table)
		}
	}
	if err := app.BeginReindex(ctx, tables); err != nil {
		return err
	}
	if p.Endpoint == laptop.AWS {
		fmt.Println("A job of the deployment goes through the rows; `segue jobs` shows how far it is.")
		return nil
	}
	if err := evaluateAll(ctx, app); err != nil {
		return err
	}
	return (&jobsCommand{}).run(ctx, direct{app, false})
}
