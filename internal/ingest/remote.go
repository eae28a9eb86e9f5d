package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"segue/internal/clock"
	"segue/internal/schema"
)

// maxTry bounds the duration of one try.
const maxTry = 30 * time.Second

// throttledPatience is how long a row is tried again while the service says that the
// caller has asked for too much: twice the time in which requests are counted
// (docs/webapi.md §15).
const throttledPatience = 10 * time.Minute

// maxResponse bounds how many bytes of a response are read.
const maxResponse = 64 << 10

// duplicateRecord is the code of the refusal to make a row that is there.
const duplicateRecord = "0x80040237"

// Remote writes over the Web API of a running Segue.
type Remote struct {
	Client *http.Client // must not follow redirects: a redirected PATCH becomes a GET
	// Patience is how long a row is tried again while the service is away or
	// busy (no connection; 502, 503, 504), 30 s by default; with 429 it is ten minutes at
	// least. Trying again is safe: writing a row twice changes nothing.
	Patience time.Duration
	// Clock measures and waits; clock.System unless set before use.
	Clock clock.Clock

	tables  *schema.Schema
	base    string
	token   string
	backoff clock.Backoff // between the tries of one row
}

// NewRemote returns a Remote for the service at base, such as http://localhost:8080.
// token is a bearer token of the caller whose privileges apply; transport is how the
// service is reached.
func NewRemote(tables *schema.Schema, base, token string, transport *http.Transport) *Remote {
	transport = transport.Clone()
	transport.MaxIdleConnsPerHost, transport.IdleConnTimeout = 2*defaultWorkers, time.Minute // as many stay open as there are workers
	return &Remote{
		Client: &http.Client{
			Timeout:       maxTry,
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Patience: 30 * time.Second,
		Clock:    clock.System(),
		tables:   tables, base: strings.TrimRight(base, "/"), token: token,
		backoff: clock.Backoff{Base: 100 * time.Millisecond, Most: 3 * time.Second},
	}
}

// Write makes or changes a row by PATCH. After Patience the error is
// [ErrUnavailable]; what the service refuses is an error with its code and text.
func (r *Remote) Write(ctx context.Context, t *schema.Table, id string, values map[string]schema.Value) error {
	members, err := r.members(t, values)
	if err != nil {
		return err
	}
	return r.send(ctx, http.MethodPatch, fmt.Sprintf("%s(%s)", t.Set, id), members)
}

// Create makes rows by the action CreateMultiple; errors are as with Write.
func (r *Remote) Create(ctx context.Context, t *schema.Table, list []Row) error {
	targets := make([]map[string]any, len(list))
	for i, row := range list {
		members, err := r.members(t, row.Values)
		if err != nil {
			return err
		}
		members["@odata.type"], members[t.ID] = namespace+t.Name, row.ID
		targets[i] = members
	}
	return r.send(ctx, http.MethodPost, t.Set+"/"+namespace+"CreateMultiple", map[string]any{"Targets": targets})
}

// Check knows the rules of the schema alone; the others are at the service. A column that
// must have a value may have one there.
func (r *Remote) Check(_ context.Context, t *schema.Table, _ string, values map[string]schema.Value) error {
	_, err := t.CheckCreate(values)
	if wrong, ok := errors.AsType[*schema.Error](err); ok && wrong.Rule != schema.RuleRequired {
		return err
	}
	_, err = r.members(t, values)
	return err
}

// namespace is that of types and bound actions.
const namespace = "Microsoft.Dynamics.CRM."

// send sends a request until the service has processed it, or Patience is at its end.
func (r *Remote) send(ctx context.Context, method, path string, content map[string]any) error {
	body, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("encode a request for %s: %w", path, err)
	}
	began := r.Clock.Now()
	for failed := 1; ; failed++ {
		err := r.try(ctx, method, r.base+"/api/data/v9.2/"+path, body)
		away, again := errors.AsType[*awayError](err)
		if !again {
			return err
		}
		wait := max(away.after, r.backoff.Delay(failed))
		patience := r.Patience
		if away.throttled { // it is there, and says when it takes more
			patience = max(patience, throttledPatience)
		}
		if r.Clock.Now().Sub(began)+wait > patience {
			return fmt.Errorf("%w, tried for %v: %w", ErrUnavailable, patience, err)
		}
		if err := r.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// awayError means that the service did not process a request.
type awayError struct {
	cause     error
	after     time.Duration // the wait that the service asked for; 0: none
	throttled bool          // the caller has asked for too much
}

// Error returns the text of the cause.
func (e *awayError) Error() string { return e.cause.Error() }

// try sends a request once.
func (r *Remote) try(ctx context.Context, method, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("OData-Version", "4.0")
	res, err := r.Client.Do(req)
	if err == nil {
		defer func() { _ = res.Body.Close() }() // it was only read
		body, err = io.ReadAll(io.LimitReader(res.Body, maxResponse))
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &awayError{cause: err}
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	}
	refusal := errors.New(refusalText(res.StatusCode, body))
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // 0 for none, or for a date
		return &awayError{refusal, time.Duration(max(0, seconds)) * time.Second, res.StatusCode == http.StatusTooManyRequests}
	case http.StatusPreconditionFailed:
		if strings.Contains(refusal.Error(), duplicateRecord) {
			return fmt.Errorf("%w: %w", ErrExists, refusal)
		}
	}
	return refusal
}

// refusalText returns status, code and message of an error response.
func refusalText(status int, body []byte) string {
	var response struct {
		Error struct{ Code, Message string }
	}
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if json.Unmarshal(body, &response) == nil && response.Error.Message != "" {
		text += fmt.Sprintf(", %s: %s", response.Error.Code, response.Error.Message)
	}
	return text
}

// members returns a row in the form of the Web API.
func (r *Remote) members(t *schema.Table, values map[string]schema.Value) (map[string]any, error) {
	members := make(map[string]any, len(values))
	for name, v := range values {
		c := t.Column(name)
		if c == nil {
			return nil, fmt.Errorf("%s has no column %q", t.Name, name)
		}
		if c.Type == schema.LookupTo {
			nav, reference, err := r.reference(c, v)
			if err != nil {
				return nil, err
			}
			members[nav+"@odata.bind"] = reference
			continue
		}
		members[name] = scalar(c, v)
	}
	return members, nil
}

// scalar returns the value of a column other than a lookup as encoding/json
// writes it.
func scalar(c *schema.Column, v schema.Value) any {
	switch v.Kind() {
	case schema.KindNull:
		return nil
	case schema.KindBool:
		b, _ := v.Bool()
		return b
	case schema.KindInt, schema.KindDec, schema.KindFloat:
		return json.Number(v.String())
	case schema.KindText, schema.KindTime, schema.KindRef:
		return c.Text(v)
	}
	return nil
}

// reference returns the navigation property that binds a lookup, and the path of
// the row that it points at, nil for none.
func (r *Remote) reference(c *schema.Column, v schema.Value) (nav string, path any, err error) {
	if v.IsNull() {
		return c.Targets[0].Nav, nil, nil
	}
	to, _ := v.Ref()
	table := r.tables.Table(to.Table)
	for _, target := range c.Targets {
		if table != nil && table.Set != "" && target.Table == to.Table {
			return target.Nav, fmt.Sprintf("/%s(%s)", table.Set, to.ID), nil
		}
	}
	return "", nil, fmt.Errorf("%s cannot point at %v", c.Name, v)
}
