package main

import (
	"context"
	"errors"
	"fmt"

	"segue/internal/boot/laptop"
	"segue/internal/onfailure"
)

// redriveCommand takes up again what could not be followed.
type redriveCommand struct {
	All    bool   `help:"Take up all that is parked; with --table all rows of that table, parked or not."`
	Table  string `help:"Take up rows of this table; with --id or --all."`
	ID     string `help:"Id of the row to take up, parked or not."`
	S3     string `name:"s3" help:"Take up the rows that the objects of Lambda's on-failure destination name (s3://bucket/prefix), and delete these objects."`
	Server string `help:"Work through the server at this URL; when left out, the one that has the store open, if there is one."`
}

// Run implements the command.
func (c *redriveCommand) Run(ctx context.Context, p *program) error {
	if err := c.check(); err != nil {
		return err
	}
	work, err := p.failures(ctx, c.Server)
	if err != nil {
		return err
	}
	return errors.Join(c.run(ctx, p, work), work.close())
}

// check demands one thing to take up.
func (c *redriveCommand) check() error {
	things := 0
	for _, given := range []bool{c.All, c.ID != "", c.S3 != ""} {
		if given {
			things++
		}
	}
	if things != 1 || c.ID != "" && c.Table == "" || c.S3 != "" && c.Table != "" {
		return errors.New("give one of --all, --all with --table, --table with --id, and --s3")
	}
	return nil
}

func (c *redriveCommand) run(ctx context.Context, p *program, work failures) error {
	switch {
	case c.All:
		return work.redriveAll(ctx, c.Table)
	case c.S3 != "":
		return errors.Join(c.redriveObjects(ctx, p, work), work.settle(ctx))
	}
	return errors.Join(work.redrive(ctx, c.Table, c.ID), work.settle(ctx))
}

// redriveObjects takes up what each object names. One in which something fails
// stays, and does not hold up the others.
func (c *redriveCommand) redriveObjects(ctx context.Context, p *program, work failures) error {
	objects, err := p.place().Failures(ctx, c.S3)
	if err != nil {
		return err
	}
	done, left, rows := 0, 0, 0
	for key, err := range objects.Keys(ctx) {
		if err != nil {
			return err
		}
		n, err := redriveObject(ctx, objects, key, work)
		rows += n
		if err == nil {
			done++
			continue
		}
		if ctx.Err() != nil {
			return err
		}
		left++
		fmt.Printf("%s stays: %v\n", key, err)
	}
	fmt.Printf("%d rows of %d objects taken up, %d objects left\n", rows, done+left, left)
	if left > 0 {
		return fmt.Errorf("%d objects could not be taken up and stay", left)
	}
	return nil
}

// redriveObject takes up the rows of one object and deletes it when all succeeded;
// rows is how many did.
func redriveObject(ctx context.Context, objects *onfailure.Objects, key string, work failures) (rows int, err error) {
	event, err := objects.Event(ctx, key)
	if err != nil {
		return 0, err
	}
	refs, err := laptop.RowsOf(event)
	if err != nil {
		return 0, err
	}
	for _, ref := range refs {
		if rowErr := work.redrive(ctx, ref.Table, ref.ID); rowErr != nil {
			err = errors.Join(err, fmt.Errorf("%v: %w", ref, rowErr))
			continue
		}
		rows++
	}
	if err != nil {
		return rows, err
	}
	return rows, objects.Delete(ctx, key)
}

func (d direct) redrive(ctx context.Context, table, id string) error {
	return d.laptop.Redrive(ctx, table, id)
}

func (d direct) redriveAll(ctx context.Context, table string) error {
	begun, err := d.laptop.BeginRedrive(ctx, table)
	switch {
	case err != nil:
		return err
	case !begun:
		fmt.Println("nothing is parked")
		return nil
	case d.deployed:
		fmt.Println("A job of the deployment does it; `segue jobs` shows how far it is.")
		return nil
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	return printParked(ctx, d)
}

// settle follows what came of it, unless others do.
func (d direct) settle(ctx context.Context) error {
	if d.deployed {
		return nil
	}
	return evaluateAll(ctx, d.laptop)
}

func (served) settle(context.Context) error { return nil }

// redriveParameters are those of the action segue_Redrive.
type redriveParameters struct {
	Table string `json:",omitempty"`
	ID    string `json:"Id,omitempty"`
	All   bool   `json:",omitempty"`
}

const redriveAction = "segue_Redrive"

func (s served) redrive(ctx context.Context, table, id string) error {
	return s.act(ctx, redriveAction, redriveParameters{Table: table, ID: id})
}

func (s served) redriveAll(ctx context.Context, table string) error {
	if err := s.act(ctx, redriveAction, redriveParameters{All: true, Table: table}); err != nil {
		return err
	}
	fmt.Println("A job does it; `segue jobs` shows how far it is.")
	return nil
}
