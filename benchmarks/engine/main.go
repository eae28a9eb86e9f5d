// Command engine compares the evaluation of segments with cel-go, expr and a naive tree,
// on one workload and in one run, and prints a table of ratios. Before it times anything
// it makes sure that all of them have the same result for each lead and segment.
//
// It is a module of its own, so that the product does not depend on its peers. Their
// leads are prepared for them: texts in lower case, moments and decimal numbers as
// numbers, which they would otherwise do at each evaluation. Times are those of the
// processor, because a machine that does other work too is no reason for another ratio.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/expr-lang/expr/vm"

	"cel.dev/cel-go/cel"

	"segue/internal/clock"
	"segue/internal/dynamo"
	"segue/internal/filter"
	"segue/internal/filter/engine"
	"segue/internal/rows"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

func main() {
	rounds := flag.Int("rounds", 7, "how often each is measured; the table has medians")
	each := flag.Duration("each", 150*time.Millisecond, "how long one measurement takes at least")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	const leads = 10_000
	w, err := newWorkload(leads)
	if err == nil {
		err = w.verify()
	}
	if err != nil {
		log.Fatal(err)
	}
	w.describe()
	w.print(*rounds, *each)
}

// workload is leads and segments, and who evaluates them.
type workload struct {
	columns []column
	table   *schema.Table
	schema  *schema.Schema
	db      *rows.DB
	trees   []*filter.Group
	texts   []string // the trees as they are stored

	catalogue *segment.Catalogue
	programs  []*filter.Program
	engine    *engine.Engine
	reading   *rows.Reading
	cel       []cel.Program
	expr      []*vm.Program
	naive     []naive
	sources   []string // of cel

	leads    []lead
	items    []store.Item
	plain    []map[string]any
	records  []*engine.Record
	payloads [][]byte
}

// newWorkload draws a workload, the same one each time, of at least 1,100 leads: some
// segments are to hold for less than a thousandth of them.
func newWorkload(leads int) (*workload, error) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same draw each time
	w := &workload{columns: columnsOf()}
	var err error
	if w.schema, err = loadSchema(w.columns); err != nil {
		return nil, err
	}
	w.table = w.schema.Table("bench_lead")
	w.db = rows.New(nil, w.schema, clock.Of(time.Now))
	w.leads = drawLeads(r, w.columns, leads)
	candidates, err := drawCandidates(w.schema, r, w.columns, w.leads)
	if err != nil {
		return nil, err
	}
	w.trees = drawSegments(r, leads, candidates)
	for _, tree := range w.trees {
		w.texts = append(w.texts, tree.String())
	}
	if w.catalogue, w.programs, err = w.ready(); err != nil {
		return nil, err
	}
	w.engine = engine.New(w.programs)
	w.reading = rows.NewReading(w.table, w.catalogue.Reads()...)
	if err := w.preparePeers(); err != nil {
		return nil, err
	}
	for n, l := range w.leads {
		w.items = append(w.items, item(w.table, w.columns, n, l))
		w.plain = append(w.plain, plain(w.columns, l))
		w.records = append(w.records, w.engine.Load(row{w.columns, l}, nil))
	}
	w.payloads, err = payloads(r, w.table, w.columns, w.leads, w.items)
	return w, err
}

// ready makes the segments ready from the text in which they are stored.
func (w *workload) ready() (*segment.Catalogue, []*filter.Program, error) {
	var entries []segment.Entry
	var order []name.SegmentID
	var programs []*filter.Program
	for n, text := range w.texts {
		tree, err := filter.Parse(w.schema, w.table.Name, text)
		if err != nil {
			return nil, nil, err
		}
		program, err := filter.Compile(w.schema, w.table.Name, tree)
		if err != nil {
			return nil, nil, err
		}
		id := name.SegmentID(strconv.Itoa(n))
		order, programs = append(order, id), append(programs, program)
		entries = append(entries, segment.Entry{ID: id, Name: "segment", Program: program})
	}
	return segment.NewCatalogue(w.table.Name, order, entries, nil), programs, nil
}

func (w *workload) preparePeers() error {
	var ofExpr []string
	for _, tree := range w.trees {
		w.sources = append(w.sources, celDialect().source(tree))
		ofExpr = append(ofExpr, exprDialect().source(tree))
		w.naive = append(w.naive, newNaive(tree))
	}
	var err error
	if w.cel, err = compileCEL(w.columns, w.sources); err != nil {
		return err
	}
	w.expr, err = compileExpr(ofExpr)
	return err
}

// verify compares the results of all on each lead and segment, and the winner of each
// change of the events.
func (w *workload) verify() error {
	machine := &vm.VM{}
	for n := range w.leads {
		next, err := w.engine.First(w.records[n], 0)
		for s := range segments {
			want, perr := w.programs[s].Match(row{w.columns, w.leads[n]})
			if err != nil || perr != nil {
				return fmt.Errorf("lead %d: %w, %w", n, err, perr)
			}
			got := next == s
			if got {
				next, err = w.engine.First(w.records[n], s+1)
			}
			record := w.plain[n]
			if got != want || matchCEL(w.cel[s], record) != want || matchExpr(machine, w.expr[s], record) != want || w.naive[s].match(record) != want {
				return fmt.Errorf("lead %d, segment %d %s: not all say %v", n, s, w.trees[s], want)
			}
		}
	}
	for n, payload := range w.payloads {
		ours, err := w.winners(payload)
		if err != nil {
			return err
		}
		theirs, err := w.winnersPeer(payload)
		if err != nil {
			return err
		}
		if !slices.Equal(ours, theirs) {
			return fmt.Errorf("event %d: the winners are %v and %v", n, ours, theirs)
		}
	}
	return nil
}

// winners decides the changes of an event.
func (w *workload) winners(payload []byte) ([]string, error) {
	var found []string
	err := w.decide(payload, func(d segment.Decision) {
		id := ""
		if d.Segment != nil {
			id = string(d.Segment.ID)
		}
		found = append(found, id)
	})
	return found, err
}

// decide is the way of an event's bytes to decisions.
func (w *workload) decide(payload []byte, decided func(segment.Decision)) error {
	return w.each(payload, func(c rows.Change) error {
		if _, err := c.Touches(w.catalogue.Columns); err != nil {
			return err
		}
		d, err := w.catalogue.Decide(c.New, "", nil)
		decided(d)
		return err
	})
}

// each reads both images of each change of an event.
func (w *workload) each(payload []byte, do func(rows.Change) error) error {
	changes, err := dynamo.DecodeEvent(payload)
	if err != nil {
		return err
	}
	w.db.Changes(changes, func(_ int, c rows.Change, broken error) {
		if broken == nil {
			broken = c.Read(w.reading)
		}
		if broken == nil {
			broken = do(c)
			c.Forget()
		}
		if broken != nil {
			err = broken
		}
	})
	return err
}

// winnersPeer decides the changes of an event by Lambda's own types and cel-go.
func (w *workload) winnersPeer(payload []byte) ([]string, error) {
	e, err := decodePeer(payload)
	if err != nil {
		return nil, err
	}
	found := make([]string, 0, len(e.Records))
	for _, r := range e.Records {
		record, err := plainImage(w.table, w.columns, r.Change.NewImage)
		if err != nil {
			return nil, err
		}
		id := ""
		if n := firstCEL(w.cel, record); n < len(w.cel) {
			id = strconv.Itoa(n)
		}
		found = append(found, id)
	}
	return found, nil
}

func firstCEL(programs []cel.Program, record map[string]any) int {
	for n, p := range programs {
		if matchCEL(p, record) {
			return n
		}
	}
	return len(programs)
}

// plainText reads the stored text of a column as the peers read a lead.
func plainText(c *schema.Column, text string) (any, error) {
	if c.Type == schema.String || c.Type == schema.Memo {
		return filter.Folded(text), nil
	}
	switch c.Type.Kind() {
	case schema.KindInt:
		return strconv.ParseInt(text, 10, 64)
	case schema.KindDec, schema.KindFloat:
		return strconv.ParseFloat(text, 64)
	case schema.KindTime:
		layout := time.RFC3339
		if c.Type == schema.Date {
			layout = time.DateOnly
		}
		t, err := time.Parse(layout, text)
		return t.Unix(), err
	case schema.KindRef:
		return c.Targets[0].Table + ":" + text, nil
	default:
		return text, nil
	}
}

// describe prints what the workload is, as it was drawn.
func (w *workload) describe() {
	leads := len(w.leads)
	present, bytes, matched := 0, 0, 0
	for _, l := range w.leads {
		for _, v := range l {
			if !v.IsNull() {
				present++
			}
		}
	}
	for _, payload := range w.payloads {
		bytes += len(payload)
	}
	for _, r := range w.records {
		if n, err := w.engine.First(r, 0); err == nil && n < segments {
			matched++
		}
	}
	encoded, _ := json.Marshal(w.texts)
	fmt.Printf("%d leads × %d columns, %.1f present; %d bytes a change with both images; %d segments × 10 conditions (%d bytes), %.0f %% of the leads in one\n\n",
		leads, len(w.columns), float64(present)/float64(leads), bytes/leads, segments, len(encoded), 100*float64(matched)/float64(leads))
}
