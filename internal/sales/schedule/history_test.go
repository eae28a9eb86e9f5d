package schedule_test

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// history is everything that was committed, in the order of the commits, and the
// rules that each commit has to obey.
type history struct {
	commits  []*commit
	tables   *schema.Schema
	items    map[rows.Ref]store.Item                // as they are
	states   map[rows.Ref][]state                   // of each row, all that it ever was
	versions map[rows.Ref]map[int64]int             // of each row: in which commit
	rows     []rows.Ref                             // in the order in which they appeared
	deeds    []*deed                                // under way
	followed map[store.Value]map[rows.Ref]time.Time // of each version of a row: when its change was last taken up and followed
	judged   int                                    // records whose membership the oracle could tell
	problems []problem
	rules    []rule
	events   map[event]int
	fresh    time.Duration // how long a process uses a definition
	source   salestest.ChangeStore
	hash     uint64 // of everything that happened
	last     []string
}

// commit is one write.
type commit struct {
	number  int
	at      time.Time
	task    string
	deed    *deed
	process string
	changes []change
}

// change is what a commit did to an item, nil where there is none.
type change struct {
	ref      rows.Ref
	old, new store.Item
}

// state is an item as it was from a moment on, nil for none. By the time known, every
// process knows of it: a definition is used for as long as it is fresh, and whoever
// replaces one is answered after that.
type state struct {
	from, known time.Time
	item        store.Item
}

// rule says what is wrong with a commit.
type rule func(h *history, c *commit, ch change) string

// problem is a rule that was broken, and by what.
type problem struct {
	ref  rows.Ref
	text string
}

// deed is what somebody asks for, or a batch of changes that is followed.
type deed struct {
	name    string
	began   time.Time
	user    bool
	intends map[rows.Ref][]string                                        // user's columns that it may change
	makes   map[rows.Ref]bool                                            // rows that it may make or remove
	ends    func(target rows.Ref, record rows.Ref, sequence string) bool // connections that it may end
	about   []rows.Ref                                                   // what else it depends on
	effects []*effect
	commits []*commit
}

// effect is what must have been true at some moment while a deed was done, if it
// was acknowledged.
type effect struct {
	name  string
	ref   rows.Ref
	holds func(h *history) bool
	held  bool
}

func newHistory(rules ...rule) *history {
	return &history{
		items: map[rows.Ref]store.Item{}, states: map[rows.Ref][]state{},
		versions: map[rows.Ref]map[int64]int{}, followed: map[store.Value]map[rows.Ref]time.Time{}, rules: rules, events: map[event]int{},
	}
}

// recorder is the store, with the history of its writes.
type recorder struct {
	salestest.ChangeStore
	scheduler *scheduler
	history   *history
}

// Inner is the store around which the recorder is.
func (r *recorder) Inner() salestest.ChangeStore { return r.ChangeStore }

// Write implements [store.Store].
func (r *recorder) Write(ctx context.Context, ops ...store.Op) error {
	err := r.ChangeStore.Write(ctx, ops...)
	if err == nil {
		r.history.add(r.scheduler.running, ops)
	}
	return err
}

// add takes in a commit.
func (h *history) add(st *step, ops []store.Op) {
	c := &commit{number: len(h.commits), at: time.Now(), task: st.task.name, deed: st.task.deed}
	if st.process != nil {
		c.process = st.process.name
	}
	h.commits = append(h.commits, c)
	for _, op := range ops {
		ref := rows.Ref{Table: salestest.TableOf(op.Key), ID: op.Key.SK}
		old := h.items[ref]
		op = h.named(ref, op)
		left, err := op.Result(old)
		if err != nil {
			h.report(ref, "%v", err)
		}
		ch := change{ref, old, left}
		if op.Kind == store.OpCheck || maps.Equal(ch.old, ch.new) {
			continue
		}
		c.changes = append(c.changes, ch)
		if h.states[ref] == nil {
			h.rows = append(h.rows, ref)
			h.states[ref] = []state{{}} // before all time there was none
		}
		h.states[ref] = append(h.states[ref], state{c.at, c.at.Add(h.fresh), ch.new})
		if ch.new == nil {
			delete(h.items, ref)
		} else {
			h.items[ref] = ch.new
		}
	}
	if c.deed != nil {
		c.deed.commits = append(c.deed.commits, c)
	}
	for _, d := range h.deeds {
		d.watch(h)
	}
	for _, ch := range c.changes {
		for _, r := range h.rules {
			if text := r(h, c, ch); text != "" {
				h.report(ch.ref, "commit %d by %s: %s", c.number, c, text)
			}
		}
	}
}

// named returns an operation with every column under its own name: processes write rows
// in two forms, and the history knows of neither.
func (h *history) named(ref rows.Ref, op store.Op) store.Op {
	op.Item = op.Item.Clone()
	for _, c := range h.tables.Table(ref.Table).Renamed() {
		v, set := op.Item[c.Attribute]
		if set {
			delete(op.Item, c.Attribute)
			op.Item[c.Name] = v
		}
		_, set = op.Item[c.Name]
		cleared := slices.Contains(op.Remove, c.Name)
		op.Remove = slices.DeleteFunc(slices.Clone(op.Remove), func(attr string) bool { return attr == c.Attribute || attr == c.Name })
		if cleared && !set {
			op.Remove = append(op.Remove, c.Name)
		}
	}
	return op
}

func (h *history) report(ref rows.Ref, format string, args ...any) {
	h.problems = append(h.problems, problem{ref, fmt.Sprintf(format, args...)})
}

// String names who committed.
func (c *commit) String() string {
	what := "nobody"
	if c.deed != nil {
		what = c.deed.name
	}
	return fmt.Sprintf("%s (%s)", c.task, what)
}

// between returns every state that an item was in at some moment from one time to
// another.
func (h *history) between(ref rows.Ref, from, to time.Time) []store.Item {
	var items []store.Item
	states := h.states[ref]
	if len(states) == 0 {
		return []store.Item{nil}
	}
	for i, s := range states {
		ended := i+1 < len(states) && states[i+1].from.Before(from)
		if !ended && !s.from.After(to) {
			items = append(items, s.item)
		}
	}
	return items
}

// learn takes note that what a row became at that time has been acknowledged.
func (h *history) learn(ref rows.Ref, from time.Time) {
	states := h.states[ref]
	for i := range states {
		if now := time.Now(); states[i].from.Equal(from) && now.Before(states[i].known) {
			states[i].known = now
		}
	}
}

// usable returns every state of a definition that a process may have used for
// something that it began at one time and did at another.
func (h *history) usable(ref rows.Ref, began, done time.Time) []store.Item {
	var items []store.Item
	states := h.states[ref]
	if len(states) == 0 {
		return []store.Item{nil}
	}
	for i, s := range states {
		replaced := i+1 < len(states) && states[i+1].known.Before(began)
		if !replaced && !s.from.After(done) {
			items = append(items, s.item)
		}
	}
	return items
}

// since is what an item became when it was last made or changed in a way that counts,
// in its present life.
func (h *history) since(ref rows.Ref, counts func(old, new store.Item) bool) state {
	states := h.states[ref]
	for i := len(states) - 1; i > 0 && states[i].item != nil; i-- {
		if states[i-1].item == nil || counts(states[i-1].item, states[i].item) {
			return states[i]
		}
	}
	return state{}
}

// follow takes note that a process took up a change at that time and followed it.
func (h *history) follow(ch store.Change, began time.Time) {
	if ch.New == nil {
		return
	}
	item, err := ch.New.Item()
	if err != nil {
		h.problems = append(h.problems, problem{text: err.Error()})
		return
	}
	version, ref := item[name.Versionnumber], rows.Ref{Table: salestest.TableOf(ch.Key), ID: ch.Key.SK}
	if h.followed[version] == nil {
		h.followed[version] = map[rows.Ref]time.Time{}
	}
	h.followed[version][ref] = began
}

// start begins a deed.
func (h *history) start(d *deed) {
	d.began = time.Now()
	h.deeds = append(h.deeds, d)
	d.watch(h)
}

// finish ends a deed, which was acknowledged or not.
func (h *history) finish(d *deed, acknowledged bool) {
	h.deeds = slices.DeleteFunc(h.deeds, func(other *deed) bool { return other == d })
	if !acknowledged {
		return
	}
	for _, c := range d.commits {
		for _, ch := range c.changes {
			h.learn(ch.ref, c.at)
		}
	}
	for _, e := range d.effects {
		if !e.held {
			h.report(e.ref, "%s was acknowledged and never true: %s", d.name, e.name)
		}
	}
}

func (d *deed) watch(h *history) {
	for _, e := range d.effects {
		e.held = e.held || e.holds(h)
	}
}

// trace takes in a step, so that two runs of a schedule can be compared.
func (h *history) trace(st *step, out outcome) {
	line := fmt.Sprintf("%s|%s|%s|%v", time.Now().Format(time.StampMilli), st.task.name, st.name, out.err != nil)
	f := fnv.New64a()
	_, _ = fmt.Fprintf(f, "%d|%s", h.hash, line) // a hash takes everything
	h.hash = f.Sum64()
	if *verbose {
		h.last = append(h.last, line)
	}
}

// tell is the story of a row: its last commits, with what they changed, and those
// of the rows that hang on it.
func (h *history) tell(ref rows.Ref, n int) string {
	var lines []string
	for _, c := range h.commits {
		for _, ch := range c.changes {
			if ch.ref == ref {
				lines = append(lines, fmt.Sprintf("  %d %s %s%s\n      %s", c.number, c.at.Format("04:05.000"), c, suffix(c), ch.diff()))
			}
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func suffix(c *commit) string {
	if len(c.changes) == 1 {
		return ""
	}
	return fmt.Sprintf(" with %d others", len(c.changes)-1)
}

// diff is what a change did, without what every write does.
func (ch change) diff() string {
	switch {
	case ch.new == nil:
		return "deleted"
	case ch.old == nil:
		return "made: " + columns(ch.new)
	}
	var b strings.Builder
	for _, column := range slices.Sorted(maps.Keys(union(ch.old, ch.new))) {
		if before, after := ch.old[column], ch.new[column]; before != after && !dull(column) {
			fmt.Fprintf(&b, "%s: %s → %s; ", column, short(before), short(after))
		}
	}
	return cmp.Or(b.String(), "touched")
}

func columns(item store.Item) string {
	var b strings.Builder
	for _, column := range slices.Sorted(maps.Keys(item)) {
		if !dull(column) {
			fmt.Fprintf(&b, "%s %s; ", column, short(item[column]))
		}
	}
	return b.String()
}

// dull reports whether a column says nothing about what happened.
func dull(column string) bool {
	switch column {
	case "pk", "sk", "createdon", "createdby", "modifiedon", "modifiedby", "owninguser", "owningteam", "owningbusinessunit":
		return true
	}
	return len(column) > 3 && column[0] == 'g' && (column[2] == 'p' || column[2] == 's')
}

func short(v store.Value) string {
	text := translate(v.Text())
	if v.Kind() == store.Absent {
		return "none"
	}
	return text[:min(len(text), 160)]
}

func union(a, b store.Item) store.Item {
	all := a.Clone()
	maps.Copy(all, b)
	return all
}
