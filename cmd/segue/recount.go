package main

import (
	"context"
	"errors"
	"fmt"

	"segue/internal/boot/laptop"
	"segue/internal/schema/name"
)

// recountCommand proves the roll-up columns of a table, or the reports of sequences.
type recountCommand struct {
	Table string `arg:"" help:"Table with roll-up columns, or msdyn_sequence for the reports of sequences."`
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
	if c.Table == name.Sequence {
		return c.statistics(ctx, p, app)
	}
	id, err := app.BeginRecount(ctx, c.Table)
	if err != nil {
		return err
	}
	return c.found(ctx, p, app, func() (bool, error) {
		found, ok, err := app.Differences(ctx, id)
		if err != nil || !ok {
			return ok, err
		}
		fmt.Printf("%d rows were not counted as they are, %d roll-ups were not what is counted.\n", found.Counted, found.Wrong)
		if found.Later > 0 {
			fmt.Printf("%d rows were written a moment ago; a server compares theirs in a minute.\n", found.Later)
		}
		return true, nil
	})
}

// statistics counts again what became of all connections.
func (c *recountCommand) statistics(ctx context.Context, p *program, app *laptop.App) error {
	id, err := app.BeginStatistics(ctx)
	if err != nil {
		return err
	}
	return c.found(ctx, p, app, func() (bool, error) {
		found, ok, err := app.StatisticsFound(ctx, id)
		if err != nil || !ok {
			return ok, err
		}
		fmt.Printf("%d connections and steps were not counted as they are, the counts of %d sequences were not what is counted.\n", found.Counted, found.Wrong)
		return true, nil
	})
}

// found does the job that has begun, unless a deployment does, and has told what it found; tell
// reports whether the job has ended.
func (*recountCommand) found(ctx context.Context, p *program, app *laptop.App, tell func() (bool, error)) error {
	if p.Endpoint == laptop.AWS {
		fmt.Println("A job of the deployment goes through the rows; `segue jobs` shows how far it is.")
		return nil
	}
	if err := evaluateAll(ctx, app); err != nil {
		return err
	}
	if ok, err := tell(); err != nil || ok {
		return err
	}
	return (&jobsCommand{}).run(ctx, direct{app, false})
}
