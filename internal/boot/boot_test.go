package boot

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"segue/internal/auth"
	"segue/internal/auth/issuer"
	"segue/internal/protect"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
	"segue/internal/storetest"
)

func TestRetention(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "0": 0, "30": 30 * 24 * time.Hour, "36500": 36500 * 24 * time.Hour} {
		if got, err := parseRetention(text); got != want || err != nil {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"-1", "36501", "a month", "1.5"} {
		if _, err := parseRetention(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestExamined(t *testing.T) {
	for text, want := range map[string]int{"": 0, "1": 1, "200000": 200_000} {
		if got, err := parseExamined(text); got != want || err != nil {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "many", "1.5"} {
		if _, err := parseExamined(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestServiceLimits(t *testing.T) {
	for text, want := range map[string]protect.Limits{
		"": protect.Default(), "6000,1200,52": protect.Default(), "0,0,0": {},
		"1, 2, 3": {Requests: 1, Execution: 2 * time.Second, Concurrent: 3},
	} {
		if got, err := parseLimits(text); got != want || err != nil {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"1", "1,2", "1,2,3,4", "-1,2,3", "1,2,x", "1,2,", "1.5,2,3"} {
		if _, err := parseLimits(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestRowForm(t *testing.T) {
	for text, want := range map[string]rows.Form{"": rows.Compact, "compact": rows.Compact, "long": rows.Long} {
		if got, err := parseForm(text); got != want || err != nil {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	if _, err := parseForm("short"); err == nil {
		t.Error("an unknown form was taken")
	}
}

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
	issuer, err := issuer.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token, err := issuer.Issue("7e57e400-0000-4000-8000-000000000001", "Tester", []string{sales.SystemAdministrator}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Identity.Authenticate(t.Context(), "Bearer "+token); !errors.Is(err, auth.ErrNoIdentity) {
		t.Errorf("authenticate: %v, want %v", err, auth.ErrNoIdentity)
	}
}

// A table that was restored under another name belongs to the organization that its rows
// are of.
func TestCopyOfATableKeepsItsOrganization(t *testing.T) {
	root := func(env Environment) name.BusinessUnitID {
		app, err := New(env, storetest.NewModel(nil), nil, Options{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return app.Principals.Organization().Root
	}
	first := root(Environment{Table: "first"})
	if got := root(Environment{Table: "copy", Organization: "first"}); got != first {
		t.Errorf("the root of the copy is %s, want that of the first, %s", got, first)
	}
	if got := root(Environment{Table: "copy"}); got == first {
		t.Errorf("two installations have the root %s", got)
	}
}

func TestBrokenKeySetIsRefused(t *testing.T) {
	_, err := New(Environment{KeySet: `{"keys":[]`}, storetest.NewModel(nil), nil, Options{}, slog.Default())
	if err == nil {
		t.Error("a broken SEGUE_JWKS is accepted")
	}
}

// The schema folder of a function's package is found where Lambda puts it.
func TestBundledSchema(t *testing.T) {
	root := t.TempDir()
	t.Setenv("LAMBDA_TASK_ROOT", root)
	t.Setenv("SEGUE_SCHEMA", "")
	if got := FromEnvironment().Schema; got != "" {
		t.Errorf("without a folder the schema is %q", got)
	}
	folder := filepath.Join(root, "schema")
	if err := os.MkdirAll(filepath.Join(folder, "tables"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := []byte(`{"name":"lead","columns":[{"name":"new_visits","label":"Visits","type":"integer"}]}`)
	if err := os.WriteFile(filepath.Join(folder, "tables", "lead.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	tables, err := FromEnvironment().Tables()
	if err != nil || tables.Table("lead").Column("new_visits") == nil {
		t.Errorf("the folder in the package is not read: %v", err)
	}
	t.Setenv("LAMBDA_TASK_ROOT", "")
	if got := FromEnvironment().Schema; got != "" {
		t.Errorf("outside Lambda the schema is %q", got)
	}
}
