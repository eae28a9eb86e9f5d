package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"segue/internal/boot/laptop"
	"segue/internal/query"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// serveCommand runs the server.
type serveCommand struct {
	Addr  string `help:"Address to listen on." default:"127.0.0.1:8080"`
	Reset bool   `help:"Begin with an empty store."`
	Bare  bool   `help:"Load no demo data."`
	Seed  uint64 `help:"Seed of the demo data." default:"1"`
	Log   string `help:"Lowest level to log: debug, info, warn, error." default:"warn"`
}

// grace is how long requests under way may take once the server is told to stop.
const grace = 5 * time.Second

// Run implements the command.
func (s *serveCommand) Run(ctx context.Context, p *program) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.Log)); err != nil {
		return fmt.Errorf("--log: %w", err)
	}
	listener, err := listen(ctx, s.Addr) // before the store is touched
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server has closed it, or there is none
	place := p.place()
	place.Reset = s.Reset
	laptop, err := place.Open(ctx, startLog(level))
	if err != nil {
		return err
	}
	defer func() {
		if err := laptop.Close(); err != nil {
			laptop.Log.Error("close the store", "error", err)
		}
	}()
	if !s.Bare {
		if err := firstStart(ctx, laptop, s.Seed); err != nil {
			return err
		}
	}
	begun, err := laptop.BeginRedrive(ctx) // this start may be of a version that can follow it
	if err != nil {
		return err
	}
	if begun {
		fmt.Println("Some changes were parked. A job takes them up; `segue parked` lists those that cannot be followed yet.")
	}
	if err := welcome(laptop, listener.Addr().String()); err != nil {
		return err
	}
	return serve(ctx, laptop, listener)
}

// firstStart loads the demo data into a store that has no sequence.
func firstStart(ctx context.Context, laptop *laptop.App, seed uint64) error {
	sequences, err := laptop.Entities.List(ctx, sales.Engine(), name.Sequence, query.Query{Limit: 1})
	if err != nil {
		return err
	}
	if len(sequences.Rows) > 0 {
		fmt.Println("The store has data already and is left as it is; RESET=1 make run starts with an empty one.")
		return nil
	}
	return loadDemo(ctx, laptop, seed)
}

// jobWorkers is how many tasks of jobs a server works on at the same time. There is
// one, for changes and requests come first.
const jobWorkers = 1

// serve handles requests, follows changes, works on jobs and takes up what is due,
// until ctx ends or one of them fails. That ctx ends is not an error.
func serve(ctx context.Context, laptop *laptop.App, listener net.Listener) error {
	server, err := laptop.Server()
	if err != nil {
		return err
	}
	if err := laptop.Jobs.QueueOpen(ctx); err != nil {
		return err
	}
	running, stop := context.WithCancelCause(ctx) // the first to end stops the others; its error is the cause
	var parts sync.WaitGroup
	parts.Go(func() { stop(laptop.Feed.Consume(running, consumer, laptop.Changes)) })
	parts.Go(func() { stop(laptop.Advance.Run(running)) })
	parts.Go(func() { stop(server.Serve(listener)) })
	parts.Go(func() { laptop.Local.Run(running, jobWorkers, laptop.Jobs.Handle) })
	<-running.Done()

	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Stop(shutdown); err != nil {
		laptop.Log.Warn("requests were cut off", "after", grace)
	}
	parts.Wait()
	if ctx.Err() != nil {
		return nil // it was told to stop
	}
	if err := context.Cause(running); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
