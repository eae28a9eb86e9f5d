package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"segue/internal/boot/laptop"
	"segue/internal/demo"
	"segue/internal/embed"
	"segue/internal/ingest"
	"segue/internal/sales"
	"segue/internal/sales/report"
	"segue/internal/schema/name"
)

// demoCommand loads the demo data.
type demoCommand struct {
	Leads int    `help:"Number of leads; with 0 only sellers, sequences and segments are loaded." default:"5000"`
	Seed  uint64 `help:"Seed of the generator." default:"1"`
	Reset bool   `help:"Begin with an empty store, which no server may have open: what is in it is deleted."`
	Addr  string `help:"Address of the server that a reset on DynamoDB must not find running." default:"127.0.0.1:8080"`
}

// Run implements the command.
func (d *demoCommand) Run(ctx context.Context, p *program) error {
	if d.Reset && p.Endpoint != "" {
		listener, err := listen(ctx, d.Addr)
		if err != nil {
			return err
		}
		defer func() { _ = listener.Close() }() // it only kept servers away
	}
	place := p.place()
	place.Reset = d.Reset
	laptop, err := place.Open(ctx, startLog(slog.LevelWarn))
	if errors.Is(err, embed.ErrInUse) {
		return fmt.Errorf("%w; stop the server, or start it with --demo", err)
	}
	if err != nil {
		return err
	}
	err = loadDemo(ctx, laptop, demo.New(d.Seed, d.Leads))
	return errors.Join(err, laptop.Close())
}

// loadDemo loads the demo data, evaluates it and prints how many rows are
// in which segment and on which sequence.
func loadDemo(ctx context.Context, laptop *laptop.App, data demo.Demo) error {
	now := laptop.Clock.Now
	began := now()
	rows, err := writeDemo(ctx, laptop, data)
	if err != nil {
		return fmt.Errorf("load the demo data: %w", err)
	}
	loaded := now()
	if err := evaluateAll(ctx, laptop); err != nil {
		return err
	}
	evaluated := now()
	census, err := count(ctx, laptop)
	if err != nil {
		return err
	}
	fmt.Printf("Loaded %d rows in %.1f s, evaluated them in %.1f s:", rows, loaded.Sub(began).Seconds(), evaluated.Sub(loaded).Seconds())
	printCensus(census)
	return nil
}

// count takes a census, by a job that it works on itself.
func count(ctx context.Context, laptop *laptop.App) (report.Census, error) {
	id, err := laptop.BeginCount(ctx)
	if err != nil {
		return report.Census{}, err
	}
	if err := evaluateAll(ctx, laptop); err != nil {
		return report.Census{}, err
	}
	return laptop.Census(ctx, id)
}

// writeDemo writes the rows of the demo and returns their number.
func writeDemo(ctx context.Context, laptop *laptop.App, data demo.Demo) (rows int, err error) {
	bar := progress("Loading demo data", 1)
	direct := ingest.Direct{Entities: laptop.Entities, Caller: sales.Engine()}
	loaded, err := data.Load(ctx, direct, laptop.DB.Schema(), func(done, total int) {
		bar.ChangeMax(total)
		_ = bar.Set(done) // a bar that cannot be drawn is not a reason to stop
	})
	_ = bar.Finish()
	if err != nil {
		return 0, err
	}
	if loaded.Refused > 0 {
		return 0, fmt.Errorf("%d rows were refused, the first because %w", loaded.Refused, loaded.Because)
	}
	for _, n := range loaded.Rows {
		rows += n
	}
	return rows, nil
}

// printCensus ends the current line with the number of rows of each table, then
// prints how many records are in each segment and on each sequence.
func printCensus(census report.Census) {
	for _, table := range []string{name.Lead, name.Opportunity, name.Account, name.User, name.Sequence, name.Segment} {
		fmt.Printf(" %d %s", census.Rows[table], table)
	}
	fmt.Print("\n\n")
	printPlaces("Segments and their members", census.Segments)
	printPlaces("Sequences and the records connected to them", census.Sequences)
}

func printPlaces(title string, places []report.Place) {
	fmt.Println(title)
	for _, place := range places {
		fmt.Printf("  %-12s %-36s %6s\n", place.Table, place.Name, thousands(place.Records))
	}
	fmt.Println()
}
