// Package rehearsal is the tests that the author of a sequence writes: a text in which
// records are put on the sequence, sellers and recipients act, the clock jumps, and what is
// expected then is told, a line each (docs/tests.md). [Parse] reads the text, [Run] carries
// it out on stages, each of which is an empty Segue with a clock that stands still between
// the lines. What a stage is made of is not known here (docs/decisions/0047).
//
// Invariant: a text is bounded in tests, lines, simulated time and work before it is carried
// out or while it is, so that every one ends; the outcome depends on the text and the
// sequence alone.
package rehearsal

import (
	"context"
	"encoding/json"
	"time"
)

// Limits of a text.
const (
	MaxBytes = 256 << 10
	MaxLines = 2000
	MaxTests = 100
	// MaxSpan is how far the clock of a test goes at most.
	MaxSpan = 2 * 366 * 24 * time.Hour
	// MaxWork is how often a test may have what is due done, however much that is at once.
	MaxWork = 2000
)

// Sequence is what is tested: a definition that need not be activated.
type Sequence struct {
	Title   string
	Table   string          // of its records
	Text    string          // of the definition
	Columns json.RawMessage // more columns of its row, an object as a client writes it; nil for none
}

// Result is what came of one test.
type Result struct {
	Name     string
	Passed   bool
	Line     int    // where it failed; where it begins if it passed
	Expected string // "" if it passed
	Got      string
	Trace    []Step
}

// Step is a step of the record as a test left it.
type Step struct {
	Name   string
	State  string // "open", "held", "completed", "skipped" or "cancelled"
	Opened time.Time
	Due    time.Time
	Closed time.Time // zero while it is open
	Note   string    // its outcome, or why it is held
}

// Scene is the record's connection at a moment.
type Scene struct {
	Connected bool   // it has been, once
	Ended     string // how, in words of [Expectation.Ended]; "" while it is live
	Reason    string // why it ended, for people
	Step      *Step  // the open step, nil for none
}

// Email is one that was sent.
type Email struct{ To, Subject string }

// Stage is a Segue of its own, empty at first. Errors of what a line asks for are told as the
// test's failure.
type Stage interface {
	Now() time.Time
	// Put makes a row, or changes the one that the object names.
	Put(ctx context.Context, table string, row json.RawMessage) error
	// Record makes the record that the test is about.
	Record(ctx context.Context, table string, row json.RawMessage) error
	// Update changes the record.
	Update(ctx context.Context, row json.RawMessage) error
	Connect(ctx context.Context) error
	Disconnect(ctx context.Context) error
	// Finish completes or skips the open step; outcome is "" for none.
	Finish(ctx context.Context, skip bool, outcome string) error
	// Hear tells what the recipient of the latest email did, or of that of a step.
	Hear(ctx context.Context, what Event, step string) error
	// Jump lets the time pass and does what becomes due.
	Jump(ctx context.Context, to time.Time) error
	Look(ctx context.Context) (Scene, error)
	// Holds reports whether a column of the record has a value, and returns the one that it has.
	Holds(ctx context.Context, column string, value json.RawMessage) (holds bool, got string, err error)
	// Sent returns all emails in their order.
	Sent() []Email
	Trace(ctx context.Context) ([]Step, error)
	Close() error
}

// Event is what a recipient does with an email, or a provider tells of it.
type Event string

// The events, as they are written.
const (
	Opened     Event = "opened"
	Clicked    Event = "clicked"
	Downloaded Event = "downloaded"
	Replied    Event = "replied"
	Bounced    Event = "bounced"
	Complained Event = "complained"
)

// Events are all of them.
func Events() []Event { return []Event{Opened, Clicked, Downloaded, Replied, Bounced, Complained} }
