package boot

import (
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"segue/internal/auth"
	"segue/internal/embed"
	"segue/internal/sales"
	"segue/internal/store"
	"segue/internal/storetest"
)

func TestPolicy(t *testing.T) {
	for text, want := range map[string]sales.Policy{
		"":                {},
		"seed":            {},
		"active":          {AnyActive: true},
		"active, several": {AnyActive: true, Several: true},
		"several,seed":    {Several: true},
	} {
		if got, err := parsePolicy(text); got != want || err != nil {
			t.Errorf("policy %q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	if _, err := parsePolicy("sead"); err == nil {
		t.Error("an unknown policy is accepted")
	}
}

// Without gateway claims and without a key set nobody gets in.
func TestNobodyGetsInWithoutIdentity(t *testing.T) {
	app, err := New(Environment{Table: "segue"}, storetest.NewModel(nil), nil, Options{}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := auth.OpenIssuer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token, err := issuer.Issue("7e57e400-0000-4000-8000-000000000001", "Tester", []string{sales.SystemAdministrator}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.API.Auth.Authenticate(t.Context(), "Bearer "+token); !errors.Is(err, auth.ErrNoIdentity) {
		t.Errorf("authenticate: %v, want %v", err, auth.ErrNoIdentity)
	}
}

func TestBrokenKeySetIsRefused(t *testing.T) {
	_, err := New(Environment{KeySet: `{"keys":[]`}, storetest.NewModel(nil), nil, Options{}, slog.Default())
	if err == nil {
		t.Error("a broken SEGUE_JWKS is accepted")
	}
}

// A function without a table does not start.
func TestFunctionNeedsItsTable(t *testing.T) {
	t.Setenv("SEGUE_TABLE", "")
	if _, err := Function(t.Context(), nil); err == nil {
		t.Error("a function boots without SEGUE_TABLE")
	}
}

// The laptop's folder is kept between runs, is open once at a time, and begins
// again when asked to.
func TestPlaceOpen(t *testing.T) {
	place := Place{Data: t.TempDir(), Table: "segue"}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	first, err := place.Open(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	item := store.Item{store.PK: store.S("p"), store.SK: store.S("s")}
	if err := first.File.Write(t.Context(), store.Put(item, store.Condition{})); err != nil {
		t.Fatal(err)
	}
	if _, err := place.Open(t.Context(), log); !errors.Is(err, embed.ErrInUse) {
		t.Errorf("opened twice: %v, want %v", err, embed.ErrInUse)
	}
	for _, step := range []struct {
		reset bool
		there bool
	}{{false, true}, {true, false}} {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		place.Reset = step.reset
		if first, err = place.Open(t.Context(), log); err != nil {
			t.Fatal(err)
		}
		items, err := first.File.Get(t.Context(), item.Key())
		if err != nil {
			t.Fatal(err)
		}
		if there := items[0] != nil; there != step.there {
			t.Errorf("reset %v: the item is there: %v, want %v", step.reset, there, step.there)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
}
