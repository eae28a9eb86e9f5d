// Package schema knows the tables: their columns with types, lengths, options
// and who may write them, their states, the relationships between them and the
// indexes that serve their lists. It is read from files that a person can edit:
// tables/*.json, one a table; traits/*.json, what several tables have in common;
// optionsets/*.json, one option a line. A custom table is one more file.
//
// Size: a column is one type to whoever loads its file, reads and prints its
// values and checks rows, and only a whole schema is shown to the packages above;
// apart, loading and checking would export what nobody else may use.
//
// Invariant: a value that passed [Column.Check], or came from [Column.FromJSON] or
// [Column.FromText], is of the kind of its column and obeys the column's rules, so
// that no layer above checks it again. Errors name the table, column, value and rule.
package schema

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/guid"
)

// Type is the data type of a column.
type Type string

// The column types. [Type.Kind] is the kind of their values.
const (
	String   Type = "string"
	Memo     Type = "memo"    // long text
	Integer  Type = "integer" // 32 bits
	BigInt   Type = "bigint"  // 64 bits
	Decimal  Type = "decimal" // 10 decimal places
	Money    Type = "money"   // 4 decimal places
	Double   Type = "double"  // 64 bits
	Boolean  Type = "boolean"
	Choice   Type = "choice"   // one of Column.Options
	State    Type = "state"    // one of Table.States
	Status   Type = "status"   // one of the statuses of a state
	DateTime Type = "datetime" // an instant
	Date     Type = "date"     // midnight UTC
	GUID     Type = "guid"     // text, lower case without braces
	LookupTo Type = "lookup"   // a reference to a row
)

// Types lists the column types.
func Types() []Type {
	return []Type{String, Memo, Integer, BigInt, Decimal, Money, Double, Boolean, Choice, State, Status, DateTime, Date, GUID, LookupTo}
}

// Kind returns the kind of the values of columns of type t, KindNull for a type
// that does not exist.
func (t Type) Kind() Kind {
	switch t {
	case String, Memo, GUID:
		return KindText
	case Integer, BigInt, Choice, State, Status:
		return KindInt
	case Decimal, Money:
		return KindDec
	case Double:
		return KindFloat
	case Boolean:
		return KindBool
	case DateTime, Date:
		return KindTime
	case LookupTo:
		return KindRef
	}
	return KindNull
}

// Lookup is a reference to a row.
type Lookup struct {
	Table string // logical name of the table
	ID    string // GUID, lower case
}

// String returns the reference as table:GUID.
func (l Lookup) String() string { return l.Table + ":" + l.ID }

// Need is a column's required level.
type Need string

// The required levels (docs/domain.md §4): a system column always has a value; an
// application-required one must have one in forms, which the API does not demand.
const (
	Optional    Need = ""
	System      Need = "system"
	Application Need = "application"
)

// Write is who may set a column.
type Write string

// The writers of a column. An engine column is read-only on the wire; a hidden
// one is not on the wire at all.
const (
	Always   Write = ""       // create and update
	OnCreate Write = "create" // create only
	Engine   Write = "engine" // Segue alone
	Hidden   Write = "hidden" // Segue alone, and nobody reads it
)

// Option is one value of a choice.
type Option struct {
	Value int64  `json:"value"`
	Label string `json:"label"`
}

// StatePair is one state with its statuses, the default status first.
type StatePair struct {
	Value    int64    `json:"value"`
	Label    string   `json:"label"`
	Statuses []Option `json:"statuses"`
}

// Target is one table that a lookup may point at.
type Target struct {
	Table        string `json:"table"`        // logical name
	Trait        string `json:"trait"`        // in a file, alone: each table with the trait that the column does not name; "" once loaded
	Nav          string `json:"nav"`          // navigation property to read and bind through
	Relationship string `json:"relationship"` // schema name, used by related-entity conditions
	Collection   string `json:"collection"`   // the target's navigation property back, may be ""
}

// Column describes one column. It is shared and never changed.
type Column struct {
	Name      string           `json:"name"` // logical name
	Label     string           `json:"label"`
	Type      Type             `json:"type"`
	MaxLength int              `json:"maxLength"` // in UTF-16 code units, strings and memos
	Min       *decimal.Decimal `json:"min"`       // numbers; inclusive
	Max       *decimal.Decimal `json:"max"`
	Options   []Option         `json:"options"`   // choices; booleans: 0 and 1; states and statuses: those of the table
	OptionSet string           `json:"optionSet"` // name of the set that Options come from, "" for options of its own
	Targets   []Target         `json:"targets"`   // lookups
	Need      Need             `json:"need"`
	Write     Write            `json:"write"`
	Default   Value            `json:"-"`        // given to a create that leaves the column out
	Preset    any              `json:"default"`  // Default as the file writes it: a JSON scalar
	Custom    bool             `json:"custom"`   // not a Dataverse column: Segue's own or the deployer's
	Compose   []string         `json:"compose"`  // string columns whose values, joined by blanks, are this column's value
	OnDelete  Referential      `json:"onDelete"` // lookups: what becomes of the row when the one that it points at is deleted
	Owner     bool             `json:"owner"`    // lookups: whoever it names owns the row as far as rights go
	Derived   string           `json:"derived"`  // lookups: the lookup whose value is this column's too, where it may point there; never stored

	Follows   string   `json:"follows"`   // the column whose value is this one's too, unless it is given another; stored only then
	Joins     []string `json:"joins"`     // strings: the columns whose values, with bars between, are this one's; stored only where it is another
	IDOf      []string `json:"idOf"`      // lookups at one table: the columns that tell which of its rows is meant, see [DerivedID]; stored only where it is another
	Attribute string   `json:"attribute"` // name under which rows store it; Name by default
	Personal  bool     `json:"personal"`  // about a person: an erasure takes it out
	Person    bool     `json:"person"`    // lookups: the row that it points at is about the same person
	Expires   bool     `json:"expires"`   // date-times: when the store may delete the row; stored as seconds under [ExpiresAttribute]
	Shown     bool     `json:"shown"`     // worked out when the row is read, by a rule of its table; never stored
	Rollup    *Rollup  `json:"rollup"`    // made of rows that point at the row; nil for other columns

	table     string // its table's logical name, for errors
	inherited bool   // comes from a trait
}

// Table describes one table. It is shared and never changed.
type Table struct {
	Name        string      `json:"name"` // logical name
	Set         string      `json:"set"`  // entity set; "" for a table that is not on the wire
	Label       string      `json:"label"`
	ID          string      `json:"id"`          // primary key column
	PrimaryName string      `json:"primaryName"` // column that names a row to a person
	Score       string      `json:"score"`       // column by which sellers work on its rows, the highest first; "" for none
	Grade       string      `json:"grade"`       // column that says the score in a choice; "" for none
	Traits      []string    `json:"traits"`      // what it has in common with others; see Trait and Is
	EngineMade  bool        `json:"engineMade"`  // rows are made by Segue alone, never by a create on the wire
	Track       bool        `json:"track"`       // changes of its rows are logged, so that clients can ask for them
	States      []StatePair `json:"states"`      // empty: no statecode
	Indexes     []*Index    `json:"indexes"`     // its own, then those of its traits
	Keys        []*Key      `json:"keys"`        // alternate keys
	Listed      []string    `json:"listed"`      // lookups at records by which rows are listed at the one that they point at, beside its indexes
	Columns     []*Column   `json:"columns"`     // in the file's order; then statecode and statuscode, then those of its traits

	byName    map[string]*Column
	byNav     map[string][]Nav
	derived   []*Column
	implied   []*Column
	renamed   []*Column
	attribute map[string]*Column
	owners    []string
}

// Nav is a navigation property of a table: the lookup column and the target
// that it binds.
type Nav struct {
	Column *Column
	Target Target
}

// Relation is a relationship seen from the table that conditions start at.
type Relation struct {
	Name   string  // schema name
	Table  *Table  // the related table
	Column *Column // the lookup column that makes the relationship
	Many   bool    // the related table holds the lookup: none, one or many related rows
}

// Schema is all tables. It is immutable and safe for concurrent use.
type Schema struct {
	tables []*Table
	byName map[string]*Table
	bySet  map[string]*Table
	bySide map[side]Relation
	byBack map[side]Relation // by the name of the collection in place of the relationship's

	referrers map[string][]Referrer // by the table that they point at
}

// side is a relationship's name at one of its two tables.
type side struct{ table, name string }

// Column returns a column by logical name, nil when there is none.
func (t *Table) Column(name string) *Column { return t.byName[name] }

// Owners returns the columns that name those who own a row, as far as rights go: the
// owner first, and for some tables others beside it.
// The caller must not change the slice.
func (t *Table) Owners() []string { return t.owners }

// Derived returns the columns that repeat others and are not stored. The caller must
// not change the slice.
func (t *Table) Derived() []*Column { return t.derived }

// Implied returns the columns that follow from others unless they are given another
// value, which alone is stored. The caller must not change the slice.
func (t *Table) Implied() []*Column { return t.implied }

// Renamed returns the columns that rows store under another name than their own. The
// caller must not change the slice.
func (t *Table) Renamed() []*Column { return t.renamed }

// Stored returns the column of an attribute of a stored row, nil when there is none. A
// renamed column has two: rows that an older version of the program wrote have its own
// name.
func (t *Table) Stored(attribute string) *Column {
	if c := t.attribute[attribute]; c != nil {
		return c
	}
	return t.byName[attribute]
}

// ExpiresAttribute is the name under which rows store when they may be deleted, in
// seconds since 1970: it is what the time to live of a DynamoDB table reads.
const ExpiresAttribute = "expires"

// Expiry returns the column that says when a row may be deleted, nil for a table whose
// rows stay.
func (t *Table) Expiry() *Column { return t.attribute[ExpiresAttribute] }

// Stored returns the name under which rows store the column.
func (c *Column) Stored() string { return cmp.Or(c.Attribute, c.Name) }

// Sources returns the columns from which the value of a column follows, none for a
// column with a value of its own.
func (c *Column) Sources() []string {
	switch {
	case c.Follows != "":
		return []string{c.Follows}
	case len(c.Compose) > 0:
		return c.Compose
	case len(c.IDOf) > 0:
		return c.IDOf
	}
	return c.Joins
}

// Imply returns what follows for a column from its sources: null if one of them is, or,
// where it is composed of them, if all are.
func (c *Column) Imply(value func(column string) Value) Value {
	switch {
	case c.Follows != "":
		return value(c.Follows)
	case len(c.Compose) > 0:
		return c.composed(value)
	}
	parts := make([]string, len(c.Sources()))
	for i, name := range c.Sources() {
		v := value(name)
		if v.IsNull() {
			return Null()
		}
		parts[i] = v.String()
		if to, ok := v.Ref(); ok {
			parts[i] = to.ID
		}
	}
	if len(c.IDOf) > 0 {
		table := c.Targets[0].Table
		return RefTo(table, DerivedID(table, parts...))
	}
	return Text(strings.Join(parts, "|"))
}

// DerivedID is the id of a row of a table that belongs to values, lookups by their ids: a
// lookup with [Column.IDOf] points at it.
func DerivedID(table string, values ...string) string {
	return guid.Derive(append([]string{"row", table}, values...)...)
}

// composed returns the value of a composed column.
func (c *Column) composed(value func(column string) Value) Value {
	var parts []string
	for _, name := range c.Compose {
		if text, _ := value(name).Text(); text != "" {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return Null()
	}
	return Text(strings.Join(parts, " "))
}

// Derive returns the value of a derived column for the value of the column that it
// repeats.
func (c *Column) Derive(v Value) Value {
	to, ok := v.Ref()
	if ok && slices.ContainsFunc(c.Targets, func(target Target) bool { return target.Table == to.Table }) {
		return v
	}
	return Null()
}

// Nav returns a lookup by one of its navigation properties (the names accepted
// before "@odata.bind"). Where the name binds several tables it returns the first of
// [Table.Navs].
func (t *Table) Nav(name string) (Nav, bool) {
	if navs := t.byNav[name]; len(navs) > 0 {
		return navs[0], true
	}
	return Nav{}, false
}

// Navs returns every target that a navigation property binds, all of one column:
// "ownerid" binds users and teams, and a lookup's own name binds each of its
// tables. The table of the bound row decides between them. It is nil when there is
// no such name; the caller must not change it.
func (t *Table) Navs(name string) []Nav { return t.byNav[name] }

// Parent returns the lookup by which the rows of a table are below one another, nil for a
// table without a hierarchy: the first that leads to rows of the same table alone.
func (t *Table) Parent() *Column {
	for _, c := range t.Columns {
		if c.Write != Hidden && len(c.Targets) == 1 && c.Targets[0].Table == t.Name {
			return c
		}
	}
	return nil
}

// Hierarchy returns the table in whose hierarchy a column names a row, nil for none: of its
// own row the key does, of another one a lookup that leads to one table.
func (s *Schema) Hierarchy(t *Table, c *Column) *Table {
	of := t
	if c.Name != t.ID {
		if len(c.Targets) != 1 {
			return nil
		}
		of = s.Table(c.Targets[0].Table)
	}
	if of == nil || of.Parent() == nil {
		return nil
	}
	return of
}

// Tables returns all tables in the order of their names. The caller must not change
// the slice.
func (s *Schema) Tables() []*Table { return s.tables }

// Table returns a table by logical name, nil when there is none.
func (s *Schema) Table(name string) *Table { return s.byName[name] }

// BySet returns a table by the name of its entity set, nil when there is none.
func (s *Schema) BySet(set string) *Table { return s.bySet[set] }

// Relation returns a relationship by its schema name, as seen from a table: the one
// that holds the lookup or the one that it points at. A relationship of a table
// with itself is seen from the side that it points at; from that of the lookup it is a
// navigation property ([Table.Nav]).
func (s *Schema) Relation(table, name string) (Relation, bool) {
	r, ok := s.bySide[side{table, name}]
	return r, ok
}

// Collection returns a relationship by the name of the navigation property that leads
// from a table to the rows that point at it.
func (s *Schema) Collection(table, name string) (Relation, bool) {
	r, ok := s.byBack[side{table, name}]
	return r, ok
}

// timeLayout is how a date-time is written: UTC, no fractions (docs/webapi.md §6).
const timeLayout = time.RFC3339

// Plural returns the label of several.
func Plural(label string) string {
	if stem, ok := strings.CutSuffix(label, "y"); ok && !strings.HasSuffix(stem, "a") && !strings.HasSuffix(stem, "e") {
		return stem + "ies"
	}
	if strings.HasSuffix(label, "s") {
		return label + "es"
	}
	return label + "s"
}
