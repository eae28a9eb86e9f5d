package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// endings are how a connection ends, in the words of an expectation.
func endings() []string { return []string{"completed", "disconnected", "error"} }

// readExpectation reads what is expected.
func readExpectation(w *words) (deed, error) {
	switch word := w.next(); word {
	case "step":
		return readStep(w)
	case "held":
		why, err := w.optional("a part of the reason")
		return expectHeld{why}, err
	case "ended":
		how := w.next()
		if !slices.Contains(endings(), how) {
			return nil, wrong(how, "a connection ends as one of: %s", oneOf(endings()))
		}
		why, err := w.optional("the reason")
		return expectEnded{how, why}, err
	case "sent":
		return readSent(w)
	case "nothing":
		if word := w.next(); word != "sent" {
			return nil, wrong(word, "it is: expect nothing sent")
		}
		return expectNothing{}, nil
	case "":
		return nil, wrong("", "what is expected stands here: step, held, ended, sent, nothing sent, or a column = its value")
	default:
		if equals := w.next(); equals != "=" {
			return nil, wrong(word, "what is expected is one of: step, held, ended, sent, nothing sent, or a column = its value")
		}
		value, err := w.value()
		return expectColumn{word, value}, err
	}
}

func readStep(w *words) (deed, error) {
	name, err := w.text("the name of the step")
	if err != nil || w.rest == "" {
		return expectStep{name: name}, err
	}
	if word := w.next(); word != "due" {
		return nil, wrong(word, "what follows the step is: due 2026-03-02T09:00")
	}
	due, err := w.moment()
	return expectStep{name, due}, err
}

func readSent(w *words) (deed, error) {
	subject, err := w.text("the subject of the email")
	if err != nil || w.rest == "" {
		return expectSent{subject: subject}, err
	}
	if word := w.next(); word != "to" {
		return nil, wrong(word, "what follows the subject is: to and an address")
	}
	to := w.next()
	if to == "" {
		return nil, wrong("", "an address stands here")
	}
	return expectSent{subject, to}, nil
}

type expectStep struct {
	name string
	due  time.Time // on the wall; zero: not asked
}

func (e expectStep) run(ctx context.Context, r *rehearsal) error {
	scene, err := r.Look(ctx)
	if err != nil {
		return err
	}
	want := fmt.Sprintf("step %q", e.name)
	got := r.told(scene)
	if scene.Step == nil || scene.Step.Name != e.name || scene.Ended != "" {
		return &difference{want, got}
	}
	if e.due.IsZero() {
		return nil
	}
	due := r.onWall(e.due)
	if !scene.Step.Due.Equal(due) {
		return &difference{want + " due " + r.tell(due), got}
	}
	return nil
}

// expectHeld expects that the open step is one that Segue could not do.
type expectHeld struct{ why string }

func (e expectHeld) run(ctx context.Context, r *rehearsal) error {
	scene, err := r.Look(ctx)
	if err != nil {
		return err
	}
	if scene.Step == nil || scene.Step.State != "held" || !strings.Contains(scene.Step.Note, e.why) {
		return &difference{strings.TrimSuffix("a step that is held: "+e.why, ": "), r.told(scene)}
	}
	return nil
}

type expectEnded struct{ how, why string }

func (e expectEnded) run(ctx context.Context, r *rehearsal) error {
	scene, err := r.Look(ctx)
	if err != nil {
		return err
	}
	if scene.Ended != e.how || e.why != "" && !strings.EqualFold(scene.Reason, e.why) {
		return &difference{strings.TrimSuffix("ended "+e.how+": "+e.why, ": "), r.told(scene)}
	}
	return nil
}

// expectSent expects an email that no line before has expected.
type expectSent struct{ subject, to string }

func (e expectSent) run(_ context.Context, r *rehearsal) error {
	for i, sent := range r.unexpected() {
		if sent.Subject == e.subject && (e.to == "" || strings.EqualFold(sent.To, e.to)) {
			r.seen[r.places()[i]] = true
			return nil
		}
	}
	want := fmt.Sprintf("sent %q", e.subject)
	if e.to != "" {
		want += " to " + e.to
	}
	return &difference{want, r.toldSent()}
}

type expectNothing struct{}

func (expectNothing) run(_ context.Context, r *rehearsal) error {
	if len(r.unexpected()) > 0 {
		return &difference{"nothing sent", r.toldSent()}
	}
	return nil
}

type expectColumn struct {
	column string
	value  json.RawMessage
}

func (e expectColumn) run(ctx context.Context, r *rehearsal) error {
	holds, got, err := r.Holds(ctx, e.column, e.value)
	if err != nil {
		return err
	}
	if !holds {
		return &difference{e.column + " = " + string(e.value), e.column + " = " + got}
	}
	return nil
}
