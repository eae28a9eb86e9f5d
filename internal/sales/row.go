package sales

import (
	"context"
	"errors"
	"slices"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/schema"
)

// If is what must be true of a row for it to be written (webapi.md §10). The
// zero If demands nothing: an update of a row that is not there creates it.
type If struct {
	Version int64 // the row has this version; 0: any
	Exists  bool  // the row is there
	Absent  bool  // the row is not there
}

// rules is what the rows of a table obey beyond the schema. A rule sees the row
// as it is to be written and may change it, and may load and change others in
// the same unit of work.
type rules interface {
	create(ctx context.Context, tx *rows.Tx, row *rows.Row) error
	update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error
	// remove says keep when the row itself is to stay for now.
	remove(ctx context.Context, tx *rows.Tx, row *rows.Row) (keep bool, err error)
	// written runs after any of them has been committed.
	written()
}

func (s *Service) rules(t *schema.Table) rules {
	switch {
	case t.Is("record"):
		return recordRules{s: s}
	case t.Name == "msdyn_sequence":
		return sequenceRules{s}
	case t.Name == "msdyn_sequencetarget":
		return targetRules{}
	case t.Name == "msdyn_sequencetargetstep":
		return stepRules{s: s}
	case t.Name == "msdyn_segment":
		return segmentRules{s}
	case t.Name == "msdyn_segmentattribute":
		return orderRules{s}
	}
	return plainRules{}
}

// plainRules are those of a table without any.
type plainRules struct{}

func (plainRules) create(context.Context, *rows.Tx, *rows.Row) error { return nil }
func (plainRules) update(context.Context, *rows.Tx, *rows.Row, map[string]schema.Value) error {
	return nil
}
func (plainRules) remove(context.Context, *rows.Tx, *rows.Row) (bool, error) { return false, nil }
func (plainRules) written()                                                  {}

// Create makes a row. An empty id is filled in; a row with that id is
// Duplicate. The caller owns the row if nobody else is named.
func (s *Service) Create(ctx context.Context, c Caller, name, id string, values map[string]schema.Value) (*rows.Row, error) {
	t, err := s.allowed(c, name, Create)
	if err != nil {
		return nil, err
	}
	checked, err := t.CheckCreate(s.owned(t, c, values))
	if err != nil {
		return nil, invalid(err)
	}
	if id == "" {
		id = s.options.NewID()
	}
	row, err := s.insert(ctx, c, t, id, checked)
	return row, public(err)
}

func (s *Service) insert(ctx context.Context, c Caller, t *schema.Table, id string, values map[string]schema.Value) (*rows.Row, error) {
	var row *rows.Row
	again := false
	err := s.db.Do(ctx, c.ID, func(tx *rows.Tx) error {
		if again { // something was not as expected: is it the row itself?
			there, err := tx.Load(ctx, rows.Ref{Table: t.Name, ID: id})
			if err != nil {
				return err
			}
			if there[0] != nil {
				return refuse(Duplicate, "A record with matching key values already exists: %s %s", t.Name, id)
			}
		}
		again = true
		row = tx.Create(t, id, values)
		return s.rules(t).create(ctx, tx, row)
	})
	if err != nil {
		return nil, err
	}
	s.rules(t).written()
	return row, nil
}

// Update changes columns of a row; nil clears one. A row that is not there is
// created, unless cond says otherwise; created tells which.
func (s *Service) Update(ctx context.Context, c Caller, ref rows.Ref, changes map[string]schema.Value, cond If) (row *rows.Row, created bool, err error) {
	t, err := s.allowed(c, ref.Table, Write)
	if err != nil {
		return nil, false, err
	}
	if _, assigns := changes["ownerid"]; assigns {
		if err := s.demand(c, right{Assign, t.Name}); err != nil {
			return nil, false, err
		}
	}
	err = s.db.Do(ctx, c.ID, func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, ref)
		if err != nil {
			return err
		}
		if row = found[0]; row == nil || s.gone(row) {
			row = nil
			return absent(ref, cond)
		}
		if err := cond.check(row); err != nil {
			return err
		}
		return s.change(ctx, tx, row, changes)
	})
	switch {
	case err != nil:
		return nil, false, public(err)
	case row == nil:
		row, err = s.Create(ctx, c, ref.Table, ref.ID, changes)
		if errors.Is(err, Duplicate) && !cond.Absent { // somebody else created it meanwhile
			cond.Exists = true
			return s.Update(ctx, c, ref, changes, cond)
		}
		return row, true, err
	}
	s.rules(t).written()
	return row, false, nil
}

// change applies checked changes to a held row.
func (s *Service) change(ctx context.Context, tx *rows.Tx, row *rows.Row, changes map[string]schema.Value) error {
	before := row.Values()
	checked, err := row.Table.CheckUpdate(before, changes)
	if err != nil {
		return invalid(err)
	}
	row.SetAll(checked)
	if !row.Changed() {
		return nil
	}
	return s.rules(row.Table).update(ctx, tx, row, before)
}

func (cond If) check(row *rows.Row) error {
	switch {
	case cond.Absent:
		return refuse(Duplicate, "A record with matching key values already exists: %v", row.Ref())
	case cond.Version != 0 && cond.Version != row.Version:
		return refuse(Stale, "The version of the existing record doesn't match the RowVersion property provided: %v is at version %d, not %d", row.Ref(), row.Version, cond.Version)
	}
	return nil
}

// absent says whether a row that is not there may be created under cond.
func absent(ref rows.Ref, cond If) error {
	if cond.Exists || cond.Version != 0 {
		return notFound(ref)
	}
	return nil
}

// Delete removes a row and, where a rule says so, ends what hangs on it.
func (s *Service) Delete(ctx context.Context, c Caller, ref rows.Ref, cond If) error {
	t, err := s.allowed(c, ref.Table, Delete)
	if err != nil {
		return err
	}
	err = s.db.Do(ctx, c.ID, func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, ref)
		if err != nil {
			return err
		}
		row := found[0]
		if row == nil || s.gone(row) {
			return notFound(ref)
		}
		if err := cond.check(row); err != nil {
			return err
		}
		keep, err := s.rules(t).remove(ctx, tx, row)
		if err == nil && !keep {
			tx.Delete(row)
		}
		return err
	})
	if err != nil {
		return public(err)
	}
	s.rules(t).written()
	return nil
}

// Retrieve reads a row.
func (s *Service) Retrieve(ctx context.Context, c Caller, ref rows.Ref) (*rows.Row, error) {
	if _, err := s.allowed(c, ref.Table, Read); err != nil {
		return nil, err
	}
	found, err := s.db.Get(ctx, ref)
	if err != nil {
		return nil, public(err)
	}
	if found[0] == nil || s.gone(found[0]) {
		return nil, notFound(ref)
	}
	return found[0], public(s.decorate(ctx, found))
}

// List reads up to limit rows that match where, from the page token on.
func (s *Service) List(ctx context.Context, c Caller, name string, where *filter.Group, limit int, token string) (query.Page, error) {
	t, err := s.allowed(c, name, Read)
	if err != nil {
		return query.Page{}, err
	}
	page, err := s.lists.Select(ctx, query.Query{Table: t, Where: where, Limit: limit, Token: token})
	if err != nil {
		return query.Page{}, public(err)
	}
	page.Rows = slices.DeleteFunc(page.Rows, s.gone)
	return page, public(s.decorate(ctx, page.Rows))
}

// Names are the primary names of rows, for people; each row is read once, and
// rows that are not there are left out.
func (s *Service) Names(ctx context.Context, lookups []schema.Lookup) (map[schema.Lookup]string, error) {
	names := map[schema.Lookup]string{}
	asked := map[schema.Lookup]bool{}
	var refs []rows.Ref
	for _, l := range lookups {
		if s.db.Schema().Table(l.Table) != nil && !asked[l] {
			asked[l], refs = true, append(refs, rows.Ref{Table: l.Table, ID: l.ID})
		}
	}
	found, err := s.db.Get(ctx, refs...)
	if err != nil {
		return nil, public(err)
	}
	for _, row := range found {
		if row != nil {
			names[schema.Lookup{Table: row.Table.Name, ID: row.ID}] = row.Text(row.Table.PrimaryName)
		}
	}
	return names, nil
}

// gone says that a row is there only until its connections have ended.
func (s *Service) gone(row *rows.Row) bool {
	return row.Table.Name == "msdyn_sequence" && row.Text(phase) == deleting
}

// allowed finds a table on which the caller has a privilege.
func (s *Service) allowed(c Caller, name string, p Privilege) (*schema.Table, error) {
	t := s.db.Schema().Table(name)
	if t == nil || t.Set == "" {
		return nil, refuse(NotFound, "there is no table %q", name)
	}
	return t, s.demand(c, right{p, name})
}

// owned adds the caller as owner of a row that names none.
func (s *Service) owned(t *schema.Table, c Caller, values map[string]schema.Value) map[string]schema.Value {
	if !t.Is("userOwned") || c.ID == "" || values["ownerid"] != nil {
		return values
	}
	with := map[string]schema.Value{"ownerid": schema.Lookup{Table: "systemuser", ID: c.ID}}
	for column, v := range values {
		with[column] = v
	}
	return with
}
