package main

import (
	"context"
	"errors"
	"fmt"

	"segue/internal/boot/laptop"
)

// recountCommand proves the roll-up columns of a table.
type recountCommand struct {
	Table string `arg:"" help:"Table with roll-up columns."`
}

// Run implements the command.
func (c *recountCommand) Run(ctx context.Context, p *program) error {
	app, err := p.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.run(ctx, p, app), app.Close())
}

func (c *recountCommand) run(ctx context.Context, p *program, app *laptop.App) error {
	id, err := app.BeginRecount(ctx, c.Table)
	if err != nil {
		return err
	}
	if p.Endpoint == laptop.AWS {
		fmt.Println("A job of the deployment goes through the rows; `segue jobs` shows how far it is.")
		return nil
	}
	if err := evaluateAll(ctx, app); err != nil {
		return err
	}
	found, ok, err := app.Differences(ctx, id)
	if err != nil {
		return err
	}
	if !ok {
		return (&jobsCommand{}).run(ctx, direct{app, false})
	}
	fmt.Printf("%d rows were not counted as they are, %d roll-ups were not what is counted.\n", found.Counted, found.Wrong)
	if found.Later > 0 {
		fmt.Printf("%d rows were written a moment ago; a server compares theirs in a minute.\n", found.Later)
	}
	return nil
}
