package sales_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/probe"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

func TestErrors_StoreIsBusy(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	w.Probe.Inject(func(probe.Call) probe.Fault { return probe.Before })
	for name, call := range map[string]func() error{
		"create": func() error {
			_, err := w.Entities.Create(t.Context(), manager(), "lead", "", schematest.Row(values{"subject": "A", "lastname": "B"}))
			return err
		},
		"update":   func() error { return w.TryUpdate("lead", lead.ID, values{"subject": "A"}) },
		"delete":   func() error { return w.Entities.Delete(t.Context(), manager(), lead, entity.If{}) },
		"retrieve": func() error { _, err := w.Entities.Retrieve(t.Context(), manager(), lead); return err },
		"list": func() error {
			_, err := w.Entities.List(t.Context(), manager(), "lead", query.Query{Limit: 1})
			return err
		},
		"connect":    func() error { return w.TryConnect(lead, seq) },
		"disconnect": func() error { _, err := w.Connections.Disconnect(t.Context(), manager(), lead, ""); return err },
		"select": func() error {
			_, err := w.Connections.ConnectSelection(t.Context(), manager(), name.SequenceID(seq), []rows.Ref{lead}, false)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.Refuses(t, sales.Unavailable, call, "try again")
			if err := call(); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("the cause is lost in %v", err)
			}
		})
	}
}

// A full disk says so.
func TestErrors_DiskIsFull(t *testing.T) {
	err := sales.Public(fmt.Errorf("write: %w: /data/segue.db", store.ErrFull))
	refused(t, err, sales.Unavailable, "disk", "full", "try again")
	if !errors.Is(err, store.ErrFull) || !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "/data") {
		t.Errorf("got %v", err)
	}
}

func TestErrors_RowIsTooLarge(t *testing.T) {
	w := newWorld(t, boot.Options{})
	one := `{"type":"task","name":"A","description":"` + strings.Repeat("x", 2000) + `"}`
	definition := "[" + one + strings.Repeat(","+one, 210) + "]"
	w.Refuses(t, sales.TooLarge, func() error {
		_, err := w.Entities.Create(t.Context(), manager(), "msdyn_sequence", "", schematest.Row(values{
			"msdyn_name": "A", "msdyn_regardingentityname": "lead", "msdyn_definition": definition,
		}))
		return err
	}, "the limit is 409600")
}

// Operations that cannot be done together are the caller's mistake, and another
// try of them is of no use.
func TestErrors_OperationsContradict(t *testing.T) {
	cause := &rows.ContradictionError{Ref: rows.Ref{Table: "lead", ID: "x"}, Column: "subject"}
	err := sales.Public(cause)
	if !errors.Is(err, sales.Precondition) || !errors.Is(err, cause) || err.Error() != cause.Error() {
		t.Errorf("got %v", err)
	}
}

// A record that somebody changes at every try is given up in the end.
func TestErrors_RowKeepsChanging(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	version := int64(0)
	w.Probe.Inject(func(call probe.Call) probe.Fault {
		if call.Method == probe.Write {
			version++
			set := store.Item{rows.Version: store.Int(version)}
			if err := w.Store.Write(t.Context(), store.Update(call.Keys[0], set, nil, store.Condition{})); err != nil {
				t.Error(err)
			}
		}
		return probe.None
	})
	refused(t, w.TryConnect(lead, seq), sales.Unavailable, lead.ID, "kept changing", "try again")
	if n := len(w.List("msdyn_sequencetarget", nil)); n != 0 {
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
