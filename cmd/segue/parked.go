package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// parkedCommand lists the changes that were set aside, or processes one again.
type parkedCommand struct {
	Retry string `help:"Id of a change to process once more."`
}

// Run implements the command.
func (c *parkedCommand) Run(ctx context.Context, p *program) error {
	laptop, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = laptop.Close() }() // nothing was written that Close could lose
	if laptop.File == nil {
		return errors.New("on DynamoDB a parked change is a line in the server's log")
	}
	if c.Retry != "" {
		return laptop.File.Retry(ctx, c.Retry, laptop.Changes)
	}
	list, err := laptop.File.Parked(ctx)
	if err != nil {
		return err
	}
	for _, change := range list {
		fmt.Printf("%s  %s/%s  %d attempts until %s: %s\n", change.ID, change.Change.Key.PK, change.Change.Key.SK,
			change.Attempts, change.At.Format(time.RFC3339), change.Reason)
	}
	if len(list) == 0 {
		fmt.Println("nothing is parked")
	}
	return nil
}
