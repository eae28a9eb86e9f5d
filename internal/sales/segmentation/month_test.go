package segmentation_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/filter"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// month is segments with conditions on the time, which all take records from others and
// let members go, and leads, over a month in which the clocks of New York go forward.
type month struct {
	*world
	clock    *clock.Manual
	random   *rand.Rand
	zone     *time.Location
	segments []string // by priority
	programs []*filter.Program
	leads    []rows.Ref
	rows     map[rows.Ref]*rows.Row // as they were when a user wrote them last
}

func newMonth(t *testing.T, seed uint64) *month {
	t.Helper()
	c := clock.NewManual(salestest.Now())
	c.Advance(moment(t, "2026-03-01T12:00:00Z").Sub(c.Now()))
	w := salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync(), embed.Clock(c)), c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}})
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	m := &month{world: w, clock: c, random: rand.New(rand.NewPCG(seed, 34)), zone: zone, rows: map[rows.Ref]*rows.Row{}}
	reckon(t, w, values{"segue_timezone": "America/New_York"})
	for n := range 5 {
		m.segment(t, n)
	}
	w.Settle()
	for n := range 25 {
		lead := w.Lead(n, m.dates())
		m.leads, m.rows[lead] = append(m.leads, lead), w.Row("lead", lead.ID)
	}
	w.Settle()
	return m
}

// segment makes a segment of one or two conditions, most of them on the time.
func (m *month) segment(t *testing.T, n int) {
	var conditions []string
	for range 1 + m.random.IntN(2) {
		conditions = append(conditions, []string{
			day(`"today"`), day(`"tomorrow"`), day(`"this-week"`), day(`"last-x-hours","values":[7]`), day(`"next-x-days","values":[3]`),
			day(`"olderthan-x-days","values":[5]`), day(`"last-month"`), day(`"not-null"`),
			`{"attribute":"estimatedclosedate","operator":"yesterday"}`, `{"attribute":"estimatedclosedate","operator":"next-x-weeks","values":[1]}`,
			`{"attribute":"estimatedclosedate","operator":"this-fiscal-period"}`, `{"attribute":"leadsourcecode","operator":"ne","values":[8]}`,
		}[m.random.IntN(12)])
	}
	sequence := ""
	if m.random.IntN(2) == 0 {
		sequence = m.Sequence(n, "lead")
	}
	where := `{"type":"` + []string{"and", "or"}[m.random.IntN(2)] + `","items":[` + conditions[0]
	for _, c := range conditions[1:] {
		where += "," + c
	}
	seg := m.Segment(n, where+"]}", sequence, values{"segue_leaves": true, "msdyn_isresegmentationenabled": true, "segue_priority": int64(n + 1)})
	group, err := filter.Parse(m.DB.Schema(), "lead", m.Row("msdyn_segment", seg).Text("msdyn_entityfilter"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := filter.Compile(m.DB.Schema(), "lead", group, filter.AsksZone, filter.AsksNow)
	if err != nil {
		t.Fatal(err)
	}
	m.segments, m.programs = append(m.segments, seg), append(m.programs, program)
}

// dates draws what conditions read.
func (m *month) dates() values {
	begin := time.Date(2026, 2, 25, 0, 0, 0, 0, time.UTC)
	v := values{sources: 7 + m.random.Int64N(2)}
	if m.random.IntN(6) > 0 {
		v["schedulefollowup_qualify"] = begin.Add(time.Duration(m.random.IntN(40*24)) * time.Hour)
	}
	if m.random.IntN(6) > 0 {
		v["estimatedclosedate"] = begin.AddDate(0, 0, m.random.IntN(40))
	}
	return v
}

// recomputed is the segment that a lead belongs to now, decided from nothing.
func (m *month) recomputed(lead rows.Ref) string {
	m.T.Helper()
	record, scope := m.rows[lead], &filter.Scope{Now: m.clock.Now(), Zone: m.zone}
	for i, program := range m.programs {
		holds, err := program.MatchIn(record, scope)
		if err != nil {
			m.T.Fatal(err)
		}
		if holds {
			return m.segments[i]
		}
	}
	return ""
}

// are are the segments of the leads.
func (m *month) are() (segments []string) {
	for _, lead := range m.leads {
		segment, _ := m.On(lead)
		segments = append(segments, segment)
	}
	return segments
}

// must are the segments that the leads must be in.
func (m *month) must() (segments []string) {
	for _, lead := range m.leads {
		segments = append(segments, m.recomputed(lead))
	}
	return segments
}

// TestMonth steps through a month: at each moment at which a condition may flip,
// membership equals a full recomputation, and a record is decided on once for each crossing
// of its membership and never else.
func TestMonth(t *testing.T) {
	for seed := range uint64(salestest.Rounds(3)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := newMonth(t, seed)
			before, must := m.are(), m.must()
			if !slices.Equal(before, must) {
				t.Fatalf("at the begin they are in %q, must be in %q", before, must)
			}
			crossings, handled := 0, 0
			for hours := range 31 * 24 {
				for _, at := range []time.Duration{0, time.Second} { // spans end on the hour or a second later
					m.clock.Advance(moment(t, "2026-03-01T13:00:00Z").Add(time.Duration(hours)*time.Hour + at).Sub(m.clock.Now()))
					done, err := m.Advance.Pass(t.Context())
					if err != nil || done.PutOff > 0 {
						t.Fatalf("%+v, %v", done, err)
					}
					are := before // nothing else writes
					if handled += done.Handled; done.Handled > 0 {
						m.Settle()
						are = m.are()
					}
					must := m.must()
					if !slices.Equal(are, must) {
						t.Fatalf("at %v they are in %q, must be in %q", m.clock.Now(), are, must)
					}
					for i := range are {
						if are[i] != before[i] {
							crossings++
						}
					}
					before = are
				}
			}
			if handled != crossings || crossings == 0 {
				t.Errorf("%d crossings, records were decided on %d times", crossings, handled)
			}
			m.Sound(true)
		})
	}
}

// TestMonth_Faults is the same while records change, requests fail or are done without an
// answer, changes come twice, processes end and begin, and passes are hours apart.
func TestMonth_Faults(t *testing.T) {
	for seed := range uint64(salestest.Rounds(3)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			salestest.CaptureLog(t)
			m := newMonth(t, seed)
			for range 60 {
				m.clock.Advance(time.Duration(1+m.random.IntN(24*3600)) * time.Second)
				m.Fresh()
				for range m.random.IntN(4) {
					lead := m.leads[m.random.IntN(len(m.leads))]
					m.Update("lead", lead.ID, m.dates())
					m.rows[lead] = m.Row("lead", lead.ID)
				}
				changes := m.Fresh()
				m.Probe.Inject(probe.Sometimes(m.random.Uint64(), 2+m.random.IntN(12), probe.Before, probe.After))
				_, _ = m.Advance.Pass(t.Context()) // what fails is put off
				m.Probe.Inject(nil)
				if m.random.IntN(3) == 0 {
					m.Restart()
				}
				m.Deliver(changes)
				m.Again(changes)
				for range 3 { // what was put off, a minute each time
					m.clock.Advance(61 * time.Second)
					pass(t, m.world)
				}
				if are, must := m.are(), m.must(); !slices.Equal(are, must) {
					t.Fatalf("at %v they are in %q, must be in %q", m.clock.Now(), are, must)
				}
				m.Sound(true)
			}
		})
	}
}

// TestManyWait: a pass reads a page of each shard for one record that is due, however many
// wait.
func TestManyWait(t *testing.T) {
	w, c := timed(t)
	due := c.Now().Add(time.Hour)
	for n := range 100 {
		err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			for k := range 100 {
				lead := tx.Create(w.DB.Schema().Table("lead"), id("lead", 100*n+k), nil)
				lead.SetAll(schematest.Row(values{"statecode": int64(0), "statuscode": int64(1), "segue_decideon": due.Add(time.Duration(100*n+k) * time.Minute)}))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Settle()
	c.Advance(time.Hour)
	if done := pass(t, w); done.Handled != 1 { // and what a process does once
		t.Fatalf("%+v", done)
	}
	c.Advance(time.Minute)
	w.Probe.Reset()
	done, err := w.Advance.Pass(t.Context())
	if err != nil || done.Handled != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if n := w.Probe.Counts(); n.Queries != 16 || n.Gets != 1 || n.GetKeys != 1 || n.Writes != 1 || n.ReadUnits > 10 {
		t.Errorf("one of 10,000 records costs %+v", n)
	}
	if at := w.Row("lead", id("lead", 1)).Time(name.SegueDecideon); !at.IsZero() {
		t.Errorf("it is to be decided again at %v", at)
	}
}
