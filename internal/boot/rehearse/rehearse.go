// Package rehearse carries out the tests that authors write (package
// [segue/internal/sales/rehearsal]) on a whole Segue: for each test the parts that [boot.Assemble] puts
// together, over an embedded store in a folder of its own, with a clock that moves when the
// test says so and a transport that keeps the emails. It is apart from boot, so that a
// Lambda function does not link the store (docs/decisions/0047).
//
// Invariant: a test touches nothing but its own folder, which goes with it; no email leaves.
package rehearse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/embed"
	"segue/internal/guid"
	"segue/internal/mail"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/sales/rehearsal"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// patience is how long the tests of one text may take by the machine's clock: the last of
// their bounds.
const patience = 2 * time.Minute

// House is where sequences are tested.
type House struct{ Tables *schema.Schema }

// Rehearse carries out the tests of a sequence. It may be called at the same time.
func (h House) Rehearse(ctx context.Context, s rehearsal.Sequence, script *rehearsal.Script) ([]rehearsal.Result, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	results, err := rehearsal.Run(limited, script, func(ctx context.Context, start time.Time) (rehearsal.Stage, error) {
		return h.open(ctx, s, start)
	})
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, sales.Refuse(sales.Limit, "the tests of one text may take %v, and these take longer", patience)
	}
	return results, err
}

// stage is the Segue of one test.
type stage struct {
	*boot.Parts

	sequence  rehearsal.Sequence
	operation operation.Executor
	caller    sales.Caller // the seller, who may do all that a test says
	clock     *hand
	mailbox   *mailbox
	store     *embed.Store
	folder    string
	record    rows.Ref
	activated bool
	work      int       // how many passes over the due list were made
	idle      time.Time // when the last of them got nothing done; zero: it did
}

var _ rehearsal.Stage = (*stage)(nil)

// open makes an empty Segue whose clock shows start.
func (h House) open(ctx context.Context, s rehearsal.Sequence, start time.Time) (*stage, error) {
	folder, err := os.MkdirTemp("", "segue-test-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for a test: %w", err)
	}
	g := &stage{
		sequence: s, clock: &hand{now: start}, mailbox: &mailbox{}, folder: folder,
		caller: sales.Caller{
			ID: name.UserID(guid.FromName("seller of a test")), Name: "Seller", Login: "seller@example.com",
			Roles: []string{sales.SystemAdministrator, sales.SalesManager},
		},
	}
	if g.store, err = embed.Open(filepath.Join(folder, "segue.db"), rows.Indexes(), embed.Clock(g.clock), embed.NoSync()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	db := rows.New(g.store, h.Tables, g.clock)
	db.FirstVersions(firstVersions())
	g.Parts = boot.Assemble(db, boot.Options{
		Freshness: sales.Freshness{Clock: g.clock}, NewID: ids(), Program: "test",
		Mail: mailing.Config{
			Sender: g.mailbox, From: mail.Address{Name: "Seller", Email: "seller@example.com"}, Base: "https://segue.example", Key: []byte("the key of tests, which protects nothing"),
		},
	})
	g.operation = g.Operations()
	if _, err := g.Principals.Admit(ctx, g.caller); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, g.settle(ctx)
}

// Close implements [rehearsal.Stage].
func (g *stage) Close() error {
	g.Local.Close()
	return errors.Join(g.store.Close(), os.RemoveAll(g.folder))
}

// ids returns what makes the same ids in each run.
func ids() func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return guid.FromName(fmt.Sprint("row of a test ", n))
	}
}

// firstVersions returns what gives new rows the same versions in each run, since ids derive
// from them; each life of an id begins with another one.
func firstVersions() func(rows.Ref) int64 {
	const apart = 1_000_000 // more changes than a row has in a test
	var mu sync.Mutex
	lives := map[rows.Ref]int64{}
	return func(ref rows.Ref) int64 {
		mu.Lock()
		defer mu.Unlock()
		lives[ref]++
		return apart * lives[ref]
	}
}

// hand is a clock that is moved by hand. Nothing waits by it.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

// Now implements [clock.Clock].
func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Sleep implements [clock.Clock]: pauses are for others, and a test is alone.
func (h *hand) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (h *hand) set(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = now
}

// mailbox is a transport that keeps what it is given.
type mailbox struct {
	mu   sync.Mutex
	sent []rehearsal.Email
}

// Send implements [mail.Sender].
func (m *mailbox) Send(_ context.Context, message mail.Message) (string, error) {
	if err := message.Check(); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, rehearsal.Email{To: message.To.Email, Subject: message.Subject})
	return message.ID + "@segue.example", nil
}

// Sent implements [rehearsal.Stage].
func (g *stage) Sent() []rehearsal.Email {
	g.mailbox.mu.Lock()
	defer g.mailbox.mu.Unlock()
	return append([]rehearsal.Email(nil), g.mailbox.sent...)
}

// Now implements [rehearsal.Stage].
func (g *stage) Now() time.Time { return g.clock.Now() }

// object is an object of columns that the stage writes itself.
func object(columns map[string]any) (json.RawMessage, error) {
	text, err := json.Marshal(columns)
	if err != nil {
		return nil, fmt.Errorf("write columns: %w", err)
	}
	return text, nil
}
