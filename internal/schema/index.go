package schema

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Shards is the number of partitions over which the list of a table, and an index
// with "shards", is spread. It is fixed: keys of stored rows depend on it.
const Shards = 16

// IndexNames returns the names of the store's secondary indexes, which each [Index]
// uses one of. They are declared from the start; one without any keys costs nothing.
func IndexNames() []string { return []string{"gsi1", "gsi2", "gsi3", "gsi4"} }

// DueIndex is the name of the one index without partition columns, and DueOn the
// secondary index that it is on. It is the due list: the rows of all tables that
// declare it share its partitions, in the order of their due times, so that one
// sweep of [Shards] partitions finds whatever is due (docs/decisions/0014).
const (
	DueIndex = "due"
	DueOn    = "gsi2"
)

// Index is one use of a secondary index: which rows of a table are in it, and
// under which keys. It is sparse: a row is in it while each column of When has
// its value and no column of its partition is null; in the due list, while its due
// time is not null. rows makes the keys from it and query picks the access path of
// a list from it.
type Index struct {
	Name      string           `json:"name"`      // first part of the partition key; unique on its secondary index
	Serves    string           `json:"serves"`    // the list that it serves, for people
	On        string           `json:"on"`        // one of IndexNames
	Partition []string         `json:"partition"` // columns, or "{table}" for the table's name; none for the due list
	Shards    bool             `json:"shards"`    // each partition is spread over Shards, by the row's id
	Sort      []string         `json:"sort"`      // columns; the row's id follows and makes the key unique
	When      map[string]Value `json:"-"`         // value that a column must have
	Given     map[string]any   `json:"when"`      // When as the file writes it: JSON scalars
	// Packed says that its keys are short, because an item is billed by its size, keys
	// included: a hash stands for the values of the partition, and ids and times of the sort
	// key are written in few characters that sort as they do.
	Packed bool `json:"packed"`
	// Building says that rows get keys of the index and that no list reads it yet: rows
	// that were stored before it was declared have none until they are written again.
	Building bool `json:"building"`

	trait string // the trait that it came from, "" for the table's own
}

// ForTable reports whether the part of a partition is the table's name rather
// than a column.
func (x *Index) ForTable(part string) bool { return part == tablePlaceholder }

// IsDue reports whether the index is the due list. It serves no list of one table:
// it mixes the rows of several and lacks those that are never due.
func (x *Index) IsDue() bool { return x.Name == DueIndex }

// DueColumn returns the column that says when a row of the table is due, "" when
// the table is not in the due list.
func (t *Table) DueColumn() string {
	for _, x := range t.Indexes {
		if x.IsDue() {
			return x.Sort[0]
		}
	}
	return ""
}

// Columns returns the columns whose values decide the keys, those of When
// excluded, each once.
func (x *Index) Columns() []string {
	var columns []string
	for _, name := range slices.Concat(x.Partition, x.Sort) {
		if !x.ForTable(name) && !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	return columns
}

// KeyDigits returns the number of digits that a whole number of the column has in a
// key, so that keys sort as the numbers do: that of the largest value allowed.
func (c *Column) KeyDigits() int {
	largest := int64(math.MaxInt64)
	if c.Max != nil {
		largest = c.Max.IntPart()
	}
	if len(c.Options) > 0 {
		largest = 0
		for _, o := range c.Options {
			largest = max(largest, o.Value)
		}
	}
	return len(strconv.FormatInt(largest, 10))
}

// checkIndexes checks the indexes of a table against its columns and each other,
// and reads the values of When.
func (t *Table) checkIndexes() error {
	for i, x := range t.Indexes {
		if err := t.checkIndex(x); err != nil {
			return fmt.Errorf("index %s: %w", x.Name, err)
		}
		for _, other := range t.Indexes[:i] {
			if other.On == x.On && !other.excludes(x) {
				return fmt.Errorf("index %s: a row can be in it and in index %s, both on %s; their \"when\" must differ on one column",
					x.Name, other.Name, x.On)
			}
		}
	}
	return nil
}

func (t *Table) checkIndex(x *Index) error {
	switch {
	case !logicalName.MatchString(x.Name):
		return fmt.Errorf("name %q must be lower-case letters, digits and _", x.Name)
	case x.Serves == "":
		return fmt.Errorf("serves is missing; it must say which list needs the index")
	case !slices.Contains(IndexNames(), x.On):
		return fmt.Errorf("on %q is not one of %q", x.On, IndexNames())
	case x.IsDue():
		if err := t.checkDue(x); err != nil {
			return err
		}
	case len(x.Partition) == 0:
		return fmt.Errorf("partition is missing; the index %s alone has none", DueIndex)
	}
	for _, name := range x.Columns() {
		if err := t.checkKeyColumn(name); err != nil {
			return err
		}
	}
	values := map[string]Value{}
	for name, given := range x.Given {
		c := t.Column(name)
		if c == nil {
			return fmt.Errorf("when: column %q does not exist", name)
		}
		if err := t.checkKeyColumn(name); err != nil { // an equality in a filter must mean the same
			return fmt.Errorf("when: %w", err)
		}
		v, err := c.FromJSON(given)
		if err != nil {
			return fmt.Errorf("when: %w", err)
		}
		values[name] = v
	}
	x.When = values
	return nil
}

// checkDue checks what every table must declare alike for their rows to share the
// due list.
func (t *Table) checkDue(x *Index) error {
	switch {
	case x.On != DueOn:
		return fmt.Errorf("on is %q; the due list is on %s", x.On, DueOn)
	case len(x.Partition) > 0 || !x.Shards:
		return fmt.Errorf("the due list has shards and no partition columns, for all tables alike")
	case len(x.Sort) != 1:
		return fmt.Errorf("sort has %d columns; the due list has one, the due time", len(x.Sort))
	}
	if c := t.Column(x.Sort[0]); c != nil && c.Type != DateTime {
		return fmt.Errorf("column %s is of type %s; a due time is a %s", c.Name, c.Type, DateTime)
	}
	return nil
}

// checkKeyColumn refuses a column that no key can be made of: equal values must
// have one key, and keys must sort as the values do.
func (t *Table) checkKeyColumn(name string) error {
	c := t.Column(name)
	if c == nil {
		return fmt.Errorf("column %q does not exist", name)
	}
	switch c.Type {
	case GUID, LookupTo, Boolean, DateTime, Date:
		return nil
	case Choice, State, Status:
		for _, o := range c.Options {
			if o.Value < 0 {
				return fmt.Errorf("column %s: option %d is negative, and a number in a key must be 0 or more", name, o.Value)
			}
		}
		return nil
	case Integer, BigInt:
		if c.Min == nil || c.Min.IsNegative() {
			return fmt.Errorf("column %s: a number in a key must have a min of 0 or more", name)
		}
		return nil
	case String, Memo, Decimal, Money, Double: // text compares regardless of case, a key does not
	}
	return fmt.Errorf("column %s: a %s cannot be part of a key", name, c.Type)
}

// excludes reports whether no row can be in both indexes: their When differ on a
// column that both name.
func (x *Index) excludes(other *Index) bool {
	for name, v := range x.When {
		if w, both := other.When[name]; both && v != w {
			return true
		}
	}
	return false
}

// checkIndexNames refuses two indexes of different tables that would mix their
// rows in one partition without meaning to: a name on a secondary index belongs
// to one table, or to one trait. The due list mixes them on purpose.
func (s *Schema) checkIndexNames() error {
	owners := map[[2]string]string{}
	for _, t := range s.tables {
		for _, x := range t.Indexes {
			if x.IsDue() {
				continue
			}
			owner := t.Name
			if x.trait != "" {
				owner = "trait " + x.trait
			}
			name := [2]string{x.On, x.Name}
			if other, taken := owners[name]; taken && other != owner {
				return fmt.Errorf("%s: table %s: index %s on %s is also one of %s", fileOf(t), t.Name, x.Name, x.On, other)
			}
			owners[name] = owner
		}
	}
	return nil
}
