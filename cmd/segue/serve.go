package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"segue/internal/boot/laptop"
	"segue/internal/clock"
	"segue/internal/demo"
	"segue/internal/embed"
	"segue/internal/query"
	"segue/internal/sales"
	"segue/internal/schema/name"
	"segue/internal/webserver"
)

// serveCommand runs the server.
type serveCommand struct {
	Addr  string `help:"Address to listen on." default:"127.0.0.1:8080"`
	TLS   bool   `name:"tls" help:"Serve https, with a certificate for loopback addresses that the first such start makes."`
	Reset bool   `help:"Begin with an empty store: what is in it is deleted."`
	Bare  bool   `help:"Load no demo data into an empty store." xor:"demo"`
	Demo  bool   `help:"Load the demo data also into a store that has data." xor:"demo"`
	Leads int    `help:"Number of leads of the demo data." default:"5000"`
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
	if errors.Is(err, embed.ErrInUse) {
		return fmt.Errorf("%w; a server that has it open is listed in %s. Another folder: --data, or make run DATA=…", err, filepath.Join(p.Data, addressFile))
	}
	if err != nil {
		return err
	}
	defer func() {
		if err := laptop.Close(); err != nil {
			laptop.Log.Error("close the store", "error", err)
		}
	}()
	if err := s.firstStart(ctx, p, laptop); err != nil {
		return err
	}
	begun, err := laptop.BeginRedrive(ctx, "") // this start may be of a version that can follow it
	if err != nil {
		return err
	}
	if begun {
		fmt.Printf("Some changes were parked. A job takes them up; `%s parked` lists those that cannot be followed yet.\n", self())
	}
	at := address{listener: listener}
	if s.TLS {
		if at, err = secure(p.Data, laptop.Clock, listener); err != nil {
			return err
		}
	}
	forget, err := leaveAddress(p.Data, at.url())
	if err != nil {
		return err
	}
	defer forget()
	if err := welcome(laptop, p, at); err != nil {
		return err
	}
	return serve(ctx, laptop, at.listener)
}

// address is where a server is.
type address struct {
	listener    net.Listener
	certificate webserver.Certificate // its file is "" without TLS
}

func (a address) url() string {
	if a.certificate.File != "" {
		return "https://" + a.listener.Addr().String()
	}
	return "http://" + a.listener.Addr().String()
}

// secure has a listener speak TLS, with the certificate of a data folder.
func secure(data string, c clock.Clock, listener net.Listener) (address, error) {
	if err := refuseOpen(listener); err != nil {
		return address{}, err
	}
	certificate, err := webserver.OpenCertificate(data, c)
	return address{certificate.Listener(listener), certificate}, err
}

// firstStart loads the demo data into an empty store, or into any if that was asked
// for.
func (s *serveCommand) firstStart(ctx context.Context, p *program, laptop *laptop.App) error {
	if s.Bare {
		return nil
	}
	if !s.Demo {
		empty, err := isEmpty(ctx, laptop)
		if err != nil {
			return err
		}
		if !empty {
			fmt.Printf("Using the store in %s as it is. `make run RESET=1` deletes what is in it; `make run DEMO=1` adds the demo data.\n", p.Data)
			return nil
		}
	}
	return loadDemo(ctx, laptop, demo.New(s.Seed, s.Leads))
}

// isEmpty reports whether a store has neither records nor sequences.
func isEmpty(ctx context.Context, laptop *laptop.App) (bool, error) {
	for _, t := range laptop.DB.Schema().Tables() {
		if !t.Is(name.RecordTrait) && t.Name != name.Sequence {
			continue
		}
		page, err := laptop.Entities.List(ctx, sales.Engine(), t.Name, query.Query{Limit: 1})
		if err != nil || len(page.Rows) > 0 {
			return false, err
		}
	}
	return true, nil
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
	parts.Go(func() { laptop.Local.Run(running, jobWorkers, laptop.Tasks()) })
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
