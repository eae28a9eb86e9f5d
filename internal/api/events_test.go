package api_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"segue/internal/api"
	"segue/internal/api/recipient"
	"segue/internal/doctest"
	"segue/internal/dynamo"
	"segue/internal/lambdaio"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// expectation is events/expected/<function>.json: what the function responds to
// its event, and what rows read afterwards.
type expectation struct {
	StatusCode int
	Contains   []string
	Rows       []struct {
		Get      string
		Contains []string
	}
}

// TestEvents feeds events/<function>.json through the functions' handlers, in
// the order in which the events make a story. The functions themselves get the
// same events in functions/functions_test.go.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	syncEvaluate(w)
	for _, function := range []string{"connect", "disconnect", "action", "data", "evaluate", "advance", "job", "track", "notify"} {
		t.Run(function, func(t *testing.T) {
			payload, err := os.ReadFile(filepath.Join("../../events", function+".json"))
			if err != nil {
				t.Fatal(err)
			}
			payload = bytes.ReplaceAll(payload, []byte("TOKEN"), []byte(w.token("Sales Manager")))
			status, body := w.invoke(t, function, payload)
			var want expectation
			readJSON(t, "expected/"+function+".json", &want)
			if status != want.StatusCode {
				t.Errorf("status %d, want %d", status, want.StatusCode)
			}
			contains(t, "response", body, want.Contains)
			for _, row := range want.Rows {
				contains(t, row.Get, w.send("GET ~/"+row.Get).body, row.Contains)
			}
		})
	}
	if w.log.Len() > 0 {
		t.Errorf("internal errors were logged:\n%s", w.log)
	}
}

// invoke runs a function's handler on an event; a response that is not HTTP has no
// status.
func (w *world) invoke(t *testing.T, function string, payload []byte) (status int, body string) {
	t.Helper()
	switch function {
	case "evaluate":
		response, err := lambdaio.Stream(dynamo.DecodeEvent, w.parts.Changes).Invoke(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		return 0, string(response)
	case "job", "notify":
		var event events.SQSEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			t.Fatal(err)
		}
		handler := w.parts.Tasks()
		if function == "notify" {
			handler = w.parts.Notifications()
		}
		response, err := lambdaio.Queue(handler)(t.Context(), event)
		return 0, encoded(t, response, err)
	case "advance":
		parked := salestest.Park(t, w.parts.DB, rows.Ref{Table: "lead", ID: hotLeadID}, "segmentation.evaluate")
		done, err := w.parts.Advance.Pass(t.Context())
		salestest.Gone(t, w.parts.DB, parked)
		return 0, encoded(t, done, err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatal(err)
	}
	response, err := lambdaio.HTTP(handlerOf(function)(w.api), refuserOf(function))(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Body
}

// refuserOf writes what the handler of a function cannot.
func refuserOf(function string) lambdaio.Refuser {
	if function == "track" {
		return recipient.Refuser{}
	}
	return api.Gateway{}
}

// encoded is a response as the Lambda runtime writes it.
func encoded(t *testing.T, response any, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func contains(t *testing.T, what, text string, parts []string) {
	t.Helper()
	if len(parts) == 0 {
		t.Errorf("%s: nothing is expected of it", what)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %s: %s", what, part, text)
		}
	}
}

// syncEvaluate checks that the record of events/evaluate.json is what the
// table's stream carries when the fixture's hot lead is made: the item that the
// store holds, attribute for attribute. go test -update writes it again.
func syncEvaluate(w *world) {
	w.t.Helper()
	path := "../../events/evaluate.json"
	payload, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	var hot store.Item
	for _, item := range w.dump() {
		if item.Key().SK == hotLeadID {
			hot = item
		}
	}
	if doctest.Update() {
		payload = rewrite(w.t, payload, hot)
		if err := os.WriteFile(path, payload, 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	changes, err := dynamo.DecodeEvent(payload)
	if err != nil || len(changes) != 1 {
		w.t.Fatalf("%d changes, %v; want one", len(changes), err)
	}
	image, err := changes[0].New.Item()
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(hot, image); diff != "" || changes[0].Kind != store.Insert || changes[0].Key != hot.Key() {
		w.t.Errorf("%s is not the insert of the fixture's hot lead (-stored +event); go test -update:\n%s", path, diff)
	}
}

// rewrite puts an item into the one record of a stream event.
func rewrite(t testing.TB, payload []byte, item store.Item) []byte {
	t.Helper()
	image := map[string]map[string]any{}
	for name, v := range item {
		switch v.Kind() {
		case store.Number:
			image[name] = map[string]any{"N": v.Text()}
		case store.Bool:
			image[name] = map[string]any{"BOOL": v.True()}
		default:
			image[name] = map[string]any{"S": v.Text()}
		}
	}
	var event struct{ Records []map[string]any }
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatal(err)
	}
	record := event.Records[0]["dynamodb"].(map[string]any)
	record["Keys"] = map[string]any{store.PK: image[store.PK], store.SK: image[store.SK]}
	record["NewImage"], record["SizeBytes"] = image, item.Size()
	text, err := json.MarshalIndent(event, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}
