package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"

	"segue/internal/api"
	"segue/internal/boot"
	"segue/internal/sales"
	"segue/internal/store"
)

// serve runs the server.
type serve struct {
	Addr  string `help:"Address to listen on." default:"127.0.0.1:8080"`
	Reset bool   `help:"Begin with an empty store."`
	Bare  bool   `help:"Load no demo data."`
	Seed  uint64 `help:"Seed of the demo data." default:"1"`
	Log   string `help:"Least level to log: debug, info, warn, error." default:"warn"`
}

// Run implements the command.
func (s *serve) Run(ctx context.Context, p *program) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.Log)); err != nil {
		return fmt.Errorf("--log: %w", err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	slog.SetDefault(log)
	laptop, err := p.place(s.Reset).Open(ctx, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := laptop.Close(); err != nil {
			log.Error("close the store", "error", err)
		}
	}()
	if !s.Bare {
		if err := firstStart(ctx, laptop, s.Seed); err != nil {
			return err
		}
	}
	return s.listen(ctx, laptop, log)
}

// listen serves and evaluates until ctx ends or one of the two fails.
func (s *serve) listen(ctx context.Context, laptop *boot.Laptop, log *slog.Logger) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Addr, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		cancel(laptop.Feed.Consume(ctx, consumer, reporting(log, laptop.Changes)))
	}()
	server := &http.Server{
		Handler:           api.New(laptop.API).Mux(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, end := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer end()
		if err := server.Shutdown(grace); err != nil {
			log.Warn("stop serving", "error", err)
		}
	}()
	if err := s.welcome(laptop, listener.Addr().String()); err != nil {
		return err
	}
	err = server.Serve(listener)
	cancel(err)
	<-stopped
	<-fed
	if errors.Is(err, http.ErrServerClosed) {
		err = context.Cause(ctx)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// reporting logs what a handler could not process.
func reporting(log *slog.Logger, handle store.Handler) store.Handler {
	return func(ctx context.Context, batch []store.Change) []store.Failure {
		failures := handle(ctx, batch)
		for _, f := range failures {
			log.ErrorContext(ctx, "a change could not be processed; it comes again, then it is parked (segue parked)",
				"row", batch[f.Index].Key, "error", f.Err)
		}
		return failures
	}
}

// consumer is the name under which change records are acknowledged.
const consumer = "evaluate"

// firstStart loads the demo data into a store without any sequence and says
// what became of it.
func firstStart(ctx context.Context, laptop *boot.Laptop, seed uint64) error {
	if laptop.File != nil {
		parked, err := laptop.File.Parked(ctx)
		if err != nil {
			return err
		}
		if len(parked) > 0 {
			fmt.Printf("%d changes could not be processed and are parked: see `segue parked` when no server runs.\n", len(parked))
		}
	}
	used, err := laptop.Entities.List(ctx, sales.Engine(), "msdyn_sequence", nil, 1, "")
	if err != nil {
		return err
	}
	if len(used.Rows) > 0 {
		fmt.Println("The store is as it was left; RESET=1 make run starts anew.")
		return nil
	}
	return loadDemo(ctx, laptop, seed)
}

// welcome prints how to talk to the server.
func (s *serve) welcome(laptop *boot.Laptop, addr string) error {
	token, err := laptop.Issuer.Issue(userID("", "Demo User"), "Demo User", []string{"Sales Manager"}, 12*time.Hour)
	if err != nil {
		return err
	}
	base := laptop.API.Public
	if base == "" {
		base = "http://" + addr
	}
	fmt.Printf(welcomeText, base, token, base, uuid.NewString(), matching)
	return nil
}

// matching is a lead that a segment of the demo data takes.
const matching = `"subject":"Sixty coffee machines","firstname":"Ada","lastname":"Example","companyname":"Example Roasters","leadsourcecode":7`

const welcomeText = `
Base URL  %s/api/data/v9.2/
Token     (12 hours, role Sales Manager; more: go run ./cmd/segue token --role Salesperson)

Paste these lines: the token, then three that create a lead, show its segment, and show
its sequence target with the first step.

TOKEN=%s BASE=%s/api/data/v9.2 LEAD=%s
curl -sS -X POST $BASE/leads -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H 'Prefer: return=representation' -d '{"leadid":"'$LEAD'",%s}'; echo
curl -sS "$BASE/leads($LEAD)?\$select=subject,_msdyn_segmentid_value,segue_evaluation" -H "Authorization: Bearer $TOKEN" -H 'Prefer: odata.include-annotations="*"'; echo
curl -sS "$BASE/msdyn_sequencetargets?\$filter=_msdyn_target_value%%20eq%%20$LEAD&\$select=_msdyn_parentsequence_value,statuscode,msdyn_currentstepname,_segue_currentstep_value" -H "Authorization: Bearer $TOKEN" -H 'Prefer: odata.include-annotations="*"'; echo

Stop with Ctrl-C.
`
