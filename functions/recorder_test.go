package functions_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// recorder stands between a function and AWS, and notes what the function asks for.
type recorder struct {
	t     *testing.T
	to    string // endpoint of what stands for AWS
	table string
	uses  *uses
}

// uses is what a function was seen to do: actions as IAM names them, with the index that
// they are on, such as "dynamodb:Query gsi1".
type uses struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (u *uses) note(use string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen[use] = true
}

// newRecorder returns the URL of a recorder.
func newRecorder(t *testing.T, endpoint, table string, uses *uses) string {
	t.Helper()
	r := &recorder{t: t, to: endpoint, table: table, uses: uses}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL
}

// ServeHTTP hands a request on.
func (r *recorder) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		r.t.Error(err)
	}
	if strings.HasPrefix(in.URL.Path, "/v2/email/") { // SES, whose calls are paths
		r.uses.note("ses:SendEmail")
	} else {
		r.note(in.Header.Get("X-Amz-Target"), body)
	}
	out, err := http.NewRequestWithContext(in.Context(), in.Method, r.to+in.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		r.t.Error(err)
		return
	}
	out.Header = in.Header.Clone()
	answer, err := http.DefaultClient.Do(out)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // what is missing the function will notice
}

// asked is what a recorder reads of a request to DynamoDB.
type asked struct {
	TableName, IndexName string
	RequestItems         map[string]any
	TransactItems        []map[string]struct{ TableName string }
}

// note notes the calls of one request. A transaction is not an action; what it does is.
func (r *recorder) note(target string, body []byte) {
	service, action, _ := strings.Cut(target, ".")
	if service == "AmazonSQS" {
		r.uses.note("sqs:" + strings.TrimSuffix(action, "Batch"))
		return
	}
	var asked asked
	if err := json.Unmarshal(body, &asked); err != nil || !strings.HasPrefix(service, "DynamoDB_") {
		r.t.Errorf("a request for %q that nobody understands: %v", target, err)
	}
	on := func(action, table, index string) {
		if table != r.table {
			r.t.Errorf("%s on the table %q", action, table)
		}
		if index != "" {
			action += " " + index
		}
		r.uses.note("dynamodb:" + action)
	}
	switch action {
	case "BatchGetItem":
		for table := range asked.RequestItems {
			on(action, table, "")
		}
	case "TransactWriteItems":
		for _, item := range asked.TransactItems {
			for kind, part := range item {
				on(map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}[kind], part.TableName, "")
			}
		}
	default:
		on(action, asked.TableName, asked.IndexName)
	}
}
