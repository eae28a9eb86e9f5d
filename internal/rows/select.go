package rows

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"
	"strconv"

	"segue/internal/filter"
	"segue/internal/schema"
	"segue/internal/store"
)

// MaxExamined is how many rows a Select looks at to fill one page. A list that
// no index serves and that would look at more is refused with a
// *TooBroadError.
const MaxExamined = 10_000

// TooBroadError says that no index narrows a list enough: it would have to look
// at more than MaxExamined rows.
type TooBroadError struct{ Table string }

// Error says what to do.
func (e *TooBroadError) Error() string {
	return fmt.Sprintf("this list of %s would examine more than %d rows: filter by id or by an indexed lookup, or page without a filter",
		e.Table, MaxExamined)
}

// Page is part of a list; an empty Token says it was the last part.
type Page struct {
	Rows  []*Row
	Token string
}

// Select reads up to limit rows that match where (nil: all), following the
// token of the page before. It takes the index that fits the equalities of
// where and reads each row itself, strongly consistent, so that a lagging index
// never shows a row that does not match.
func (db *DB) Select(ctx context.Context, t *schema.Table, where *filter.Group, limit int, token string) (Page, error) {
	if where == nil {
		where = &filter.Group{Logic: filter.And}
	}
	match, err := filter.Compile(db.schema, t.Name, where)
	if err != nil {
		return Page{}, err
	}
	path := access(t, where)
	at, err := decodePosition(token, where.String())
	if err != nil || at.Partition > len(path.partitions) {
		return Page{}, store.ErrBadCursor
	}
	chunk := limit + 1 // one more tells whether there is a next page
	if len(where.Items) > 0 {
		chunk = max(chunk, minChunk)
	}
	chosen := chosen{match: match, limit: limit}
	for examined := 0; at.Partition < len(path.partitions) && !chosen.more; {
		if examined >= MaxExamined {
			return Page{}, &TooBroadError{t.Name}
		}
		found, err := db.read(ctx, t, path, at, chunk)
		if err != nil {
			return Page{}, err
		}
		if err := chosen.take(found, at.Partition); err != nil {
			return Page{}, err
		}
		examined, at = examined+len(found.rows), found.next
	}
	page := Page{Rows: chosen.rows}
	if chosen.more {
		page.Token = chosen.last.encode(where.String())
	}
	return page, nil
}

// chosen are the rows of a page as they are found.
type chosen struct {
	match *filter.Program
	limit int
	rows  []*Row
	last  position // of the last of rows
	more  bool     // another row matches behind it
}

// take adds the rows that match, up to the limit.
func (c *chosen) take(found part, partition int) error {
	for i, row := range found.rows {
		ok, err := c.match.Match(row)
		switch {
		case err != nil:
			return fmt.Errorf("%v: %w", row.Ref(), err)
		case !ok:
			continue
		case len(c.rows) == c.limit:
			c.more = true
			return nil
		}
		c.rows = append(c.rows, row)
		c.last = position{Partition: partition, After: found.keys[i]}
	}
	return nil
}

// minChunk is how many rows are read at once where most may not match.
const minChunk = 200

// All reads every row of a table, shard by shard. It is for tools, not for
// requests.
func (db *DB) All(ctx context.Context, t *schema.Table) iter.Seq2[*Row, error] {
	return db.each(ctx, t, access(t, &filter.Group{Logic: filter.And}))
}

// LiveTargets reads the live targets of a sequence: those that the index shows
// now and that are still live.
func (db *DB) LiveTargets(ctx context.Context, sequence string) iter.Seq2[*Row, error] {
	t := db.schema.Table("msdyn_sequencetarget")
	rows := db.each(ctx, t, livePath(t, sequence))
	return func(yield func(*Row, error) bool) {
		for row, err := range rows {
			if err == nil && row.Int("statecode") != 0 {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

func (db *DB) each(ctx context.Context, t *schema.Table, path path) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for at := (position{}); at.Partition < len(path.partitions); {
			found, err := db.read(ctx, t, path, at, 0)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range found.rows {
				if !yield(row, nil) {
					return
				}
			}
			at = found.next
		}
	}
}

// path is how a list is read: partitions of the table or of one index, one
// after the other, or single rows by id.
type path struct {
	index      string
	partitions []string
	ids        []string // with one empty partition: a row by id
}

// sortKey is the attribute that orders the path; it is unique in a partition.
func (p path) sortKey() string {
	switch p.index {
	case g1:
		return g1sk
	case g2:
		return g2sk
	}
	return store.SK
}

// access chooses the path for the equalities in a filter.
func access(t *schema.Table, where *filter.Group) path {
	equal := equalities(where)
	if id, ok := equal[t.ID].Text(); ok {
		return path{partitions: []string{""}, ids: []string{id}}
	}
	lookup := func(column string) string { l, _ := equal[column].Ref(); return l.ID }
	open := equal["statecode"] == schema.Int(0)
	switch {
	case t.Record && open && equal["segue_connected"] == schema.Bool(false):
		return sharded(g1, t, func(i int) string { return freePartition(t, i) })
	case t.Name == "msdyn_sequencetarget" && lookup("msdyn_target") != "":
		return path{index: g1, partitions: []string{kindRecord + "#" + lookup("msdyn_target")}}
	case t.Name == "msdyn_sequencetarget" && open && lookup("msdyn_parentsequence") != "":
		return livePath(t, lookup("msdyn_parentsequence"))
	case t.Name == "msdyn_sequencetargetstep" && lookup("msdyn_sequencetarget") != "":
		return path{index: g1, partitions: []string{kindTarget + "#" + lookup("msdyn_sequencetarget")}}
	case t.Activity && lookup("regardingobjectid") != "":
		return path{index: g1, partitions: []string{kindRegarding + "#" + lookup("regardingobjectid")}}
	}
	return sharded("", t, func(i int) string { return partition(t.Name, i) })
}

func livePath(t *schema.Table, sequence string) path {
	return sharded(g2, t, func(i int) string { return livePartition(sequence, i) })
}

func sharded(index string, t *schema.Table, name func(shard int) string) path {
	p := path{index: index}
	for i := range max(t.Shards, 1) {
		p.partitions = append(p.partitions, name(i))
	}
	return p
}

// equalities are the columns that where demands to have one value.
func equalities(where *filter.Group) map[string]schema.Value {
	found := map[string]schema.Value{}
	if where.Logic != filter.And {
		return found
	}
	for _, node := range where.Items {
		switch node := node.(type) {
		case *filter.Condition:
			if node.Operator == filter.Eq || node.Operator == filter.In && oneID(node.Values) {
				found[node.Column] = node.Values[0]
			}
		case *filter.Group:
			for column, v := range equalities(node) {
				found[column] = v
			}
		}
	}
	return found
}

// oneID says that values are one id in several tables, which is how a lookup
// with several targets is asked for by id alone.
func oneID(values []schema.Value) bool {
	first, ok := values[0].Ref()
	return ok && !slices.ContainsFunc(values, func(v schema.Value) bool {
		l, ok := v.Ref()
		return !ok || l.ID != first.ID
	})
}

// part is a piece of a path as it was read: rows, their sort keys in the path,
// and where the next piece starts.
type part struct {
	rows []*Row
	keys []string
	next position
}

// read reads the piece of a path that starts behind a position.
func (db *DB) read(ctx context.Context, t *schema.Table, p path, at position, limit int) (part, error) {
	if p.ids != nil {
		rows, err := db.Get(ctx, Ref{t.Name, p.ids[0]})
		if err != nil || rows[0] == nil {
			return part{next: position{Partition: 1}}, err
		}
		return part{rows, p.ids, position{Partition: 1}}, nil
	}
	if at.After != "" && limit > 0 {
		limit++ // the row at the position itself comes again
	}
	page, err := db.store.Query(ctx, store.Query{
		Index: p.index, Partition: p.partitions[at.Partition], From: at.After, Limit: limit,
	})
	if err != nil {
		return part{}, fmt.Errorf("list %s: %w", t.Name, err)
	}
	found := part{next: position{Partition: at.Partition + 1}}
	if page.Cursor != "" && len(page.Items) > 0 {
		last := page.Items[len(page.Items)-1]
		found.next = position{Partition: at.Partition, After: last[p.sortKey()].Text()}
	}
	if len(page.Items) > 0 && page.Items[0][p.sortKey()].Text() == at.After {
		page.Items = page.Items[1:]
	}
	rows, err := db.rowsOf(ctx, p, page.Items)
	if err != nil {
		return part{}, err
	}
	for i, row := range rows {
		if row != nil { // an index may still show a row that is gone
			found.rows = append(found.rows, row)
			found.keys = append(found.keys, page.Items[i][p.sortKey()].Text())
		}
	}
	return found, nil
}

// rowsOf is the rows of a path's items, nil where an index entry's row is gone.
func (db *DB) rowsOf(ctx context.Context, p path, items []store.Item) ([]*Row, error) {
	if p.index != "" {
		refs := make([]Ref, len(items))
		for i, entry := range items {
			refs[i] = Ref{tableOf(entry.Key().PK), entry.Key().SK}
		}
		return db.Get(ctx, refs...)
	}
	rows := make([]*Row, len(items))
	for i, item := range items {
		var err error
		if rows[i], err = db.decode(item); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// position is a place in a path: behind the row with sort key After in a
// partition. Its encoding is the token of a page.
type position struct {
	Partition int    `json:"p,omitempty"`
	After     string `json:"a,omitempty"`
	Filter    string `json:"f,omitempty"` // a token belongs to its filter
}

func (at position) encode(filter string) string {
	at.Filter = digest(filter)
	text, _ := json.Marshal(at) //nolint:errchkjson // strings and an int always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

func decodePosition(token, filter string) (position, error) {
	var at position
	if token == "" {
		return at, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	if err != nil || at.Filter != digest(filter) || at.Partition < 0 {
		return at, store.ErrBadCursor
	}
	return at, nil
}

func digest(text string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // a hash never fails
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}
