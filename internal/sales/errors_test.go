package sales_test

import (
	"errors"
	"strings"
	"testing"

	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/store"
)

func TestErrors_StoreIsBusy(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq, lead := w.sequence(1, "lead"), w.lead(1, nil)
	w.probe.Inject(func(probe.Call) probe.Fault { return probe.Before })
	for name, call := range map[string]func() error{
		"create": func() error {
			_, err := w.Create(t.Context(), manager(), "lead", "", values{"subject": "A", "lastname": "B"})
			return err
		},
		"update":     func() error { return w.change("lead", lead.ID, values{"subject": "A"}) },
		"delete":     func() error { return w.Delete(t.Context(), manager(), lead, sales.If{}) },
		"retrieve":   func() error { _, err := w.Retrieve(t.Context(), manager(), lead); return err },
		"list":       func() error { _, err := w.List(t.Context(), manager(), "lead", nil, 1, ""); return err },
		"connect":    func() error { return w.try(lead, seq) },
		"disconnect": func() error { _, err := w.Disconnect(t.Context(), manager(), lead, ""); return err },
		"select": func() error {
			_, err := w.ConnectSelection(t.Context(), manager(), seq, []rows.Ref{lead}, false)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.refuses(t, sales.Unavailable, call, "try again")
			if err := call(); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("the cause is lost in %v", err)
			}
		})
	}
}

func TestErrors_RowIsTooLarge(t *testing.T) {
	w := newWorld(t, sales.Options{})
	one := `{"type":"task","name":"A","description":"` + strings.Repeat("x", 2000) + `"}`
	definition := "[" + one + strings.Repeat(","+one, 210) + "]"
	w.refuses(t, sales.TooLarge, func() error {
		_, err := w.Create(t.Context(), manager(), "msdyn_sequence", "", values{
			"msdyn_name": "A", "msdyn_regardingentityname": "lead", "msdyn_definition": definition,
		})
		return err
	}, "the limit is 409600")
}

// A record that somebody changes at every try is given up in the end.
func TestErrors_RowKeepsChanging(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq, lead := w.sequence(1, "lead"), w.lead(1, nil)
	version := int64(0)
	w.probe.Inject(func(call probe.Call) probe.Fault {
		if call.Method == probe.Write {
			version++
			set := store.Item{rows.Version: store.Int(version)}
			if err := w.store.Write(t.Context(), store.Update(call.Keys[0], set, nil, store.Condition{})); err != nil {
				t.Error(err)
			}
		}
		return probe.None
	})
	refused(t, w.try(lead, seq), sales.Unavailable, lead.ID, "kept changing", "try again")
	if n := len(w.list("msdyn_sequencetarget", nil)); n != 0 {
		t.Errorf("%d targets were written", n)
	}
}

func TestErrors_KindIsAnError(t *testing.T) {
	err := error(&sales.Error{Kind: sales.Limit, Text: "too many", Cause: store.ErrUnavailable})
	if !errors.Is(err, sales.Limit) || !errors.Is(err, store.ErrUnavailable) || errors.Is(err, sales.Invalid) || err.Error() != "too many" {
		t.Errorf("%v", err)
	}
	if got := sales.Limit.Error(); got != "limit reached" {
		t.Errorf("the kind is %q", got)
	}
}
