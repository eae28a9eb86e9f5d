// Package view is saved queries: views, which everybody sees, and personal views. A
// view is a query in FetchXML with a name; lists run it by its id.
//
// The views that the product ships are given by definition ([rows.DB.Give]): every
// store has them from its first read on, on a laptop and on AWS, and no start writes
// one. Their ids are derived, so they are the same everywhere.
//
// Invariant: the FetchXML of a stored view could be read when it was written, and is
// about the table that the view names. Shipped views stay as they are.
package view

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/entity"
	"segue/internal/fetchxml"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Rules returns the rules of the tables of views.
func Rules(s *schema.Schema) entity.Rules { return rules{schema: s} }

type rules struct {
	entity.Plain
	schema *schema.Schema
}

// Create implements [entity.Rules].
func (r rules) Create(_ context.Context, _ *rows.Tx, row *rows.Row) error {
	isShipped := func(id name.ViewID) bool { return row.Ref() == rows.RefTo(name.View, id) }
	if slices.ContainsFunc(shippedIDs(r.schema), isShipped) {
		return sales.Refuse(sales.Duplicate, "A record with matching key values already exists: %v is shipped with the product", row.Ref())
	}
	return r.check(row)
}

// Update implements [entity.Rules].
func (r rules) Update(_ context.Context, _ *rows.Tx, row *rows.Row, _ map[string]schema.Value) error {
	if err := refuseShipped(row); err != nil {
		return err
	}
	return r.check(row)
}

// Delete implements [entity.Rules].
func (rules) Delete(_ context.Context, _ *rows.Tx, row *rows.Row) (keep bool, err error) {
	return false, refuseShipped(row)
}

// refuseShipped refuses to change or delete a view that the product ships.
func refuseShipped(row *rows.Row) error {
	if row.Table.Name == name.View && row.Is(name.Ismanaged) {
		return sales.Refuse(sales.Precondition, "%v is shipped with the product (%s is true) and stays as it is; create another view", row.Ref(), name.Ismanaged)
	}
	return nil
}

// check refuses FetchXML that cannot be read, with its own error, and fills in the table
// of a view that names none.
func (r rules) check(row *rows.Row) error {
	fetch, err := fetchxml.Parse(r.schema, row.Text(name.Fetchxml))
	if err != nil {
		return sales.InvalidInput(err)
	}
	switch table := row.Text(name.Returnedtypecode); table {
	case fetch.Table.Name:
	case "":
		row.Set(name.Returnedtypecode, schema.Text(fetch.Table.Name))
	default:
		return sales.Refuse(sales.Invalid, "%s is %q, but %s is about %s", name.Returnedtypecode, table, name.Fetchxml, fetch.Table.Name)
	}
	return nil
}

// Give makes the shipped views be there: of each record type the open rows that are on
// no sequence.
func Give(db *rows.DB) error {
	s := db.Schema()
	t := s.Table(name.View)
	for _, record := range records(s) {
		values, err := t.CheckCreate(withoutSequences(record))
		if err != nil {
			return fmt.Errorf("shipped view of %s: %w", record.Name, err)
		}
		values[name.Ismanaged] = schema.Bool(true)
		if err := db.Give(rows.RefTo(name.View, WithoutSequences(record)), shippedOn(), values); err != nil {
			return err
		}
	}
	return nil
}

// shippedOn is when shipped views were made: the same for all, in every store.
func shippedOn() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// records returns the tables whose rows can be connected.
func records(s *schema.Schema) (all []*schema.Table) {
	if s.Table(name.View) == nil { // a small schema
		return nil
	}
	for _, t := range s.Tables() {
		if t.Is(name.RecordTrait) {
			all = append(all, t)
		}
	}
	return all
}

func shippedIDs(s *schema.Schema) (ids []name.ViewID) {
	for _, t := range records(s) {
		ids = append(ids, WithoutSequences(t))
	}
	return ids
}

// WithoutSequences returns the id of the shipped view of a record type's open rows that
// are on no sequence.
func WithoutSequences(t *schema.Table) name.ViewID {
	return name.ViewID(guid.Derive("view", "without sequences", t.Name))
}

// withoutSequences returns the columns of that view. It has no order: in the order of
// the index of such rows it costs a page, whatever their number, and any other order
// would have to read them all.
func withoutSequences(t *schema.Table) map[string]schema.Value {
	open, condition := "", ""
	if len(t.States) > 0 {
		state := t.States[0]
		open, condition = state.Label+" ", fmt.Sprintf(`<condition attribute=%q operator="eq" value="%d"/>`, name.Statecode, state.Value)
	}
	columns := []string{t.PrimaryName}
	for _, column := range []string{name.Subject, name.Ownerid, name.Statuscode, name.Createdon} {
		if t.Column(column) != nil && !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	var attributes, cells strings.Builder
	for _, column := range columns {
		fmt.Fprintf(&attributes, `<attribute name=%q/>`, column)
		fmt.Fprintf(&cells, `<cell name=%q width="150"/>`, column)
	}
	fetch := fmt.Sprintf(`<fetch version="1.0"><entity name=%q>%s<filter type="and">%s<condition attribute=%q operator="eq" value="0"/></filter></entity></fetch>`,
		t.Name, &attributes, condition, name.SegueConnected)
	layout := fmt.Sprintf(`<grid name="resultset" jump=%q select="1" icon="1" preview="1"><row name="result" id=%q>%s</row></grid>`, t.PrimaryName, t.ID, &cells)
	plural := schema.Plural(t.Label)
	return map[string]schema.Value{
		name.Name:             schema.Text(capital(strings.ToLower(open+plural)) + " without sequences"),
		name.Description:      schema.Text(fmt.Sprintf("%s that are connected to no sequence", plural)),
		name.Returnedtypecode: schema.Text(t.Name),
		name.Fetchxml:         schema.Text(fetch),
		name.Layoutxml:        schema.Text(layout),
	}
}

// capital returns a text with a capital first letter.
func capital(text string) string {
	first := []rune(text)[:1]
	return strings.ToUpper(string(first)) + strings.TrimPrefix(text, string(first))
}
