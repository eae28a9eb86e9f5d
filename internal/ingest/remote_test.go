package ingest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"segue/internal/clock"
	"segue/internal/schema"
)

// pauses is a clock that does not wait and keeps what it would have waited.
type pauses struct {
	*clock.Manual
	list   []time.Duration
	during func(context.Context) error // called in each pause, if not nil
}

func (p *pauses) Sleep(ctx context.Context, d time.Duration) error {
	p.list = append(p.list, d)
	if p.during != nil {
		if err := p.during(ctx); err != nil {
			return err
		}
	}
	return p.Manual.Sleep(ctx, d)
}

// remote is a Remote that does not wait.
func remote(t *testing.T, base string) (*Remote, *pauses) {
	r, p := NewRemote(tables(t), base, "token", new(http.Transport)), &pauses{Manual: clock.NewManual(time.Time{})}
	r.Clock = p
	t.Cleanup(r.Client.CloseIdleConnections)
	return r, p
}

func TestRemoteSends(t *testing.T) {
	var method, path, auth, kind, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		method, path, auth, kind, body = r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(data)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	for name, test := range map[string]struct {
		table  string
		values values
		want   string
	}{
		"scalars": {"lead", values{
			"lastname": schema.Text(`Berg "& Co"`), "leadqualitycode": schema.Int(1), "donotemail": schema.Bool(true), "address1_latitude": schema.Float(48.25),
			"revenue": schema.Dec(decimal.RequireFromString("12345678901234.5678")), "firstname": schema.Null(),
			"estimatedclosedate": schema.Time(time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)), "schedulefollowup_qualify": schema.Time(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)),
		}, `{"address1_latitude":48.25,"donotemail":true,"estimatedclosedate":"2026-02-03","firstname":null,"lastname":"Berg \"\u0026 Co\"",` +
			`"leadqualitycode":1,"revenue":12345678901234.5678,"schedulefollowup_qualify":"2026-02-03T04:05:06Z"}`},
		"lookups": {"opportunity", values{
			"ownerid": schema.Ref(schema.Lookup{Table: "team", ID: rowID(2)}), "customerid": schema.Ref(schema.Lookup{Table: "contact", ID: rowID(3)}), "parentaccountid": schema.Null(),
		}, `{"customerid_contact@odata.bind":"/contacts(` + rowID(3) + `)","ownerid@odata.bind":"/teams(` + rowID(2) + `)","parentaccountid@odata.bind":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := remote(t, server.URL+"/")
			table := tables(t).Table(test.table)
			if err := r.Write(t.Context(), table, rowID(1), test.values); err != nil {
				t.Fatal(err)
			}
			want := []string{"PATCH", "/api/data/v9.2/" + table.Set + "(" + rowID(1) + ")", "Bearer token", "application/json", test.want}
			if d := cmp.Diff(want, []string{method, path, auth, kind, body}); d != "" {
				t.Errorf("request (-want +got):\n%s", d)
			}
		})
	}
}

// answers gives one answer after the other, the last for good, and counts.
func answers(t *testing.T, calls *atomic.Int32, list ...func(http.ResponseWriter)) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := int(calls.Add(1)) - 1
		list[min(n, len(list)-1)](w)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func status(code int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if code == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "7")
		}
		if code == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func TestRemoteAnswers(t *testing.T) {
	const refusal = `{"error":{"code":"0x80044331","message":"lead.lastname: length"}}`
	for name, test := range map[string]struct {
		answers []func(http.ResponseWriter)
		calls   int32
		want    string // error, "" for none
	}{
		"done":                {[]func(http.ResponseWriter){status(204, "")}, 1, ""},
		"busy, then done":     {[]func(http.ResponseWriter){status(503, ""), status(429, ""), status(502, "x"), status(204, "")}, 4, ""},
		"refused":             {[]func(http.ResponseWriter){status(400, refusal)}, 1, "400 Bad Request, 0x80044331: lead.lastname: length"},
		"busy, then refused":  {[]func(http.ResponseWriter){status(503, ""), status(412, refusal)}, 2, "412 Precondition Failed, 0x80044331: lead.lastname: length"},
		"refused in HTML":     {[]func(http.ResponseWriter){status(403, "<html>")}, 1, "403 Forbidden"},
		"failed":              {[]func(http.ResponseWriter){status(500, "")}, 1, "500 Internal Server Error"},
		"redirected, not got": {[]func(http.ResponseWriter){status(302, ""), status(200, "")}, 1, "302 Found"},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			r, waited := remote(t, answers(t, &calls, test.answers...))
			err := r.Write(t.Context(), tables(t).Table("lead"), rowID(1), values{"lastname": schema.Text("Berg")})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want || calls.Load() != test.calls || len(waited.list) != int(test.calls)-1 {
				t.Errorf("error %q after %d calls and %d pauses, want %q after %d calls", got, calls.Load(), len(waited.list), test.want, test.calls)
			}
			if errors.Is(err, ErrUnavailable) {
				t.Errorf("error %v is ErrUnavailable", err)
			}
		})
	}
}

func TestRemoteWaits(t *testing.T) {
	var calls atomic.Int32
	r, waited := remote(t, answers(t, &calls, status(429, "")))
	err := r.Write(t.Context(), tables(t).Table("lead"), rowID(1), nil)
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "429") {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	// 85 times the 7 s that the service asks for fit into ten minutes.
	if d := cmp.Diff(slices.Repeat([]time.Duration{7 * time.Second}, 85), waited.list); d != "" {
		t.Errorf("pauses (-want +got):\n%s", d)
	}
	r, waited = remote(t, answers(t, &calls, status(503, "")))
	r.Patience = 10 * time.Second
	if err := r.Write(t.Context(), tables(t).Table("lead"), rowID(1), nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	total := time.Duration(0)
	for _, d := range waited.list {
		total += d
	}
	if total > r.Patience || waited.list[0] > r.backoff.Base || len(waited.list) > 20 {
		t.Errorf("pauses %v, want growing ones of at most %v together", waited.list, r.Patience)
	}
}

// A server that restarts in the middle loses no line.
func TestRemoteOutlivesARestart(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	var server *http.Server
	r, waited := remote(t, "http://"+address)
	waited.during = func(ctx context.Context) error { // the service comes up during the first pause
		if server != nil {
			return ctx.Err()
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return err
		}
		server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.WriteHeader(http.StatusNoContent)
		})}
		go func() { _ = server.Serve(listener) }()
		return nil
	}
	file := "lastname\nBerg\nFalk\nLind\n"
	report, err := CSV(t.Context(), r, tables(t).Table("lead"), strings.NewReader(file), Options{Workers: 1})
	if server != nil {
		defer func() { _ = server.Close() }() // the test is over
	}
	if err != nil || report.Written != 3 || calls.Load() == 0 {
		t.Errorf("report %+v, error %v, %d calls", report, err, calls.Load())
	}
}

func TestRemoteEnds(t *testing.T) {
	r, waited := remote(t, "http://127.0.0.1:1") // nobody listens there
	ctx, cancel := context.WithCancel(t.Context())
	waited.during = func(context.Context) error { cancel(); return nil }
	if err := r.Write(ctx, tables(t).Table("lead"), rowID(1), nil); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	for name, v := range map[string]schema.Lookup{"no such table": {Table: "planet", ID: rowID(1)}, "not a target": {Table: "task", ID: rowID(1)}} {
		if err := r.Write(t.Context(), tables(t).Table("lead"), rowID(1), values{"parentaccountid": schema.Ref(v)}); err == nil || !strings.Contains(err.Error(), "cannot point at") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
