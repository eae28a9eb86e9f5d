// Package boot turns the environment into a running Segue: logger, store,
// domain, authentication. It is the only reader of Segue's variables, and the only
// place where the parts are put together, so that a Lambda function
// ([segue/internal/boot/amazon]) and the laptop program ([segue/internal/boot/laptop])
// differ in what they boot and in nothing else.
//
// Invariant: without gateway claims and without a key set, every request is
// refused as not authenticated.
package boot

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"segue/internal/auth"
	"segue/internal/clock"
	"segue/internal/protect"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/advance"
	"segue/internal/sales/rollup"
	"segue/internal/sales/view"
	"segue/internal/schema"
	"segue/internal/store"
)

// Fresh is how long a process uses a definition that it has read without asking
// again, where several processes share a table (docs/decisions/0003).
const Fresh = time.Second

// Environment is what Segue reads from its environment. Every field is optional,
// except Table in a Lambda function.
type Environment struct {
	Table      string // SEGUE_TABLE: name of the DynamoDB table
	Public     string // SEGUE_PUBLIC_URL: the URL that clients use
	Policy     string // SEGUE_POLICY: comma list of "seed" (default) or "active", and "several"
	RolesClaim string // SEGUE_ROLES_CLAIM: claim that lists the roles
	KeySet     string // SEGUE_JWKS: public keys that verify tokens of the local issuer
	JobQueue   string // SEGUE_JOB_QUEUE: URL of the SQS queue where the tasks of jobs wait
	Backfill   string // SEGUE_BACKFILL_QUEUE: URL of the SQS queue for the tasks of long jobs, which would hold up the others; by default the same queue
	Retention  string // SEGUE_RETENTION_DAYS: days for which ended targets and steps are kept; 0, the default, is for ever
	RowForm    string // SEGUE_ROW_FORM: how rows are written, "compact" (default) or "long" (docs/decisions/0023)
	Examined   string // SEGUE_MAX_EXAMINED: rows that a request may examine; 50,000 by default
	Limits     string // SEGUE_SERVICE_LIMITS: of a user in five minutes, "requests,seconds of execution,requests at once"; 6000,1200,52 by default, none on files; 0 for none
	Slow       string // SEGUE_SLOW_REQUEST: how long a request to a function may take before it is logged, such as "1s" (default)
	Metrics    string // SEGUE_METRICS: namespace of the metrics in CloudWatch; none are written when it is empty
	Schema     string // SEGUE_SCHEMA: folder of files that add tables and columns; by default the one that the build put beside a function, "" for none
	Program    string // SEGUE_PROGRAM: version of the program; what the build or Lambda knows by default
	MailFrom   string // SEGUE_MAIL_FROM: the sender of emails, "Sales <sales@example.com>"; without it none are sent
	MailEvents string // SEGUE_MAIL_CONFIGURATION_SET: the configuration set of SES, whose event destination tells what becomes of emails
	SMTP       string // SEGUE_SMTP_URL: the server that takes emails outside AWS, smtp://user:password@host:587
	TrackKey   string // SEGUE_TRACK_KEY: signs the addresses in emails; 32 characters or more that nobody guesses
	// SEGUE_ORGANIZATION: name of the organization that the rows are of, by default the
	// table's. A copy of a table has another name, and rows of the same organization.
	Organization string
}

// FromEnvironment returns the Environment of this process.
func FromEnvironment() Environment {
	return Environment{
		Table:      os.Getenv("SEGUE_TABLE"),
		Public:     strings.TrimSuffix(os.Getenv("SEGUE_PUBLIC_URL"), "/"),
		Policy:     os.Getenv("SEGUE_POLICY"),
		RolesClaim: os.Getenv("SEGUE_ROLES_CLAIM"),
		KeySet:     os.Getenv("SEGUE_JWKS"),
		JobQueue:   os.Getenv("SEGUE_JOB_QUEUE"),
		Backfill:   os.Getenv("SEGUE_BACKFILL_QUEUE"),
		Retention:  os.Getenv("SEGUE_RETENTION_DAYS"),
		RowForm:    os.Getenv("SEGUE_ROW_FORM"),
		Examined:   os.Getenv("SEGUE_MAX_EXAMINED"),
		Limits:     os.Getenv("SEGUE_SERVICE_LIMITS"),
		Slow:       os.Getenv("SEGUE_SLOW_REQUEST"),
		Metrics:    os.Getenv("SEGUE_METRICS"),
		Schema:     cmp.Or(os.Getenv("SEGUE_SCHEMA"), bundledSchema()),
		Program:    program(),
		MailFrom:   os.Getenv("SEGUE_MAIL_FROM"),
		MailEvents: os.Getenv("SEGUE_MAIL_CONFIGURATION_SET"),
		SMTP:       os.Getenv("SEGUE_SMTP_URL"),
		TrackKey:   os.Getenv("SEGUE_TRACK_KEY"),

		Organization: os.Getenv("SEGUE_ORGANIZATION"),
	}
}

// Tables returns the tables of Segue and those of the folder Schema.
func (env Environment) Tables() (*schema.Schema, error) {
	if env.Schema == "" {
		tables, err := schema.Default()
		if err != nil {
			return nil, fmt.Errorf("read the schema: %w", err)
		}
		return tables, nil
	}
	tables, err := schema.Extended(os.DirFS(env.Schema))
	if err != nil {
		return nil, fmt.Errorf("SEGUE_SCHEMA %s: %w", env.Schema, err)
	}
	if err := Check(tables); err != nil {
		return nil, fmt.Errorf("SEGUE_SCHEMA %s: %w", env.Schema, err)
	}
	return tables, nil
}

// Check checks what the files of a schema say beyond the schema itself: the conditions of
// its roll-up columns.
func Check(tables *schema.Schema) error {
	_, err := rollup.Of(tables)
	return err
}

// bundledSchema is the schema folder in a function's package (make build SCHEMA=folder),
// "" where there is none.
func bundledSchema() string {
	folder := filepath.Join(os.Getenv("LAMBDA_TASK_ROOT"), "schema")
	if _, err := os.Stat(folder); err != nil || !filepath.IsAbs(folder) { //nolint:gosec // Lambda sets the variable
		return ""
	}
	return folder
}

// App is a booted Segue.
type App struct {
	*Parts
	Identity auth.Authenticator // finds the caller of a request
	Public   string             // the URL that clients use; "" for that of the request
	Limits   *protect.Guard     // bounds each user
	Clock    clock.Clock
	Log      *slog.Logger
	Slow     time.Duration // how long a request may take before it is logged; 0 logs all
}

// Clock returns the clock of a program: the only one that is made, for all parts.
func Clock() clock.Clock { return clock.System() }

// New puts the parts together on any store. All of them use the clock of options.
// The policy of env overrides that of options.
func New(env Environment, store store.Store, claims func(context.Context) (map[string]string, bool), options Options, log *slog.Logger) (*App, error) {
	tables, err := env.Tables()
	if err != nil {
		return nil, err
	}
	if options.Policy, err = parsePolicy(env.Policy); err != nil {
		return nil, err
	}
	if options.Policy.Retention, err = parseRetention(env.Retention); err != nil {
		return nil, err
	}
	if options.MaxExamined, err = parseExamined(env.Examined); err != nil {
		return nil, err
	}
	if options.Freshness.Clock == nil {
		options.Freshness.Clock = Clock()
	}
	options.Program = env.Program
	identity, err := env.authenticator(claims, options.Freshness.Clock)
	if err != nil {
		return nil, err
	}
	options.Organization = cmp.Or(env.Organization, env.Table)
	options = options.withDefaults()
	if err := options.Rights.Check(tables); err != nil {
		return nil, err
	}
	form, err := parseForm(env.RowForm)
	if err != nil {
		return nil, err
	}
	db := rows.New(store, tables, options.Freshness.Clock)
	db.Write(form)
	if err := view.Give(db); err != nil {
		return nil, err
	}
	limits, err := env.guard(db, options.Freshness)
	if err != nil {
		return nil, err
	}
	parts := Assemble(db, options)
	parts.count()
	return &App{Parts: parts, Identity: identity, Public: env.Public, Limits: limits, Clock: options.Freshness.Clock, Log: log}, nil
}

// count has what is worked on counted, and the figures of each minute put into the store.
func (p *Parts) count() {
	p.Changes = p.Health.Batches(p.Changes, p.Reactions.Follows)
	p.Advance.Before(func(ctx context.Context) error {
		p.Health.Flush(ctx)
		return nil
	})
}

// guard returns what bounds users: counts that are shared where several processes serve
// the store. One process alone bounds nobody unless it is told to: whoever loads a file
// through the server on a laptop takes it from nobody.
func (env Environment) guard(db *rows.DB, freshness sales.Freshness) (*protect.Guard, error) {
	limits, err := parseLimits(env.Limits)
	switch alone := freshness.For == 0; {
	case err != nil:
		return nil, err
	case alone && env.Limits == "":
		return nil, nil //nolint:nilnil // a nil Guard admits all
	case alone:
		db = nil
	}
	return protect.New(limits, db, freshness.Clock), nil
}

// authenticator returns an Authenticator that trusts the gateway's claims and the
// configured key set.
func (env Environment) authenticator(claims func(context.Context) (map[string]string, bool), c clock.Clock) (auth.Authenticator, error) {
	identity := auth.Authenticator{Claims: claims, RolesClaim: env.RolesClaim}
	if env.KeySet == "" {
		return identity, nil
	}
	var err error
	identity.Verifier, err = auth.NewVerifier([]byte(env.KeySet), auth.Options{
		Issuer: auth.LocalIssuer, Audience: auth.LocalAudience, RolesClaim: env.RolesClaim, Clock: c,
	})
	if err != nil {
		return identity, fmt.Errorf("SEGUE_JWKS: %w", err)
	}
	return identity, nil
}

// maxRetention is the longest retention, in days.
const maxRetention = 36500

// parseRetention reads SEGUE_RETENTION_DAYS.
func parseRetention(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < 0 || days > maxRetention {
		return 0, fmt.Errorf("SEGUE_RETENTION_DAYS is %q; it is a number of days from 0 to %d", text, maxRetention)
	}
	return time.Duration(days) * 24 * time.Hour, nil
}

// parseExamined reads SEGUE_MAX_EXAMINED, 0 for the default.
func parseExamined(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("SEGUE_MAX_EXAMINED is %q; it is a number of rows from 1 up", text)
	}
	return n, nil
}

// parseLimits reads SEGUE_SERVICE_LIMITS.
func parseLimits(text string) (protect.Limits, error) {
	if text == "" {
		return protect.Default(), nil
	}
	words := strings.Split(text, ",")
	numbers := make([]int, len(words))
	for i, word := range words {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 0 || n > math.MaxInt32 {
			return protect.Limits{}, fmt.Errorf("SEGUE_SERVICE_LIMITS is %q; %q is not a number from 0 to %d", text, word, math.MaxInt32)
		}
		numbers[i] = n
	}
	if len(numbers) != 3 {
		return protect.Limits{}, fmt.Errorf("SEGUE_SERVICE_LIMITS is %q; it is three numbers: requests, seconds of execution, requests at once", text)
	}
	return protect.Limits{Requests: numbers[0], Execution: time.Duration(numbers[1]) * time.Second, Concurrent: numbers[2]}, nil
}

// parseForm reads SEGUE_ROW_FORM.
func parseForm(text string) (rows.Form, error) {
	switch text {
	case "", "compact":
		return rows.Compact, nil
	case "long":
		return rows.Long, nil
	}
	return rows.Compact, fmt.Errorf("SEGUE_ROW_FORM is %q; it may be compact or long", text)
}

// parsePolicy reads the words of SEGUE_POLICY.
func parsePolicy(text string) (sales.Policy, error) {
	var p sales.Policy
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		switch word {
		case "seed":
			p.AnyActive = false
		case "active":
			p.AnyActive = true
		case "several":
			p.Several = true
		default:
			return p, fmt.Errorf("SEGUE_POLICY has %q; it may have seed, active, several", word)
		}
	}
	return p, nil
}

// Tasks returns what works on the messages of the queue, and counts them. It is a method and no
// field, so that a function that does not call it does not link what all jobs do.
func (p *Parts) Tasks() queue.Handler { return p.Health.Tasks(p.Queued()) }

// Queued returns what works on the messages of the queue: tasks of jobs, and rows that are due.
func (p *Parts) Queued() queue.Handler {
	return queue.Split(advance.IsDue, p.Advance.Handle, p.Jobs.Handle)
}
