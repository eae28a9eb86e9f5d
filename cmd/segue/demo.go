package main

import (
	"context"
	"fmt"
	"time"

	"segue/internal/boot"
	"segue/internal/demo"
	"segue/internal/ingest"
)

// demoCommand loads the demo data.
type demoCommand struct {
	Seed  uint64 `help:"Seed of the generator." default:"1"`
	Reset bool   `help:"Begin with an empty store."`
}

// Run implements the command.
func (d *demoCommand) Run(ctx context.Context, p *program) error {
	laptop, err := p.place(d.Reset).Open(ctx, quiet())
	if err != nil {
		return err
	}
	err = loadDemo(ctx, laptop, d.Seed)
	if cerr := laptop.Close(); err == nil {
		err = cerr
	}
	return err
}

// loadDemo loads the demo data, evaluates it and prints what became of it.
func loadDemo(ctx context.Context, laptop *boot.Laptop, seed uint64) error {
	began := time.Now()
	bar := progress("Loading demo data", 1)
	direct := ingest.Direct{Service: laptop.Sales, Caller: boot.Engine()}
	loaded, err := demo.New(seed).Load(ctx, direct, laptop.Sales.DB().Schema(), func(done, total int) {
		bar.ChangeMax(total)
		_ = bar.Set(done) // a bar that cannot be drawn is no reason to stop
	})
	_ = bar.Finish()
	if err != nil {
		return fmt.Errorf("load the demo data: %w", err)
	}
	if loaded.Refused > 0 {
		return fmt.Errorf("load the demo data: %d rows were refused, the first because %w", loaded.Refused, loaded.Because)
	}
	rows := 0
	for _, n := range loaded.Rows {
		rows += n
	}
	loading := time.Since(began)
	if err := evaluateAll(ctx, laptop); err != nil {
		return err
	}
	census, err := laptop.Sales.Count(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("Loaded %d rows in %.1f s, evaluated them in %.1f s:", rows, loading.Seconds(), (time.Since(began) - loading).Seconds())
	for _, name := range []string{"lead", "opportunity", "account", "systemuser", "msdyn_sequence", "msdyn_segment"} {
		fmt.Printf(" %d %s", census.Rows[name], name)
	}
	fmt.Print("\n\nSegments and their members\n")
	for _, place := range census.Segments {
		fmt.Printf("  %-12s %-36s %6d\n", place.Table, place.Name, place.Records)
	}
	fmt.Print("\nSequences and the records connected to them\n")
	for _, place := range census.Sequences {
		fmt.Printf("  %-12s %-36s %6d\n", place.Table, place.Name, place.Records)
	}
	return nil
}

// calm is how long a real stream must be silent to count as drained.
const calm = 2 * time.Second

// evaluateAll runs the change handler until no change is left. The embedded
// store knows when that is; a real stream is drained when it has been silent.
func evaluateAll(ctx context.Context, laptop *boot.Laptop) error {
	if laptop.File != nil {
		return laptop.File.Drain(ctx, consumer, laptop.Sales.Evaluate)
	}
	return laptop.Drain(ctx, calm)
}
