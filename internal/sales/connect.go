package sales

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"segue/internal/rows"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
)

// ConnectInput asks for one connection.
type ConnectInput struct {
	Record   rows.Ref
	Sequence string
	Segment  string        // the segment that causes it, or ""
	Delay    time.Duration // until the first step is due
}

// WaitTime reads the time until the first step is due, whose type nobody
// published (domain.md §13.1): whole minutes as text, "" for none, at most as
// long as a wait step (§2).
func WaitTime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	const most = int(sequence.MaxWait / time.Minute)
	minutes, err := strconv.Atoi(text)
	if err != nil || minutes < 0 || minutes > most {
		return 0, refuse(Invalid, "WaitTime %q is no number of minutes from 0 to %d", text, most)
	}
	return time.Duration(minutes) * time.Minute, nil
}

// Connection is a record's place on a sequence.
type Connection struct {
	Target  string // id of the sequence target
	Already bool   // it was there before; nothing was changed
}

// Connect puts a record on a sequence and creates the first step (domain.md
// §7.1, §7.3). A record that is on it already stays as it is, which is success.
// Refusals: NotFound, Precondition, Forbidden.
func (s *Service) Connect(ctx context.Context, c Caller, in ConnectInput) (Connection, error) {
	return s.connect(ctx, c, in, nil)
}

// connect is Connect with the record possibly read already.
func (s *Service) connect(ctx context.Context, c Caller, in ConnectInput, held *rows.Row) (Connection, error) {
	if err := s.connectable(in.Record.Table); err != nil {
		return Connection{}, err
	}
	if err := s.demand(c, connecting(in.Record.Table)...); err != nil {
		return Connection{}, err
	}
	var made Connection
	err := s.db.Do(ctx, c.ID, func(tx *rows.Tx) error {
		if held != nil {
			tx.Hold(held)
			held = nil // the next try reads it anew
		}
		record, run, err := s.loadBoth(ctx, tx, in)
		if err != nil {
			return err
		}
		made, err = s.join(ctx, tx, record, run, in)
		return err
	})
	return made, public(err)
}

// connectable refuses tables whose rows cannot be connected (domain.md §7.1
// rule 7).
func (s *Service) connectable(name string) error {
	t := s.db.Schema().Table(name)
	if t == nil {
		return refuse(Invalid, "there is no table %q", name)
	}
	if !t.Is("record") {
		return refuse(Invalid, "rows of %s cannot be connected to sequences", name)
	}
	return nil
}

// loadBoth reads the record and, unless a usable one is at hand, the sequence,
// in one request.
func (s *Service) loadBoth(ctx context.Context, tx *rows.Tx, in ConnectInput) (*rows.Row, running, error) {
	run, ok := s.sequences.peek(in.Sequence, s.options.Fresh, s.options.Clock())
	if ok && run.active { // it may have been activated since: ask again
		found, err := tx.Load(ctx, in.refs()...)
		if err != nil {
			return nil, run, err
		}
		return found[0], run, in.missing(found)
	}
	var found []*rows.Row
	run, err := s.sequences.load(ctx, in.Sequence, s.options.Clock(), func(ctx context.Context, _ running) (running, error) {
		all, err := tx.Load(ctx, append(in.refs(), rows.Ref{Table: sequenceTable, ID: in.Sequence})...)
		if err != nil {
			return running{}, err
		}
		last := len(all) - 1
		found = all[:last]
		return runningOf(all[last])
	})
	if err != nil {
		return nil, run, err
	}
	return found[0], run, in.missing(found)
}

// refs are the rows that must be there beside the sequence.
func (in ConnectInput) refs() []rows.Ref {
	refs := []rows.Ref{in.Record}
	if in.Segment != "" {
		refs = append(refs, rows.Ref{Table: segmentTable, ID: in.Segment})
	}
	return refs
}

// missing refuses when one of refs was not found.
func (in ConnectInput) missing(found []*rows.Row) error {
	for i, ref := range in.refs() {
		if err := present(found[i], ref); err != nil {
			return err
		}
	}
	return nil
}

func present(row *rows.Row, ref rows.Ref) error {
	if row == nil {
		return notFound(ref)
	}
	return nil
}

// join adds a connection to a held record: the decision of Connect, and of
// Evaluate for a segment's sequence.
func (s *Service) join(ctx context.Context, tx *rows.Tx, record *rows.Row, run running, in ConnectInput) (Connection, error) {
	switch {
	case run.id == "":
		return Connection{}, notFound(rows.Ref{Table: sequenceTable, ID: in.Sequence})
	case !run.active:
		return Connection{}, refuse(Precondition, "sequence %q (%s) is not active; only an active sequence can be connected", run.name, run.id)
	case run.table != record.Table.Name:
		return Connection{}, refuse(Precondition, "sequence %q (%s) is for records of %s, not of %s", run.name, run.id, run.table, record.Table.Name)
	}
	connections, err := liveOf(record)
	if err != nil {
		return Connection{}, err
	}
	if target, ok := connections[run.id]; ok {
		return Connection{Target: target, Already: true}, nil
	}
	if err := s.open(record); err != nil {
		return Connection{}, err
	}
	if len(connections) > 0 && !s.options.Policy.Several {
		return Connection{}, s.elsewhere(ctx, record, slices.Sorted(maps.Keys(connections))[0])
	}
	return s.begin(tx, record, run, in, connections), nil
}

// begin writes target, first step and guard into the unit of work.
func (s *Service) begin(tx *rows.Tx, record *rows.Row, run running, in ConnectInput, connections map[string]string) Connection {
	connection := sequence.Connection{
		Record:   schema.Lookup{Table: record.Table.Name, ID: record.ID},
		Name:     record.Text(record.Table.PrimaryName),
		Owner:    record.Lookup("ownerid"),
		Sequence: run.id,
		Segment:  in.Segment,
		Version:  record.Version,
		Entry:    record.Int(entries) + 1,
		Delay:    in.Delay,
	}
	target, step, stepID := sequence.Begin(run.definition, connection, s.db.Now())
	tx.Create(s.db.Schema().Table(targetTable), connection.Target(), target)
	tx.Create(s.db.Schema().Table(stepTable), stepID, step)
	connections[run.id] = connection.Target()
	setLive(record, connections)
	record.Set(entries, connection.Entry)
	return Connection{Target: connection.Target()}
}

// open applies rule 3 of domain.md §7.1 in the reading of the policy.
func (s *Service) open(record *rows.Row) error {
	state, status := record.Int("statecode"), record.Int("statuscode")
	switch {
	case state != 0:
		return refuse(Precondition, "%v is closed (statecode %d); only an open record can be connected", record.Ref(), state)
	case record.Table.Name == "lead" && status != 1 && !s.options.Policy.AnyActive:
		return refuse(Precondition, "%v has statuscode %d; only a lead in state New (statuscode 1) can be connected", record.Ref(), status)
	}
	return nil
}

// elsewhere says which sequence the record is on.
func (s *Service) elsewhere(ctx context.Context, record *rows.Row, other string) error {
	names, err := s.Names(ctx, []schema.Lookup{{Table: sequenceTable, ID: other}})
	if err != nil {
		return err
	}
	name := names[schema.Lookup{Table: sequenceTable, ID: other}]
	return refuse(Precondition, "%v is connected to sequence %q (%s); disconnect it first", record.Ref(), name, other)
}

// Disconnect takes a record off a sequence, or off all with sequence "" (§7.4).
// It answers how many connections ended; none is success too.
func (s *Service) Disconnect(ctx context.Context, c Caller, record rows.Ref, from string) (int, error) {
	return s.disconnect(ctx, c, record, from, "", nil)
}

// DisconnectTarget takes a record off one connection, named by its target. A
// target that is not the record's, or not of the sequence given ("" for any), is
// refused; one that has ended already is success and changes nothing, whatever
// the record is connected to since.
func (s *Service) DisconnectTarget(ctx context.Context, c Caller, record rows.Ref, target, given string) (int, error) {
	row, err := s.Retrieve(ctx, c, rows.Ref{Table: targetTable, ID: target})
	if err != nil {
		return 0, err
	}
	of := row.Lookup("msdyn_parentsequence").ID
	if is := row.Lookup("msdyn_target"); is.ID != record.ID || given != "" && given != of {
		return 0, refuse(Invalid, "SequenceTargetId %s is a connection of %s %s to sequence %s", target, is.Table, is.ID, of)
	}
	return s.disconnect(ctx, c, record, of, target, nil)
}

// disconnect is Disconnect with the record possibly read already, and with
// target not "" only if the connection is still that one.
func (s *Service) disconnect(ctx context.Context, c Caller, ref rows.Ref, from, target string, held *rows.Row) (int, error) {
	if err := s.connectable(ref.Table); err != nil {
		return 0, err
	}
	if err := s.demand(c, connecting(ref.Table)...); err != nil {
		return 0, err
	}
	ended := 0
	err := s.db.Do(ctx, c.ID, func(tx *rows.Tx) error {
		if held != nil {
			tx.Hold(held)
			held = nil
		}
		found, err := tx.Load(ctx, ref)
		if err == nil {
			err = present(found[0], ref)
		}
		if err != nil {
			return err
		}
		connections, err := liveOf(found[0])
		if err != nil || target != "" && connections[from] != target {
			return err
		}
		ended, err = s.end(ctx, tx, found[0], sequence.DisconnectAsked, from)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("disconnect %v: %w", ref, public(err))
	}
	return ended, nil
}
