// Package connection is a record on sequences: connecting and disconnecting,
// one by one and in selections, and what ends connections when a record or a sequence
// ends. Their steps are the subject of package progress, above.
//
// The record's own row is the guard (ARCHITECTURE.md): its hidden column
// segue_live holds the live connections, so whatever makes or ends a connection
// writes the record's row under the version it saw, in the transaction that
// writes target and step. Definitions are read through a cache and never
// checked in that transaction, for one item that many transactions name would
// make them cancel each other; what slips through is put right by the reactions
// Verify and Sweep.
//
// Where to find what: who may be connected is in eligibility.go, the guard in
// guard.go, the rules of rows in record.go and target.go. The rules of
// sequences are in room authoring.
//
// Size: the rules of records and targets, connecting and the sweep all write the
// guard or the targets that it names, in the transaction that writes the guard;
// apart, they would export those verbs to each other.
//
// Invariant: a record's segue_live names exactly its live targets, each of them
// has exactly one open step, and none belongs to a sequence that is not active
// for longer than the change records take.
package connection

import (
	"context"
	"strconv"
	"time"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/activity"
	"segue/internal/sales/authoring"
	"segue/internal/sales/calendar"
	"segue/internal/sales/principal"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Connections is the use cases on connections. It is safe for concurrent use.
type Connections struct {
	db         *rows.DB
	principals *principal.Directory
	entities   *entity.Entities
	policy     sales.Policy
	sequences  *authoring.Sequences
	calendars  *calendar.Calendars
	activities *activity.Activities
}

// New returns the use cases on the rows of db.
func New(db *rows.DB, principals *principal.Directory, entities *entity.Entities, policy sales.Policy, sequences *authoring.Sequences, calendars *calendar.Calendars, activities *activity.Activities) *Connections {
	return &Connections{db: db, principals: principals, entities: entities, policy: policy, sequences: sequences, calendars: calendars, activities: activities}
}

// Request asks for one connection.
type Request struct {
	Record   rows.Ref
	Sequence name.SequenceID
	Segment  name.SegmentID            // the segment that causes it, or ""
	Delay    time.Duration             // until the first step is due
	From     name.SequenceTargetStepID // the step that advances to the sequence, or ""
	By       name.UserID               // who connects the record; "": Segue itself
}

// WaitTime reads the time until the first step is due, whose type nobody
// published (docs/domain.md §13.1): whole minutes as text, "" for none, at most
// as long as a wait step (§2).
func WaitTime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	const most = int(sequence.MaxWait / time.Minute)
	minutes, err := strconv.Atoi(text)
	if err != nil || minutes < 0 || minutes > most {
		return 0, sales.Refuse(sales.Invalid, "WaitTime %q is not a number of minutes from 0 to %d", text, most)
	}
	return time.Duration(minutes) * time.Minute, nil
}

// Connection is a record's place on a sequence.
type Connection struct {
	Target  name.SequenceTargetID
	Already bool // it was there before; nothing was changed
}

// Connect puts a record on a sequence and creates the first step (docs/domain.md
// §7.1, §7.3). A record that is on it already stays as it is, which is success.
// Refusals: [sales.NotFound], [sales.Precondition], [sales.Forbidden].
func (s *Connections) Connect(ctx context.Context, c sales.Caller, request Request) (Connection, error) {
	return s.connect(ctx, c, request, nil)
}

// connect is Connect with the record possibly read already.
func (s *Connections) connect(ctx context.Context, c sales.Caller, request Request, record *rows.Row) (connection Connection, err error) {
	err = s.db.DoBy(ctx, c.By(), func(tx *rows.Tx) error {
		if record != nil && !tx.Again() { // a repeated try reads it itself
			tx.Hold(record)
		}
		connection, err = s.ConnectIn(ctx, tx, c, request)
		return err
	})
	return connection, sales.Public(err)
}

// ConnectIn is Connect in a unit of work.
func (s *Connections) ConnectIn(ctx context.Context, tx *rows.Tx, c sales.Caller, request Request) (Connection, error) {
	if err := s.admit(ctx, c, request.Record.Table); err != nil {
		return Connection{}, err
	}
	found, parent, err := s.sequences.LoadWith(ctx, tx, request.Sequence, request.refs()...)
	if err != nil {
		return Connection{}, err
	}
	if err := request.refuseMissing(found); err != nil {
		return Connection{}, err
	}
	record := found[0]
	if err := s.authorizeRecord(ctx, c, record); err != nil {
		return Connection{}, err
	}
	if err := s.authorizeSequence(ctx, c, parent); err != nil {
		return Connection{}, err
	}
	request.By = c.ID
	return s.ConnectLoaded(ctx, tx, record, parent, request)
}

// by is who connects the record, as an owner.
func (r Request) by() schema.Lookup {
	if r.By == "" {
		return schema.Lookup{}
	}
	return schema.Lookup{Table: name.User, ID: string(r.By)}
}

// refs are the rows that must be there beside the sequence.
func (r Request) refs() []rows.Ref {
	refs := []rows.Ref{r.Record}
	if r.Segment != "" {
		refs = append(refs, rows.RefTo(name.Segment, r.Segment))
	}
	return refs
}

// refuseMissing refuses when one of refs was not found.
func (r Request) refuseMissing(found []*rows.Row) error {
	for i, ref := range r.refs() {
		if found[i] == nil {
			return sales.NoRow(ref)
		}
	}
	return nil
}
