package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Run carries out the tests of a script, each on a stage that open makes, with its clock at a
// moment. What goes wrong within a test is its failure; the error is of what the tests cannot
// help, and of ctx.
func Run(ctx context.Context, s *Script, open func(ctx context.Context, start time.Time) (Stage, error)) ([]Result, error) {
	results := make([]Result, len(s.tests))
	for i, t := range s.tests {
		var err error
		if results[i], err = t.run(ctx, open); err != nil {
			return nil, fmt.Errorf("test %q: %w", t.name, err)
		}
	}
	return results, nil
}

// run carries out one test.
func (t test) run(ctx context.Context, open func(ctx context.Context, start time.Time) (Stage, error)) (result Result, err error) {
	r := &rehearsal{zone: t.zone, seen: map[int]bool{}}
	r.start = r.onWall(t.start)
	if r.Stage, err = open(ctx, r.start); err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	result = Result{Name: t.name, Passed: true, Line: t.line}
	for _, l := range t.lines {
		failure := l.do.run(ctx, r)
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		if failure == nil {
			continue
		}
		result.Passed, result.Line = false, l.number
		result.Expected, result.Got = "the line can be carried out", failure.Error()
		if d, ok := errors.AsType[*difference](failure); ok {
			result.Expected, result.Got = d.expected, d.got
		}
		break
	}
	result.Trace, err = r.Trace(ctx)
	return result, err
}

// rehearsal is a test that is being carried out.
type rehearsal struct {
	Stage

	start time.Time
	zone  *time.Location
	seen  map[int]bool // emails that were expected, by their place among those sent
}

// difference is an expectation that does not hold.
type difference struct{ expected, got string }

func (d *difference) Error() string { return "expected " + d.expected + ", got " + d.got }

// deed is what a line does.
type deed interface {
	run(ctx context.Context, r *rehearsal) error
}

// onWall is a moment that is written as the wall of the zone shows it. One that the clocks
// jump over is as long after the gap as it would be after its beginning.
func (r *rehearsal) onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, r.zone)
}

// tell writes a moment as the text of a test does; seconds only where there are some.
func (r *rehearsal) tell(t time.Time) string {
	if t.Second() != 0 {
		return t.In(r.zone).Format(layout + ":05")
	}
	return t.In(r.zone).Format(layout)
}

// told says where the record is, for people.
func (r *rehearsal) told(s Scene) string {
	switch {
	case !s.Connected:
		return "a record that is not connected"
	case s.Ended != "":
		return "ended " + s.Ended + ": " + s.Reason
	case s.Step == nil:
		return "no open step"
	}
	text := fmt.Sprintf("step %q due %s", s.Step.Name, r.tell(s.Step.Due))
	if s.Step.State == "held" {
		text += ", held: " + s.Step.Note
	}
	return text
}

// places are where the emails that nobody has expected stand among those sent.
func (r *rehearsal) places() (places []int) {
	for i := range r.Sent() {
		if !r.seen[i] {
			places = append(places, i)
		}
	}
	return places
}

func (r *rehearsal) unexpected() (list []Email) {
	sent := r.Sent()
	for _, i := range r.places() {
		list = append(list, sent[i])
	}
	return list
}

func (r *rehearsal) toldSent() string {
	var list []string
	for _, e := range r.unexpected() {
		list = append(list, fmt.Sprintf("%q to %s", e.Subject, e.To))
	}
	if list == nil {
		return "nothing sent"
	}
	return "sent " + strings.Join(list, ", ")
}

// pass lets the time pass, within the bound of a test.
func (r *rehearsal) pass(ctx context.Context, to time.Time) error {
	if to.Before(r.Now()) {
		return fmt.Errorf("the clock shows %s and does not go back to %s", r.tell(r.Now()), r.tell(to))
	}
	if to.Sub(r.start) > MaxSpan {
		return fmt.Errorf("the clock of a test goes at most %d days, and this would be %s", MaxSpan/(24*time.Hour), r.tell(to))
	}
	return r.Jump(ctx, to)
}

type put struct {
	table   string
	columns json.RawMessage
}

func (d put) run(ctx context.Context, r *rehearsal) error { return r.Put(ctx, d.table, d.columns) }

type record struct {
	table   string
	columns json.RawMessage
}

func (d record) run(ctx context.Context, r *rehearsal) error {
	return r.Record(ctx, d.table, d.columns)
}

type update struct{ columns json.RawMessage }

func (d update) run(ctx context.Context, r *rehearsal) error { return r.Update(ctx, d.columns) }

type connect struct{}

func (connect) run(ctx context.Context, r *rehearsal) error { return r.Connect(ctx) }

type disconnect struct{}

func (disconnect) run(ctx context.Context, r *rehearsal) error { return r.Disconnect(ctx) }

// finish is what a seller does with the open step.
type finish struct {
	name    string // "": whichever it is
	skip    bool
	outcome string
}

func (d finish) run(ctx context.Context, r *rehearsal) error {
	scene, err := r.Look(ctx)
	if err != nil {
		return err
	}
	if scene.Step == nil || d.name != "" && scene.Step.Name != d.name {
		want := "an open step"
		if d.name != "" {
			want = fmt.Sprintf("step %q", d.name)
		}
		return &difference{want, r.told(scene)}
	}
	return r.Finish(ctx, d.skip, d.outcome)
}

type hear struct {
	event Event
	step  string
}

func (d hear) run(ctx context.Context, r *rehearsal) error { return r.Hear(ctx, d.event, d.step) }

type wait struct{ span time.Duration }

// run lets days pass as the wall shows them: two days later it is the same time of day.
func (d wait) run(ctx context.Context, r *rehearsal) error {
	const day = 24 * time.Hour
	to := r.Now().In(r.zone).AddDate(0, 0, int(d.span/day)).Add(d.span % day)
	return r.pass(ctx, to)
}

type jump struct {
	to  time.Time // on the wall
	due bool      // to when the open step is due
}

func (d jump) run(ctx context.Context, r *rehearsal) error {
	if !d.due {
		return r.pass(ctx, r.onWall(d.to))
	}
	scene, err := r.Look(ctx)
	if err != nil {
		return err
	}
	if scene.Step == nil {
		return &difference{"an open step", r.told(scene)}
	}
	if scene.Step.Due.Before(r.Now()) {
		return nil // it is due already
	}
	return r.pass(ctx, scene.Step.Due)
}
