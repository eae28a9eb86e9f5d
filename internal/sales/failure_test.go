package sales_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
	"segue/internal/store"
)

func TestTransient(t *testing.T) {
	conflict := &rows.ConflictError{Ref: rows.Ref{Table: name.Lead, ID: "x"}}
	for _, test := range []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"store unavailable", fmt.Errorf("read: %w", store.ErrUnavailable), true},
		{"refused for now", sales.Refuse(sales.Unavailable, "try again"), true},
		{"a row that keeps changing", fmt.Errorf("write: %w", conflict), true},
		{"the same for the caller", sales.Public(conflict), true},
		{"canceled", context.Canceled, true},
		{"time is up", context.DeadlineExceeded, true},
		{"joined with another", errors.Join(errors.New("broken"), store.ErrUnavailable), true},
		{"because of a row", sales.BecauseOf(conflict.Ref, 1, store.ErrUnavailable), true},
		{"a panic with such an error", &sales.PanicError{Value: store.ErrUnavailable}, false},
		{"a rule", sales.Refuse(sales.Precondition, "no"), false},
		{"too large", &store.ExceededError{}, false},
		{"a contradiction", &rows.ContradictionError{}, false},
		{"a panic", &sales.PanicError{Value: "index out of range"}, false},
		{"anything else", errors.New("broken"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := sales.Transient(test.err); got != test.want {
				t.Errorf("transient %t, want %t", got, test.want)
			}
		})
	}
}

func TestContain(t *testing.T) {
	plain := errors.New("plain")
	if err := sales.Contain(func() error { return plain }); !errors.Is(err, plain) {
		t.Errorf("error %v, want %v", err, plain)
	}
	if err := sales.Contain(func() error { return nil }); err != nil {
		t.Error(err)
	}
	err := sales.Contain(explode)
	contained, ok := errors.AsType[*sales.PanicError](err)
	if !ok || contained.Value != "boom" || err.Error() != "panic: boom" {
		t.Fatalf("error %v", err)
	}
	if !strings.Contains(string(contained.Stack), "explode") {
		t.Errorf("the stack does not show where it was:\n%s", contained.Stack)
	}
}

func explode() error { panic("boom") }

func TestBecauseOf(t *testing.T) {
	ref := rows.Ref{Table: name.Segment, ID: "x"}
	if err := sales.BecauseOf(ref, 1, nil); err != nil {
		t.Errorf("of nothing: %v", err)
	}
	plain := errors.New("plain")
	err := fmt.Errorf("follow: %w", sales.BecauseOf(ref, 1, plain))
	cause, ok := errors.AsType[*sales.CauseError](err)
	if !ok || cause.Ref != ref || !errors.Is(err, plain) || err.Error() != "follow: plain" {
		t.Errorf("got %v", err)
	}
}
