package mailing_test

import (
	"fmt"
	"testing"

	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
)

// answered sends the email of a lead on a sequence that ends, or goes on, when it is replied
// to, and returns it with its Message-ID.
func (w *world) answered(exit string) (r mailing.Request, messageID string) {
	w.T.Helper()
	sequence := w.Draft(1, `[{"type":"email","name":"Write"},{"type":"task","name":"Look"}]`)
	w.Update("msdyn_sequence", sequence, salestest.Values{"msdyn_sequenceexitcriterion": exit})
	if err := w.Activate(sequence); err != nil {
		w.T.Fatal(err)
	}
	lead := w.Lead(1, salestest.Values{"lastname": "L", "emailaddress1": "ada@example.test"})
	target := w.Connect(lead, sequence)
	w.Settle()
	r = mailing.Request{
		Step: name.SequenceTargetStepID(w.Step(target).ID), Target: name.SequenceTargetID(target.ID), Record: lead,
		Template: w.template(1, "<p>Hello</p>"), Owner: w.User(7),
	}
	if err := w.send(r); err != nil {
		w.T.Fatal(err)
	}
	return r, w.ledger(r).Text("segue_messageid")
}

// A reply ends a target whose sequence says so, with reason 3 and once; a second reply, and
// what is none, change nothing.
func TestReply(t *testing.T) {
	const leaves = `{"segue":1,"replied":true}`
	id := func(n int) string { return salestest.ID("email", n) }
	received := func(headers string) func(w *world, messageID string) {
		return func(w *world, messageID string) {
			event := `{"notificationType":"Received","mail":{"messageId":"in-1","timestamp":"2026-01-02T03:05:00Z","headers":[` + fmt.Sprintf(headers, messageID) + `]},"receipt":{}}`
			for range 2 {
				if err := w.tell(administrator(), event); err != nil {
					w.T.Fatal(err)
				}
			}
		}
	}
	for _, test := range []struct {
		name, exit string
		reply      func(w *world, messageID string)
		reason     int64 // 0 for a target that goes on
		replied    bool
	}{
		{"made by a client", leaves, func(w *world, messageID string) {
			w.Create("email", id(1), salestest.Values{"subject": "Re: Hello", "directioncode": false, "inreplyto": "<" + messageID + ">"})
			w.Create("email", id(2), salestest.Values{"subject": "Re: Hello", "directioncode": false, "inreplyto": messageID})
		}, 3, true},
		{"told by an update, after another message", leaves, func(w *world, messageID string) {
			w.Create("email", id(1), salestest.Values{"subject": "Re: Hello", "directioncode": false})
			w.Update("email", id(1), salestest.Values{"inreplyto": "<other@example.test> <" + messageID + ">"})
		}, 3, true},
		{"a sequence that goes on", "", func(w *world, messageID string) {
			w.Create("email", id(1), salestest.Values{"directioncode": false, "inreplyto": messageID})
		}, 0, true},
		{"going out", leaves, func(w *world, messageID string) {
			w.Create("email", id(1), salestest.Values{"directioncode": true, "inreplyto": messageID})
		}, 0, false},
		{"to something else", leaves, func(w *world, _ string) {
			w.Create("email", id(1), salestest.Values{"directioncode": false, "inreplyto": "<other@example.test>"})
		}, 0, false},
		{"received by the provider", leaves, received(`{"name":"In-Reply-To","value":"<%s>"}`), 3, true},
		{"by its references", leaves, received(`{"name":"References","value":"<%s> <other@example.test>"}`), 3, true},
		{"written by a program", leaves, received(`{"name":"In-Reply-To","value":"<%s>"},{"name":"Auto-Submitted","value":"auto-replied"}`), 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			r, messageID := w.answered(test.exit)
			test.reply(w, messageID)
			w.Settle()
			if replied := !w.ledger(r).Time("segue_repliedon").IsZero(); replied != test.replied {
				t.Errorf("replied: %v", replied)
			}
			target := w.Row("msdyn_sequencetarget", string(r.Target))
			if ended := target.Int("statecode") == 1; ended != (test.reason != 0) || ended && target.Int("msdyn_deactivatereason") != test.reason {
				t.Errorf("the target is %v", target.Values())
			}
			w.Sound(true)
		})
	}
}
