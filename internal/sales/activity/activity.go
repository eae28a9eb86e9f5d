// Package activity is the activities that steps have on the timeline of their records: a
// phone call, an email or a task that a seller finds there and completes there, where the
// organization wants it so (docs/domain.md §6.7). They are made, completed and cancelled in
// the transaction that opens or closes the step, one item more each time.
//
// The id of an activity derives from that of its step, so a repeat makes no second one, and
// what closes a step finds its activity without reading anything. An activity that somebody
// has closed or deleted before stays as it is.
//
// Invariant: a step that is completed or cancelled leaves no activity open that it had.
package activity

import (
	"context"

	"segue/internal/excerpt"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/sales/setting"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The states of an activity, the same in all of its tables.
const (
	Open      int64 = 0
	Completed int64 = 1
	Cancelled int64 = 2
)

// Activities makes and closes the activities of steps. It is safe for concurrent use.
type Activities struct {
	db       *rows.DB
	settings *setting.Settings
}

// New returns the Activities of the rows of db.
func New(db *rows.DB, settings *setting.Settings) *Activities {
	return &Activities{db: db, settings: settings}
}

// Open makes the activity of a step that the unit of work opens, where the organization wants
// one, and names it in the columns of the step and of its target. The columns of the step are
// complete. A record that is not held by the unit of work is read for a phone call, whose
// number it has.
func (a *Activities) Open(ctx context.Context, tx *rows.Tx, id name.SequenceTargetStepID, step, target map[string]schema.Value) error {
	target[name.SegueActivity] = schema.Null() // of the step before
	set, err := a.settings.Get(ctx)
	if err != nil {
		return err
	}
	kind, _ := step[name.MsdynType].Int()
	call := sequence.StepType(kind) == sequence.PhoneCall
	if !set.Activities.Create || call && set.Activities.ExceptCalls || !step[name.SegueSystem].IsNull() {
		return nil
	}
	lookup, ok := sequence.ActivityOf(sequence.StepType(kind), id)
	if !ok {
		return nil
	}
	values, err := a.values(ctx, tx, lookup.Table, id, schema.Values(step), set.Activities.Phones)
	if err != nil {
		return err
	}
	tx.Create(tx.Schema().Table(lookup.Table), lookup.ID, values)
	step[name.MsdynLinkedactivityid], target[name.SegueActivity] = schema.Text(lookup.ID), schema.Bool(true)
	return nil
}

// OpenNow makes the activity of an open step that has none, for a seller who begins with it;
// it returns the activity, which is the one that the step has where it has one already. The
// unit of work holds the step.
func (a *Activities) OpenNow(ctx context.Context, tx *rows.Tx, row *rows.Row) (schema.Lookup, error) {
	step := sequence.TargetStep{Row: row}
	if lookup, ok := step.Activity(); ok {
		return lookup, nil
	}
	id := name.SequenceTargetStepID(row.ID)
	lookup, ok := sequence.ActivityOf(step.Type(), id)
	if !ok || step.State() != sequence.StepActive {
		return schema.Lookup{}, sales.Refuse(sales.Precondition, "step %q is not an open email, phone call or task; only those have an activity", step.Name())
	}
	set, err := a.settings.Get(ctx)
	if err != nil {
		return schema.Lookup{}, err
	}
	values, err := a.values(ctx, tx, lookup.Table, id, row, set.Activities.Phones)
	if err != nil {
		return schema.Lookup{}, err
	}
	tx.Create(tx.Schema().Table(lookup.Table), lookup.ID, values)
	row.Set(name.MsdynLinkedactivityid, schema.Text(lookup.ID))
	tx.Patch(tx.Schema().Table(name.SequenceTarget), string(step.Position().Target), map[string]schema.Value{name.SegueActivity: schema.Bool(true)}, map[string]schema.Value{
		name.Statecode: schema.Int(int64(sequence.TargetActive)), name.SegueCurrentstep: schema.RefTo(name.SequenceTargetStep, row.ID),
	})
	return lookup, nil
}

// values returns the columns of a new activity.
func (a *Activities) values(ctx context.Context, tx *rows.Tx, table string, id name.SequenceTargetStepID, row schema.Columns, phones []string) (map[string]schema.Value, error) {
	t, step := tx.Schema().Table(table), sequence.TargetStep{Row: row}
	record := step.Position().Record
	status, _ := t.DefaultStatus(Open)
	values := t.Defaults()
	for column, v := range map[string]schema.Value{
		name.Subject: schema.Text(step.Name()), name.Description: text(excerpt.Bytes(row.Text(name.MsdynDescription), t.Column(name.Description).MaxLength)),
		name.Regardingobjectid: schema.Ref(record), name.Scheduledend: schema.Time(step.Due()), name.SegueStep: schema.Text(string(id)),
		name.Statecode: schema.Int(Open), name.Statuscode: schema.Int(status),
		name.Ownerid: owner(row, name.Ownerid), name.Owningbusinessunit: owner(row, name.Owningbusinessunit),
	} {
		if !v.IsNull() {
			values[column] = v
		}
	}
	if table == name.PhoneCall && len(phones) > 0 {
		number, err := a.phone(ctx, tx, rows.Ref{Table: record.Table, ID: record.ID}, phones)
		if err != nil {
			return nil, err
		}
		if number != "" {
			values[name.Phonenumber] = schema.Text(excerpt.Bytes(number, t.Column(name.Phonenumber).MaxLength))
		}
	}
	return values, nil
}

func text(s string) schema.Value {
	if s == "" {
		return schema.Null()
	}
	return schema.Text(s)
}

func owner(row schema.Columns, column string) schema.Value {
	if to := row.Lookup(column); to.ID != "" {
		return schema.Ref(to)
	}
	return schema.Null()
}

// phone returns the first phone number that a record has in these columns. Those of an
// opportunity are those of its contact (docs/domain.md §6.7).
func (a *Activities) phone(ctx context.Context, tx *rows.Tx, ref rows.Ref, columns []string) (string, error) {
	row := tx.Held(ref)
	if row == nil {
		found, err := a.db.Get(ctx, ref)
		if err != nil || found[0] == nil {
			return "", err
		}
		row = found[0]
	}
	for _, column := range columns {
		if c := row.Table.Column(column); c != nil && c.Type == schema.String && row.Text(column) != "" {
			return row.Text(column), nil
		}
	}
	if ref.Table != name.Opportunity || row.Lookup(name.Parentcontactid).ID == "" {
		return "", nil
	}
	contact := row.Lookup(name.Parentcontactid)
	return a.phone(ctx, tx, rows.Ref{Table: contact.Table, ID: contact.ID}, columns)
}

// Close brings the activity of a step to the end that the step has: it is completed with the
// step, and cancelled with one that is cancelled, or skipped where the organization says so.
// result is the status reason of a phone call, 0 where it is not told. It must be called in the
// unit of work that closes the step.
func (a *Activities) Close(ctx context.Context, tx *rows.Tx, activity schema.Lookup, as sequence.StepStatus, result int64) error {
	set, err := a.settings.Get(ctx)
	if err != nil {
		return err
	}
	state := Cancelled
	switch {
	case as == sequence.StepCompleted:
		state = Completed
	case as == sequence.StepSkipped && !set.Activities.SkipCancels:
		return nil
	}
	t := tx.Schema().Table(activity.Table)
	status, _ := t.DefaultStatus(state)
	if of, ok := t.StateOf(result); ok && state == Completed && of != Open {
		state, status = of, result
	}
	columns := map[string]schema.Value{name.Statecode: schema.Int(state), name.Statuscode: schema.Int(status), name.Actualend: schema.Time(tx.Now())}
	return write(ctx, tx, activity, columns)
}

// write changes an activity if it is open.
func write(ctx context.Context, tx *rows.Tx, activity schema.Lookup, columns map[string]schema.Value) error {
	ref := rows.Ref{Table: activity.Table, ID: activity.ID}
	row := tx.Held(ref)
	if row == nil && tx.Again() { // it may not have been as expected
		found, err := tx.Load(ctx, ref)
		if err != nil || found[0] == nil {
			return err
		}
		row = found[0]
	}
	switch {
	case row == nil:
		tx.Patch(tx.Schema().Table(activity.Table), activity.ID, columns, map[string]schema.Value{name.Statecode: schema.Int(Open)})
	case row.Int(name.Statecode) == Open:
		row.SetAll(columns)
	}
	return nil
}

// Keep gives the open activity of an open step the owner and the due time that the step has got. The
// unit of work holds the step.
func (*Activities) Keep(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	step := sequence.TargetStep{Row: row}
	linked, ok := step.Activity()
	if !ok || step.State() != sequence.StepActive {
		return nil
	}
	columns := map[string]schema.Value{name.Scheduledend: schema.Time(step.Due())}
	for _, column := range []string{name.Ownerid, name.Owningbusinessunit} {
		if v := owner(row, column); !v.IsNull() {
			columns[column] = v
		}
	}
	return write(ctx, tx, linked, columns)
}

// Result is the status reason with which a phone call is completed whose result is not told: the
// one that the organization has set, or 0.
func (a *Activities) Result(ctx context.Context) (int64, error) {
	set, err := a.settings.Get(ctx)
	return set.Activities.CallStatus, err
}

// Completes reports whether completing an activity of a table completes its step.
func (a *Activities) Completes(ctx context.Context, table string) (bool, error) {
	set, err := a.settings.Get(ctx)
	if table == name.PhoneCall {
		return set.Activities.CallCompletes, err
	}
	return set.Activities.OtherCompletes, err
}

// Check refuses settings of activities that name what the schema does not have.
func Check(s *schema.Schema, organization schema.Columns) error {
	status := organization.Int(name.SegueCallstatus)
	if state, ok := s.Table(name.PhoneCall).StateOf(status); status != 0 && (!ok || state != Completed) {
		return sales.Refuse(sales.Invalid, "%s is %d; it is a status reason of completed phone calls", name.SegueCallstatus, status)
	}
	for _, column := range setting.Phones(organization) {
		if !hasColumn(s, column) {
			return sales.Refuse(sales.Invalid, "%s has %q; it lists text columns of records, such as %s, with commas between them", name.SeguePhonecolumns, column, name.Mobilephone)
		}
	}
	return nil
}

// hasColumn reports whether a table of records has a text column of this name.
func hasColumn(s *schema.Schema, column string) bool {
	for _, t := range s.Tables() {
		if c := t.Column(column); t.Is(name.RecordTrait) && c != nil && c.Type == schema.String {
			return true
		}
	}
	return false
}
