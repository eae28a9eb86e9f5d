package laptop_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"segue/internal/api"
	"segue/internal/boot/laptop"
	"segue/internal/sales"
)

// A laptop carries out the tests of a sequence, a draft too, and nothing of its own store is
// touched.
func TestRunTests(t *testing.T) {
	local, err := laptop.Place{Data: t.TempDir(), Table: "segue"}.Open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = local.Close() }() // the test is over
	token, err := local.Issuer.Issue("11111111-2222-4333-8444-555555555555", "Ada", []string{sales.SalesManager}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	mux := api.New(local.API).Mux()
	send := func(method, path string, body map[string]any) (int, string) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), method, "/api/data/v9.2/"+path, strings.NewReader(string(text)))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	const sequence = "msdyn_sequences(5e900000-0000-4000-8000-000000000001)"
	if status, answer := send(http.MethodPatch, sequence, map[string]any{
		"msdyn_name": "Draft", "msdyn_regardingentityname": "lead", "msdyn_definition": `[{"type":"phonecall","name":"Call"},{"type":"wait","name":"Pause","wait":{"days":2}},{"type":"task","name":"Task"}]`,
	}); status != http.StatusNoContent {
		t.Fatal(status, answer)
	}
	const text = "record lead {\"lastname\":\"Byron\"}\nconnect\ncomplete \"Call\"\ntest \"right\"\nexpect step \"Pause\" due 2026-01-07T09:00\ntest \"wrong\"\nexpect step \"Task\"\n"
	const call = sequence + "/Microsoft.Dynamics.CRM.RunTests"
	for _, test := range []struct {
		name   string
		body   map[string]any
		status int
		want   []string
	}{
		{"as saved", map[string]any{"Tests": text}, http.StatusOK, []string{
			`"Passed":false`, `{"Name":"right","Passed":true,"Line":4,"Expected":null,"Got":null,"Trace":[{"Name":"Call","State":"completed","Opened":"2026-01-05T09:00:00Z"`,
			`{"Name":"wrong","Passed":false,"Line":7,"Expected":"step \"Task\"","Got":"step \"Pause\" due 2026-01-07T09:00"`,
		}},
		{"as it would be", map[string]any{"Tests": text, "Definition": map[string]any{"msdyn_definition": `[{"type":"phonecall","name":"Call"},{"type":"task","name":"Task"}]`}}, http.StatusOK, []string{
			`{"Name":"right","Passed":false,"Line":5`, `{"Name":"wrong","Passed":true`,
		}},
		{"a text that cannot be read", map[string]any{"Tests": "test \"T\"\ndance"}, http.StatusBadRequest, []string{"0x80040203", `line 2: at \"dance\"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, answer := send(http.MethodPost, call, test.body)
			if status != test.status {
				t.Errorf("status %d, want %d: %s", status, test.status, answer)
			}
			for _, want := range test.want {
				if !strings.Contains(answer, want) {
					t.Errorf("no %s in %s", want, answer)
				}
			}
		})
	}
	if _, answer := send(http.MethodGet, "leads", nil); !strings.Contains(answer, `"value":[]`) {
		t.Errorf("the tests have left leads: %s", answer)
	}
}
