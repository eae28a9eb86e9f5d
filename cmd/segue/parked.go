package main

import (
	"context"
	"fmt"
	"time"

	"segue/internal/query"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// parkedCommand lists the changes that could not be followed.
type parkedCommand struct{}

// Run implements the command.
func (c *parkedCommand) Run(ctx context.Context, p *program) error {
	laptop, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = laptop.Close() }() // nothing was written that Close could lose
	page, err := laptop.Entities.List(ctx, sales.Engine(), name.ParkedChange, query.Query{Limit: 5000})
	if err != nil {
		return err
	}
	for _, row := range page.Rows {
		fmt.Printf("%s %s  %s, %d tries until %s: %s\n", row.Text(name.SegueTable), row.Text(name.SegueRowid), row.Text(name.SegueHandler),
			row.Int(name.SegueTries), row.Time(name.Modifiedon).Format(time.RFC3339), row.Text(name.SegueReason))
	}
	if len(page.Rows) == 0 {
		fmt.Println("nothing is parked")
	}
	return nil
}
