package main

import (
	"context"
	"errors"
)

// createTableCommand makes the table on DynamoDB. A server also does that on its
// first start.
type createTableCommand struct{}

// Run implements the command.
func (createTableCommand) Run(ctx context.Context, p *program) error {
	if p.Endpoint == "" {
		return errors.New("create-table is for DynamoDB: give --endpoint")
	}
	laptop, err := p.open(ctx)
	if err != nil {
		return err
	}
	return laptop.Close()
}
