package sales_test

import (
	"maps"
	"math/rand/v2"
	"slices"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/schema"
)

// story is what users do to leads, sequences and segments in TestFaults, the
// same in every run: what it does by chance depends on its own numbers and on
// the rows as they are between two chapters.
type story struct {
	*world
	random *rand.Rand
	leads  int
	done   map[string]int // how often each kind of thing was done
}

// chapter is writes of users whose changes are followed before the next one.
type chapter struct {
	name  string
	write func()
	last  bool // definitions change in the next one
	end   bool // the last of all
}

// chapters tells the story. Where a sequence or segment ends, the leads change
// in nothing that matters to segments: whether a lead leaves the sequence
// because of its own change or because of the sequence's end, and with which
// reason, would depend on which of the two changes comes first.
func (s *story) chapters() []chapter {
	s.done = map[string]int{}
	return []chapter{
		{name: "definitions and leads", write: s.start},
		{name: "users work", write: s.work},
		{name: "users work on", write: s.work, last: true},
		{name: "segments are edited", write: s.edit},
		{name: "users work with the edited segments", write: s.work},
		{name: "a sequence is deactivated", write: s.deactivate, last: true},
		{name: "it is activated again", write: s.activate},
		{name: "users work with it", write: s.work, last: true},
		{name: "a segment is deleted", write: s.deleteSegment, last: true},
		{name: "users work without it", write: s.work},
		{name: "a sequence is deleted", write: s.deleteSequence, end: true},
	}
}

func (s *story) start() {
	for n := range 3 {
		s.User(n)
	}
	for n := 1; n <= 3; n++ {
		s.Sequence(n, "lead")
	}
	takes := values{"msdyn_isresegmentationenabled": true}
	s.Segment(1, web, id("sequence", 1), nil)
	s.Segment(2, hot, id("sequence", 2), takes)
	s.Segment(3, `{"attribute":"address1_city","operator":"begins-with","values":["Z"]}`, "", nil)
	for n := range s.leads {
		s.Lead(n, s.interests())
	}
}

// interests are random values of the columns that segments read.
func (s *story) interests() values {
	return values{
		sources:         int64(7 + s.random.IntN(2)),
		quality:         int64(1 + s.random.IntN(3)),
		"address1_city": []string{"Zug", "Bern", "Zürich"}[s.random.IntN(3)],
	}
}

// work makes a user do one or two things with every lead that is there.
func (s *story) work() {
	for n := range s.leads {
		found, err := s.DB.Get(s.T.Context(), rows.Ref{Table: "lead", ID: id("lead", n)})
		if err != nil {
			s.T.Fatal(err)
		}
		if found[0] == nil {
			continue
		}
		if found[0].Int("statecode") != 0 {
			s.do("open again", func() { s.Update("lead", found[0].ID, values{"statecode": int64(0)}) })
			continue
		}
		s.touch(found[0])
	}
}

// touch makes a user do something with an open lead.
func (s *story) touch(lead *rows.Row) {
	change := func(v values) { s.Update("lead", lead.ID, v) }
	switch s.random.IntN(11) {
	case 0, 1, 2:
		s.do("change what segments read", func() { change(s.interests()) })
	case 3:
		s.do("change what segments read, then more", func() {
			change(s.interests())
			change(values{"jobtitle": "Buyer"})
		})
	case 4:
		s.do("change what segments read, and again", func() {
			change(s.interests())
			change(s.interests())
		})
	case 5:
		s.do("close", func() { change(values{"statecode": int64(2)}) })
	case 6:
		if s.random.IntN(3) == 0 {
			s.do("delete", func() {
				if err := s.Entities.Delete(s.T.Context(), manager(), lead.Ref(), entity.If{}); err != nil {
					s.T.Fatal(err)
				}
			})
		}
	case 7:
		s.do("contact", func() { change(values{"statuscode": 3 - lead.Int("statuscode")}) })
	case 8:
		s.do("assign", func() {
			change(values{"ownerid": schema.Lookup{Table: "systemuser", ID: id("user", s.random.IntN(3))}})
		})
	case 9, 10:
		s.connection(lead)
	}
}

// connection makes a user work on a lead's connection, or make one.
func (s *story) connection(lead *rows.Row) {
	guard := guardOf(lead.Text("segue_live"))
	if len(guard) == 0 {
		if third := s.Row("msdyn_sequence", id("sequence", 3)); third.Int("statecode") == 1 && lead.Int("statuscode") == 1 {
			s.do("connect", func() { s.Connect(lead.Ref(), third.ID) })
		}
		return
	}
	target := s.Row("msdyn_sequencetarget", slices.Collect(maps.Values(guard))[0])
	step := s.Row("msdyn_sequencetargetstep", target.Lookup("segue_currentstep").ID)
	switch {
	case s.random.IntN(2) == 0:
		s.do("disconnect", func() { s.Disconnect(lead.Ref()) })
	case step.Int("msdyn_type") == 0:
		s.do("skip", func() { s.Update("msdyn_sequencetargetstep", step.ID, values{"statuscode": int64(3)}) })
	default:
		s.do("complete", func() { s.Update("msdyn_sequencetargetstep", step.ID, values{"statuscode": int64(2)}) })
	}
}

func (s *story) do(what string, do func()) {
	s.done[what]++
	do()
}

// idle changes leads in what no segment reads.
func (s *story) idle() {
	for n := range s.leads {
		ref := rows.Ref{Table: "lead", ID: id("lead", n)}
		if found, err := s.DB.Get(s.T.Context(), ref); err == nil && found[0] != nil && found[0].Int("statecode") == 0 {
			s.Update("lead", ref.ID, values{"jobtitle": "Seller"})
		}
	}
}

func (s *story) edit() {
	s.Update("msdyn_segment", id("segment", 3), values{"msdyn_sequence": schema.Lookup{Table: "msdyn_sequence", ID: id("sequence", 3)}})
	s.Update("msdyn_segment", id("segment", 1), values{
		"msdyn_entityfilter": `{"type":"and","items":[{"attribute":"leadsourcecode","operator":"eq","values":[7]}]}`, "segue_priority": int64(1),
	})
	s.idle()
}

func (s *story) deactivate() {
	s.Update("msdyn_sequence", id("sequence", 1), values{"statecode": int64(0)})
	s.idle()
}

func (s *story) activate() {
	s.Update("msdyn_sequence", id("sequence", 1), values{"statecode": int64(1)})
	s.work()
}

func (s *story) deleteSegment() {
	if err := s.Entities.Delete(s.T.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: id("segment", 2)}, entity.If{}); err != nil {
		s.T.Fatal(err)
	}
	s.idle()
}

func (s *story) deleteSequence() {
	if err := s.Entities.Delete(s.T.Context(), manager(), rows.Ref{Table: "msdyn_sequence", ID: id("sequence", 3)}, entity.If{}); err != nil {
		s.T.Fatal(err)
	}
	s.idle()
}

// complete says that every kind of thing was done.
func (s *story) complete() bool { return len(s.done) == 12 }
