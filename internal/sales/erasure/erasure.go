// Package erasure takes out of the rows what they tell of a person: the personal columns
// of a record (schema: "personal"), the names that its targets have of it, the activities
// about it, the emails that were sent, what is parked of all these, and the same of the rows that are about the same
// person (schema: "person"). Connections end. The rows stay, so that counts and reports
// do; what tells of the erasure is a row of its own, without the person's data.
//
// The record and its live connections change in the unit of work of the request. What may
// be any number of rows follows in a job, round after round until a round finds nothing:
// the indexes that it goes by may lag. docs/operations.md says what remains elsewhere.
//
// Invariant: an erased record (segue_erasedon) has no value in a personal column but the
// word Erased, whatever is written later and whatever change comes again, and is on no
// sequence. It is the row that refuses. A record that was deleted before it was erased has
// none, and whoever writes it again brings the person back, until it is erased again: a row
// in its place would be one more in lists and counts, or, if nobody were to see it, make
// each count of records read rows.
package erasure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Erased stands where a row must have a name.
const Erased = "Erased"

// Erasures is the use cases of erasing. It is safe for concurrent use.
type Erasures struct {
	db          *rows.DB
	connections *connection.Connections
	newID       func() string
}

// New returns the use cases on the rows of db; newID makes the ids of erasures.
func New(db *rows.DB, connections *connection.Connections, newID func() string) *Erasures {
	return &Erasures{db: db, connections: connections, newID: newID}
}

// EraseIn erases a record, and those that it says are about the same person, in a unit of
// work on behalf of whoever asks for it, and begins the job that does the rest. Of a record
// that is not there, what is left is erased, for it may tell of the person; nothing keeps
// the record from being made again. Erasing again goes through everything again, and
// changes nothing unless the person has come back.
func (e *Erasures) EraseIn(ctx context.Context, tx *rows.Tx, ref rows.Ref) (name.ErasureID, error) {
	if err := sales.Connectable(e.db.Schema(), ref.Table); err != nil {
		return "", sales.Refuse(sales.Invalid, "rows of %q are not records; a person is erased by a record, and what is about it goes too", ref.Table)
	}
	return e.erase(ctx, tx, ref, "")
}

// erase is EraseIn because of another erasure, "" for none.
func (e *Erasures) erase(ctx context.Context, tx *rows.Tx, ref rows.Ref, cause name.ErasureID) (name.ErasureID, error) {
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return "", err
	}
	id := name.ErasureID(e.newID())
	row := tx.Create(tx.Schema().Table(name.Erasure), string(id), map[string]schema.Value{
		name.SegueName: schema.Text(ref.String()), name.SegueTable: schema.Text(ref.Table), name.SegueRowid: schema.Text(ref.ID),
	})
	if cause != "" {
		row.Set(name.SegueCause, schema.Text(string(cause)))
	}
	tx.OnCommit(id, func(ctx context.Context) error {
		slog.InfoContext(ctx, "a record is erased", "table", ref.Table, "id", ref.ID, "erasure", id, "because", cause)
		return nil
	})
	if err := sales.BeginJob(ctx, tx, e.job(ref, id)); err != nil {
		return "", err
	}
	if found[0] == nil {
		return id, nil
	}
	if err := e.eraseRecord(ctx, tx, found[0]); err != nil || cause != "" {
		return id, err
	}
	return id, e.eraseSame(ctx, tx, found[0], id)
}

// eraseRecord changes a held record and its live connections. One of these that cannot be
// read does not keep the person in the record: the job, which goes by an index, ends those
// that it can, and fails with the reason for the others.
func (e *Erasures) eraseRecord(ctx context.Context, tx *rows.Tx, record *rows.Row) error {
	_, err := e.connections.EndConnections(ctx, tx, record, sequence.DisconnectAsked, "")
	switch {
	case sales.Transient(err):
		return err
	case err != nil:
		connection.DropGuard(record)
		slog.WarnContext(ctx, "the connections of an erased record are left to the job", "table", record.Table.Name, "id", record.ID, "reason", err)
	}
	anonymize(record)
	// When it would be decided on tells the dates from which that was computed.
	record.Set(name.SegueDecideon, schema.Null())
	record.Set(name.SegueSettleson, schema.Null())
	if (sales.Record{Row: record}).Erased().IsZero() {
		record.Set(name.SegueErasedon, schema.Time(tx.Now()))
	}
	return nil
}

// eraseSame erases the records that a held record says are about the same person. What
// those say in turn is for their own jobs: a chain of records may be of any length, and a
// transaction may not.
func (e *Erasures) eraseSame(ctx context.Context, tx *rows.Tx, record *rows.Row, id name.ErasureID) error {
	for _, ref := range samePerson(record) {
		found, err := tx.Load(ctx, ref)
		if err != nil {
			return err
		}
		if found[0] == nil || !(sales.Record{Row: found[0]}).Erased().IsZero() {
			continue
		}
		if _, err := e.erase(ctx, tx, ref, id); err != nil {
			return err
		}
	}
	return nil
}

// samePerson returns the records that a record says are about the same person.
func samePerson(record *rows.Row) (refs []rows.Ref) {
	for _, c := range record.Table.Columns {
		if to := record.Lookup; c.Person && to(c.Name).ID != "" {
			refs = append(refs, rows.Ref{Table: to(c.Name).Table, ID: to(c.Name).ID})
		}
	}
	return refs
}

// anonymize clears the personal columns of a row; where that is its name, it says so. A
// row in which nothing is left to clear is not changed.
func anonymize(row *rows.Row) {
	t := row.Table
	named := t.Column(t.PrimaryName)
	if last := len(named.Compose) - 1; last >= 0 {
		named = t.Column(named.Compose[last])
	}
	for _, c := range t.Columns {
		switch {
		case !c.Personal:
		case c == named:
			row.Set(c.Name, schema.Text(Erased))
		default:
			row.Set(c.Name, schema.Null())
		}
	}
	for _, c := range t.Columns {
		if len(c.Compose) > 0 {
			row.Set(c.Name, compose(row, c.Compose))
		}
	}
	current := func(column string) schema.Value { v, _ := row.Value(column); return v } // it never fails for a column of the table
	for _, c := range t.Implied() {                                                     // one that was too long to be implied has a value of its own
		if slices.ContainsFunc(c.Sources(), func(source string) bool { return t.Column(source).Personal }) {
			row.Set(c.Name, c.Imply(current))
		}
	}
}

func compose(row *rows.Row, parts []string) schema.Value {
	var texts []string
	for _, part := range parts {
		if text := row.Text(part); text != "" {
			texts = append(texts, text)
		}
	}
	if texts == nil {
		return schema.Null()
	}
	return schema.Text(strings.Join(texts, " "))
}

// job is what does the rest of an erasure, which has the same id.
func (e *Erasures) job(ref rows.Ref, id name.ErasureID) sales.NewJob {
	job := sales.NewJob{
		ID: name.JobID(id), Kind: Kind, Name: fmt.Sprintf("Erase %v", ref), Subject: ref,
		Scans: []sales.Scan{
			{Table: name.SequenceTarget, Index: recordIndex, Single: true},
			{Table: name.SalesRoutingRun, Index: runsIndex, Single: true},
			{Table: name.ParkedChange, Small: true},
			{Table: name.SentEmail, Index: sendsIndex, Single: true},
		},
	}
	for _, t := range e.db.Schema().Tables() {
		if t.Is(name.ActivityTrait) {
			job.Scans = append(job.Scans, sales.Scan{Table: t.Name, Index: regardingIndex, Single: true})
		}
		about := func(c *schema.Column) bool {
			return c.Person && slices.ContainsFunc(c.Targets, func(target schema.Target) bool { return target.Table == ref.Table })
		}
		if t.Is(name.RecordTrait) && slices.ContainsFunc(t.Columns, about) {
			job.Scans = append(job.Scans, sales.Scan{Table: t.Name, Small: true}) // no index has them
		}
	}
	return job
}

// Indexes of what is about a record, and of the steps of a target.
const (
	recordIndex    = "record"
	runsIndex      = "runs"
	regardingIndex = "regarding"
	sendsIndex     = "sends"
	stepsIndex     = "target"
)

// Kind is the kind of the jobs of erasures.
const Kind = "erase"

// found is the count of the rows that a round has changed.
const found = "found"

// Job is the work of [Kind].
func (e *Erasures) Job() sales.JobKind { return work{e} }

type work struct{ *Erasures }

// Prepare implements [sales.JobKind].
func (w work) Prepare(_ context.Context, job sales.Job) (sales.JobWork, error) {
	return func(ctx context.Context, listed *rows.Row, tally *sales.JobTally) (changed bool, err error) {
		if listed.Table.Is(name.RecordTrait) && !slices.Contains(samePerson(listed), job.Subject()) {
			return false, nil // as nearly all are of a table that is walked: reading each once more would be most of the cost
		}
		err = w.db.Do(ctx, "", func(tx *rows.Tx) error {
			changed, err = w.eraseListed(ctx, tx, job, listed.Ref())
			return err
		})
		if changed = changed && err == nil; changed {
			tally.Add(found, 1)
		}
		return changed, err
	}, nil
}

// eraseListed does to a listed row, as it is now, what the erasure of the job's subject
// means for it.
func (w work) eraseListed(ctx context.Context, tx *rows.Tx, job sales.Job, ref rows.Ref) (changed bool, err error) {
	held, err := tx.Load(ctx, ref)
	if err != nil || held[0] == nil {
		return false, err
	}
	row, subject := held[0], job.Subject()
	switch {
	case row.Table.Name == name.ParkedChange:
		parked := rows.Ref{Table: row.Text(name.SegueTable), ID: row.Text(name.SegueRowid)}
		about, err := w.about(ctx, tx, parked, subject)
		if about {
			tx.Delete(row)
		}
		return about, err
	case row.Table.Name == name.SequenceTarget:
		return w.eraseTarget(ctx, tx, row, subject)
	case row.Table.Name == name.SalesRoutingRun:
		if refOf(row.Lookup(name.MsdynTargetobject)) != subject {
			return false, nil
		}
		anonymize(row) // of the values that conditions have read
		return row.Changed(), nil
	case row.Table.Name == name.SentEmail:
		return eraseSend(ctx, tx, row, subject)
	case row.Table.Is(name.ActivityTrait):
		if refOf(row.Lookup(name.Regardingobjectid)) != subject {
			return false, nil
		}
		tx.Delete(row)
		return true, nil
	}
	if !slices.Contains(samePerson(row), subject) || !(sales.Record{Row: row}).Erased().IsZero() {
		return false, nil
	}
	_, err = w.erase(ctx, tx, ref, name.ErasureID(job.ID()))
	return err == nil, err
}

// eraseSend takes the person out of an email that was sent, whose links then lead nowhere.
// An address that takes no emails stays one, known by its hash alone.
func eraseSend(ctx context.Context, tx *rows.Tx, row *rows.Row, subject rows.Ref) (changed bool, err error) {
	if refOf(row.Lookup(name.SegueRegarding)) != subject {
		return false, nil
	}
	if address := row.Text(name.SegueRecipient); address != "" {
		found, err := tx.Load(ctx, rows.RefTo(name.SuppressedAddress, sales.SuppressionOf(address)))
		if err != nil {
			return false, err
		}
		if found[0] != nil {
			anonymize(found[0])
		}
	}
	anonymize(row)
	return row.Changed(), nil
}

// about reports whether a row is the subject, or one of its targets and activities. So may
// be a target or an activity that is gone: whose it was, nobody can tell. There is nothing
// left to follow of it either.
func (w work) about(ctx context.Context, tx *rows.Tx, ref, subject rows.Ref) (bool, error) {
	t := w.db.Schema().Table(ref.Table)
	switch {
	case ref == subject:
		return true, nil
	case t == nil || t.Name != name.SequenceTarget && !t.Is(name.ActivityTrait):
		return false, nil
	}
	held, err := tx.Load(ctx, ref)
	if err != nil || held[0] == nil {
		return err == nil, err
	}
	if t.Name == name.SequenceTarget {
		return refOf(sequence.Target{Row: held[0]}.Record()) == subject, nil
	}
	return refOf(held[0].Lookup(name.Regardingobjectid)) == subject, nil
}

// eraseTarget takes the person out of a target, which ends if it is still live.
func (w work) eraseTarget(ctx context.Context, tx *rows.Tx, row *rows.Row, subject rows.Ref) (changed bool, err error) {
	if refOf(sequence.Target{Row: row}.Record()) != subject {
		return false, nil
	}
	if _, err := w.connections.EndTarget(ctx, tx, row, sequence.DisconnectAsked); err != nil {
		return false, err
	}
	anonymize(row)
	stepsChanged, err := w.eraseSteps(ctx, tx, row.ID)
	return row.Changed() || stepsChanged, err
}

// eraseSteps takes out of the steps of a target what sellers have written on them.
func (w work) eraseSteps(ctx context.Context, tx *rows.Tx, target string) (changed bool, err error) {
	t := w.db.Schema().Table(name.SequenceTargetStep)
	of := map[string]schema.Value{name.MsdynSequencetarget: schema.Ref(schema.Lookup{Table: name.SequenceTarget, ID: target})}
	index := t.Indexes[slices.IndexFunc(t.Indexes, func(x *schema.Index) bool { return x.Name == stepsIndex })]
	partitions, _ := rows.IndexPartitions(t, index, of)
	for _, partition := range partitions {
		part, err := w.db.Read(ctx, t, partition, "", 0)
		if err != nil {
			return false, err
		}
		for _, broken := range part.Broken {
			return false, fmt.Errorf("%v cannot be read: %w", broken.Ref, broken.Err)
		}
		refs := make([]rows.Ref, len(part.Rows))
		for i, step := range part.Rows {
			refs[i] = step.Ref()
		}
		held, err := tx.Load(ctx, refs...)
		if err != nil {
			return false, err
		}
		for _, step := range held {
			if step != nil {
				anonymize(step)
				changed = changed || step.Changed()
			}
		}
	}
	return changed, nil
}

// Finish implements [sales.JobKind]: a round that changed something is followed by
// another, and so is the first.
func (w work) Finish(ctx context.Context, tx *rows.Tx, job sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	if counts[found] > 0 || job.Round() == 0 {
		return sales.JobEnd{Again: true}, nil
	}
	if err := sales.AllDone(job, counts); err != nil {
		return sales.JobEnd{}, fmt.Errorf("whether all is done about %v is not known: %w", job.Subject(), err)
	}
	held, err := tx.Load(ctx, rows.RefTo(name.Erasure, name.ErasureID(job.ID())), job.Subject())
	if err == nil && held[0] == nil {
		err = errors.New("its row of erasures is gone")
	}
	if err == nil && held[1] != nil {
		err = w.eraseSame(ctx, tx, held[1], name.ErasureID(job.ID()))
	}
	if err != nil {
		return sales.JobEnd{}, err
	}
	held[0].Set(name.SegueEndedon, schema.Time(tx.Now()))
	return sales.JobEnd{}, nil
}

func refOf(to schema.Lookup) rows.Ref { return rows.Ref{Table: to.Table, ID: to.ID} }
