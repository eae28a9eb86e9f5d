package worktime_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"segue/internal/sales/worktime"
)

// question is all that a due time depends on, as it is given.
type question struct {
	zone, organization string // zone "": no working hours
	windows            []worktime.Window
	absences           []worktime.Span
	holidays           []time.Time
	start              time.Time
	days, hours        int
	settings           worktime.Settings
}

func (q *question) ask(t rapid.TB, start time.Time, days, hours int) (worktime.Result, error) {
	seller := worktime.Calendar{}
	var err error
	if q.zone != "" {
		zone, err := time.LoadLocation(q.zone)
		if err != nil {
			t.Fatal(err)
		}
		if seller.Hours, err = worktime.NewHours(zone, q.windows); err != nil {
			t.Fatal(err)
		}
	}
	if seller.Absences, err = worktime.NewAbsences(q.absences); err != nil {
		t.Fatal(err)
	}
	organization, err := time.LoadLocation(q.organization)
	if err != nil {
		t.Fatal(err)
	}
	holidays, err := worktime.NewHolidays(organization, q.holidays)
	if err != nil {
		t.Fatal(err)
	}
	wait, err := worktime.NewWait(days, hours)
	if err != nil {
		t.Fatal(err)
	}
	return worktime.Due(start, wait, seller, holidays, q.settings)
}

// nights are some on which clocks are changed, and one in a zone in which they never are.
var nights = []struct{ zone, at string }{
	{"Europe/Berlin", "2026-03-29T01:00:00Z"},
	{"Europe/Berlin", "2026-10-25T01:00:00Z"},
	{"America/New_York", "2026-03-08T07:00:00Z"},
	{"America/New_York", "2026-11-01T06:00:00Z"},
	{"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
	{"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
	{"Asia/Kolkata", "2026-03-29T01:00:00Z"},
	{"Pacific/Apia", "2011-12-30T10:00:00Z"},
	{"America/Sao_Paulo", "2018-02-18T02:00:00Z"},
	{"America/Sao_Paulo", "2018-11-04T03:00:00Z"},
	{"America/St_Johns", "2010-11-07T02:31:00Z"},
}

func questions() *rapid.Generator[*question] {
	return rapid.Custom(func(t *rapid.T) *question {
		night := rapid.SampledFrom(nights).Draw(t, "night")
		change, err := time.Parse(time.RFC3339, night.at)
		if err != nil {
			t.Fatal(err)
		}
		around := func(name string, days int) time.Time {
			minutes := rapid.IntRange(-days*48, days*48).Draw(t, name) * 30
			return change.Add(time.Duration(minutes+rapid.SampledFrom([]int{0, 0, 1, 10, 29}).Draw(t, "and")) * time.Minute)
		}
		q := &question{
			organization: rapid.SampledFrom(nights).Draw(t, "organization").zone,
			start:        around("start", 3),
			days:         rapid.IntRange(0, 4).Draw(t, "days"),
			hours:        rapid.IntRange(0, 30).Draw(t, "hours"),
			settings:     worktime.Settings{Availability: rapid.Bool().Draw(t, "availability"), SkipNonWorking: rapid.Bool().Draw(t, "skip")},
		}
		if rapid.IntRange(0, 5).Draw(t, "always") > 0 {
			q.zone, q.windows = night.zone, windows(t, change)
		}
		for range rapid.IntRange(0, 3).Draw(t, "absences") {
			from := around("absent", 8)
			q.absences = append(q.absences, worktime.Span{From: from, To: from.Add(time.Duration(rapid.IntRange(1, 3*24*60).Draw(t, "for")) * time.Minute)})
		}
		for range rapid.IntRange(0, 3).Draw(t, "holidays") {
			q.holidays = append(q.holidays, change.Truncate(24*time.Hour).AddDate(0, 0, rapid.IntRange(-3, 8).Draw(t, "holiday")))
		}
		return q
	})
}

// windows cuts a week into pieces, some of them of minutes around a change of clocks, and
// makes every other one working time.
func windows(t *rapid.T, change time.Time) []worktime.Window {
	const week = 7 * 24 * 60
	near := rapid.Custom(func(t *rapid.T) int {
		local := (int(change.Weekday())*24*60 + change.Hour()*60 + rapid.IntRange(-28, 28).Draw(t, "half hours")*30) % week
		return (local + week) % week
	})
	edges := rapid.SliceOfNDistinct(rapid.OneOf(near, rapid.Map(rapid.IntRange(0, week/30-1), func(n int) int { return n * 30 })), 2, 16, rapid.ID).Draw(t, "edges")
	slices.Sort(edges)
	var windows []worktime.Window
	first := rapid.IntRange(0, 1).Draw(t, "first")
	for i := first; i < len(edges); i += 2 {
		begin, end := edges[i], edges[(i+1)%len(edges)]
		length := (end - begin + week) % week
		length = min(length, 24*60-1)
		w := worktime.Window{Day: time.Weekday(begin / (24 * 60)), From: time.Duration(begin%(24*60)) * time.Minute}
		if w.To = w.From + time.Duration(length)*time.Minute; w.To > 24*time.Hour {
			w.To -= 24 * time.Hour
		}
		windows = append(windows, w)
	}
	return windows
}

// minute is what somebody sees who looks at the clock every minute.
type minute struct {
	shown   time.Time // on the clock
	reached time.Time // the latest that it has shown so far
	again   bool      // it has shown this before
	offset  int
	date    time.Time // of the organization or the seller: that of holidays
	kind    worktime.Kind
	shift   time.Time // the date of the shift that is worked
}

// oracle looks at each minute from a few days before the start. Index 0 is the start.
type oracle struct {
	*question
	zone, dates *time.Location
	minutes     []minute // from before on
}

const (
	before = 3 * 24 * 60 // minutes that are looked at first, so that it is known what the clocks have shown
	most   = 40 * 24 * 60
)

func newOracle(t rapid.TB, q *question) *oracle {
	o := &oracle{question: q, zone: time.UTC}
	load := func(name string) *time.Location {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return zone
	}
	o.dates = load(q.organization)
	if q.zone != "" {
		o.zone = load(q.zone)
		o.dates = o.zone
	}
	return o
}

// highest is the latest that a clock has shown.
func highest(last, shown time.Time) time.Time {
	if last.After(shown) {
		return last
	}
	return shown
}

func (o *oracle) instant(i int) time.Time { return o.start.Add(time.Duration(i) * time.Minute) }

func (o *oracle) minute(i int) *minute {
	for len(o.minutes) <= i+before {
		at := o.instant(len(o.minutes) - before)
		_, seconds := at.In(o.zone).Zone()
		_, there := at.In(o.dates).Zone()
		m := minute{shown: at.Add(time.Duration(seconds) * time.Second), offset: seconds, date: at.Add(time.Duration(there) * time.Second)}
		m.reached = m.shown
		if n := len(o.minutes); n > 0 {
			m.again = !m.shown.After(o.minutes[n-1].reached)
			m.reached = highest(o.minutes[n-1].reached, m.shown)
			m.date = highest(o.minutes[n-1].date, m.date)
		}
		o.classify(at, &m)
		o.minutes = append(o.minutes, m)
	}
	return &o.minutes[i+before]
}

// classify finds out whether a minute is worked, and if not why.
func (o *oracle) classify(at time.Time, m *minute) {
	m.kind = worktime.OutsideHours
	if o.question.zone == "" {
		m.kind = worktime.Waiting
	}
	for _, w := range o.windows {
		for _, date := range []time.Time{m.reached.Truncate(24 * time.Hour), m.reached.Truncate(24*time.Hour).AddDate(0, 0, -1)} {
			end := date.Add(w.To)
			if w.To < w.From {
				end = end.AddDate(0, 0, 1)
			}
			if date.Weekday() == w.Day && !m.reached.Before(date.Add(w.From)) && m.reached.Before(end) {
				m.kind, m.shift = worktime.Waiting, date
			}
		}
	}
	if slices.ContainsFunc(o.holidays, m.date.Truncate(24*time.Hour).Equal) {
		m.kind = worktime.OnHoliday
	}
	for _, s := range o.absences {
		if !at.Before(s.From) && at.Before(s.To) {
			m.kind = worktime.Absent
		}
	}
}

func (o *oracle) works(i int) bool { return o.minute(i).kind == worktime.Waiting }

// first returns the first minute from i on of which something is true.
func (o *oracle) first(i int, is func(i int) bool) int {
	for i < most && !is(i) {
		i++
	}
	return i
}

// wall is what the clock shows in a minute, or will when it shows something new again.
func (o *oracle) wall(i int) time.Time {
	m := o.minute(i)
	if m.again {
		return m.reached.Add(time.Minute)
	}
	return m.shown
}

// answer returns the minutes that are proposed and due; most and more are too far away.
func (o *oracle) answer() (proposed, due int) {
	i := o.days()
	switch {
	case !o.settings.SkipNonWorking:
		i += o.hoursInMinutes()
	default:
		for left := o.hoursInMinutes(); left > 0 && i < most; i++ {
			if o.works(i) {
				left--
			}
		}
	}
	if !o.settings.Availability {
		return i, i
	}
	return i, o.first(i, o.works)
}

func (o *oracle) hoursInMinutes() int {
	hours := o.hours
	if o.question.zone == "" {
		hours += 24 * o.question.days
	}
	return hours * 60
}

// days returns when the days of the wait are over.
func (o *oracle) days() int {
	n := o.question.days
	if n == 0 || o.question.zone == "" {
		return 0
	}
	shows := func(wall time.Time) func(int) bool {
		return func(i int) bool { return !o.minute(i).reached.Before(wall) }
	}
	if !o.settings.SkipNonWorking {
		return o.first(0, shows(o.wall(0).AddDate(0, 0, n)))
	}
	begin := o.first(0, o.works)
	date := o.minute(begin).shift
	clock := o.wall(begin).Sub(date)
	for ; n > 0 && begin < most; n-- {
		begin = o.first(begin, func(i int) bool { return o.works(i) && !o.minute(i).shift.Equal(date) })
		date = o.minute(begin).shift
	}
	end := begin
	for i := begin; i < begin+4*24*60; i++ {
		if o.works(i) && o.minute(i).shift.Equal(date) {
			end = i + 1
		}
	}
	return max(begin, min(end, o.first(0, shows(date.Add(clock)))))
}

// agree compares an answer with what somebody finds who looks at every minute.
func agree(t *rapid.T) {
	q := questions().Draw(t, "question")
	o := newOracle(t, q)
	got, err := q.ask(t, q.start, q.days, q.hours)
	proposed, due := o.answer()
	if due >= most {
		var never *worktime.NeverError
		if !errors.As(err, &never) && (err != nil || got.Due.Before(o.instant(most))) {
			t.Fatalf("due at %s, %v; it is not in %d minutes", got.Due, err, most)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if !got.Proposed.Equal(o.instant(proposed)) || !got.Due.Equal(o.instant(due)) {
		t.Fatalf("proposed at %s and due at %s, want %s and %s", got.Proposed, got.Due, o.instant(proposed), o.instant(due))
	}
	if d := cmp.Diff(o.reasons(proposed, due), got.Reasons(), cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("-want +got:\n%s", d)
	}
}

// reasons returns why each minute passes, and when the clocks are changed.
func (o *oracle) reasons(proposed, due int) []worktime.Reason {
	var reasons []worktime.Reason
	for i := range due {
		kind := o.minute(i).kind
		if i < proposed && !o.settings.SkipNonWorking {
			kind = worktime.Waiting
		}
		if last := len(reasons) - 1; last >= 0 && reasons[last].Kind == kind {
			reasons[last].To = o.instant(i + 1)
			continue
		}
		reasons = append(reasons, worktime.Reason{Kind: kind, Span: worktime.Span{From: o.instant(i), To: o.instant(i + 1)}})
	}
	begin := 1
	if o.minute(0).again { // the clocks were put back and have not caught up
		begin = 1 - before
	}
	for i := begin; i <= due; i++ {
		by := time.Duration(o.minute(i).offset-o.minute(i-1).offset) * time.Second
		if by == 0 {
			continue
		}
		reasons = append(reasons, worktime.Reason{Kind: worktime.ClockChange, Span: worktime.Span{From: o.instant(i), To: o.instant(i).Add(max(0, -by))}, Clocks: by})
	}
	slices.SortStableFunc(reasons, func(a, b worktime.Reason) int { return a.From.Compare(b.From) })
	return reasons
}

func TestDue_MinuteByMinute(t *testing.T) { rapid.Check(t, agree) }

func FuzzDue(f *testing.F) {
	f.Add(bytes.Repeat([]byte("a wait, long enough to draw a whole question from. "), 1000)) // a shorter one is skipped
	f.Fuzz(rapid.MakeFuzz(agree))
}

// A later start is never due earlier, nor a longer wait; and what is due is due at once.
func TestDue_Order(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := questions().Draw(t, "question")
		q.days = rapid.IntRange(0, 27).Draw(t, "days again")
		later := q.start.Add(time.Duration(rapid.IntRange(0, 8*24*3600).Draw(t, "later")) * time.Second)
		first, err := q.ask(t, q.start, q.days, q.hours)
		if err != nil {
			return // nothing to compare with
		}
		if first.Due.Before(first.Proposed) || first.Proposed.Before(q.start) {
			t.Fatalf("start %s, proposed %s, due %s", q.start, first.Proposed, first.Due)
		}
		if second, err := q.ask(t, later, q.days, q.hours); err == nil && (second.Proposed.Before(first.Proposed) || second.Due.Before(first.Due)) {
			t.Fatalf("a start at %s is due at %s (%s), one at %s at %s (%s)", q.start, first.Due, first.Proposed, later, second.Due, second.Proposed)
		}
		for _, more := range [][2]int{{1, 0}, {0, 1}} {
			if longer, err := q.ask(t, q.start, q.days+more[0], q.hours+more[1]); err == nil && longer.Due.Before(first.Due) {
				t.Fatalf("a wait of %d days and %d hours is due at %s, one of %v more at %s", q.days, q.hours, first.Due, more, longer.Due)
			}
		}
		if again, err := q.ask(t, first.Due, 0, 0); err != nil || !again.Due.Equal(first.Due) {
			t.Fatalf("due at %s, and then at %s, %v", first.Due, again.Due, err)
		}
	})
}
