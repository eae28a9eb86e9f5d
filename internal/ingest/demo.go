package ingest

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"segue/internal/schema"
)

// Row is a row to be written.
type Row struct {
	Table, ID string
	Values    map[string]schema.Value
}

// Demo is a sales organisation to try Segue on: invented people and companies
// with the skew that real ones have. Mail addresses are of example.com and
// example.org, telephone numbers of the range kept for fiction.
type Demo struct {
	Sellers       []Row // 20 users
	Accounts      []Row // 200
	Sequences     []Row // 5, four for leads and one for opportunities; inactive
	Segments      []Row // 8, six for leads and two for opportunities, highest priority first; inactive
	Leads         []Row // 5,000
	Opportunities []Row // 500
}

// counts is how many rows of a table a Demo has.
type counts struct{ sellers, accounts, leads, opportunities int }

// NewDemo makes the demo data of a seed: the same seed, the same rows and ids.
func NewDemo(seed uint64) Demo {
	return newDemo(seed, counts{sellers: 20, accounts: 200, leads: 5000, opportunities: 500})
}

func newDemo(seed uint64, n counts) Demo {
	d := Demo{Sequences: sequences(seed), Segments: segments(seed)}
	d.Sellers = generate(seed, "systemuser", n.sellers, seller)
	d.Accounts = generate(seed, "account", n.accounts, account(d.Sellers))
	d.Leads = generate(seed, "lead", n.leads, lead(d.Sellers, d.Accounts))
	d.Opportunities = generate(seed, "opportunity", n.opportunities, opportunity(d.Sellers, d.Accounts))
	return d
}

// demoID is the id of row n of a table.
func demoID(seed uint64, table string, n int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "segue:demo:%d:%s:%d", seed, table, n)).String()
}

// Loaded is what Demo.Load did.
type Loaded struct {
	Rows    map[string]int // written, by table
	Refused int            // rows that were not, or not activated
	Because error          // why the first of them was not; nil when all were
}

// Load writes the demo: sellers, then sequences and segments, each activated as
// soon as it is there, then the records, which the segments take as they come.
// Loading it again changes nothing but what was edited since, which becomes as
// it was; an edit that a rule protects stays and counts as refused. The error is
// ErrUnavailable or the end of ctx. progress may be nil.
func (d Demo) Load(ctx context.Context, w Writer, tables *schema.Schema, progress func(done, total int)) (Loaded, error) {
	l := &loader{tables: tables, progress: progress, loaded: Loaded{Rows: map[string]int{}}}
	// A new segment goes in front of the last one, so the lowest priority comes first.
	first := inReverse(d.Segments)
	records := [][]Row{d.Accounts, d.Leads, d.Opportunities}
	l.total = len(d.Sellers) + len(d.Sequences) + len(first)
	for _, rows := range records {
		l.total += len(rows)
	}
	activate := map[string]int64{"msdyn_sequence": 1, "msdyn_segment": 0} // the statecode of an active one
	for _, rows := range [][]Row{d.Sellers, d.Sequences, first} {
		for _, row := range rows {
			err := l.write(ctx, w, row.Table, row.ID, row.Values)
			if state, ok := activate[row.Table]; ok && !ends(ctx, err) {
				err = earlier(err, l.write(ctx, w, row.Table, row.ID, map[string]schema.Value{"statecode": state}))
			}
			l.done(row, err)
			if ends(ctx, err) {
				return l.loaded, fmt.Errorf("load %s %s: %w", row.Table, row.ID, err)
			}
		}
	}
	p := newPool(ctx, w, defaultWorkers)
	for _, rows := range records {
		for _, row := range rows {
			t, err := l.table(row.Table)
			if err != nil {
				l.done(row, err)
				continue
			}
			p.send(job{table: t, id: row.ID, values: row.Values, done: func(err error) { l.done(row, err) }})
		}
	}
	if err := p.wait(); err != nil {
		return l.loaded, fmt.Errorf("load records: %w", err)
	}
	return l.loaded, nil
}

// loader is one Load under way.
type loader struct {
	tables   *schema.Schema
	progress func(done, total int)
	total    int

	mu     sync.Mutex // held to use what follows while there are workers
	at     int
	loaded Loaded
}

func (l *loader) table(name string) (*schema.Table, error) {
	if t := l.tables.Table(name); t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("the schema has no table %s", name)
}

func (l *loader) write(ctx context.Context, w Writer, name, id string, values map[string]schema.Value) error {
	t, err := l.table(name)
	if err != nil {
		return err
	}
	return w.Write(ctx, t, id, values)
}

// done accounts for a row.
func (l *loader) done(row Row, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at++
	if err == nil {
		l.loaded.Rows[row.Table]++
	} else {
		l.loaded.Refused++
		l.loaded.Because = earlier(l.loaded.Because, err)
	}
	if l.progress != nil {
		l.progress(l.at, l.total)
	}
}

// earlier is the first error of two.
func earlier(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func inReverse(rows []Row) []Row {
	reversed := make([]Row, 0, len(rows))
	for i := len(rows) - 1; i >= 0; i-- {
		reversed = append(reversed, rows[i])
	}
	return reversed
}
