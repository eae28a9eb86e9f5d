package api_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"segue/internal/api"
	"segue/internal/probe"
	"segue/internal/protect"
	"segue/internal/schema/name"
)

// limited has the API bound its users from now on.
func (w *world) limited(g *protect.Guard) {
	w.t.Helper()
	w.config.Limits = g
	server := httptest.NewServer(api.New(w.config).Mux())
	w.t.Cleanup(server.Close)
	w.addr = server.Listener.Addr().String()
}

// TestServiceLimits_webapi_15: what is beyond a limit is 429 with the code of the limit and
// the time to come again, and nothing is done.
func TestServiceLimits_webapi_15(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits protect.Limits
		use    func(w *world, g *protect.Guard)
		code   string
		after  int
	}{
		{"requests", protect.Limits{Requests: 2}, func(w *world, _ *protect.Guard) {
			w.expect(http.StatusOK, "GET ~/WhoAmI")
			w.now.Advance(10 * time.Second)
			w.expect(http.StatusNotFound, "GET ~/nothing") // what is refused for another reason counts
		}, "0x80072322", 290},
		{"execution", protect.Limits{Execution: time.Minute}, func(w *world, g *protect.Guard) {
			visit, err := g.Enter(w.t.Context(), name.UserID(userID))
			if err != nil {
				w.t.Fatal(err)
			}
			w.now.Advance(time.Minute)
			visit.Leave(w.t.Context())
		}, "0x80072321", 300},
		{"at once", protect.Limits{Concurrent: 1}, func(w *world, g *protect.Guard) {
			if _, err := g.Enter(w.t.Context(), name.UserID(userID)); err != nil {
				w.t.Fatal(err)
			}
		}, "0x80072326", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			g := protect.New(test.limits, nil, w.now)
			w.limited(g)
			test.use(w, g)
			w.probe.Reset()
			a := w.send("POST ~/leads\n\n" + `{"lastname":"L"}`)
			if a.status != http.StatusTooManyRequests || a.code() != test.code || a.header.Get("Retry-After") != strconv.Itoa(test.after) {
				t.Errorf("%v; want code %s and another try in %d s", a, test.code, test.after)
			}
			if n := w.probe.Counts(); n != (probe.Counts{}) {
				t.Errorf("a refused request asks the store: %+v", n)
			}
			w.now.Advance(time.Duration(test.after) * time.Second)
			if test.limits.Concurrent == 0 {
				w.expect(http.StatusNoContent, "POST ~/leads\n\n"+`{"lastname":"L"}`)
			}
			if a := w.send("GET ~/WhoAmI\nAs: nobody"); a.status != http.StatusUnauthorized {
				t.Errorf("without a token: %v", a)
			}
		})
	}
}

// TestServiceLimitsOfBatches_webapi_15: a batch counts, and so does each of its requests.
func TestServiceLimitsOfBatches_webapi_15(t *testing.T) {
	w := newWorld(t)
	w.limited(protect.New(protect.Limits{Requests: 4}, nil, w.now))
	list := "GET leads?$top=1&$select=subject"
	a := w.batch("Prefer: odata.continue-on-error", plain(list, list, list, list))
	w.expectParts(a, http.StatusOK, "200", "200", "200", "429 0x80072322")
	w.now.Advance(protect.Window)
	a = w.batch("", plain(list, list, list, list))
	w.expectParts(a, http.StatusTooManyRequests, "200", "200", "200", "429 0x80072322")
	if after := a.header.Get("Retry-After"); after != "300" {
		t.Errorf("Retry-After of the batch is %q", after)
	}
	w.now.Advance(protect.Window)
	before := w.dump()
	create := "POST leads\n\n" + `{"lastname":"L"}`
	w.expectParts(w.batch("", set(create, create, create, create)), http.StatusTooManyRequests, "set 429 #4 0x80072322")
	if after := w.dump(); len(after) != len(before) {
		t.Errorf("a change set of which one is refused left %d items", len(after)-len(before))
	}
}

// TestServiceLimitsCost counts what the limits add to what requests ask of the store, where
// several processes share their counts: one count and one read of every 80 requests.
func TestServiceLimitsCost(t *testing.T) {
	w := newWorld(t)
	w.expect(http.StatusOK, "GET ~/WhoAmI") // the caller is known
	w.limited(protect.New(protect.Default(), w.parts.DB, w.now))
	w.probe.Reset()
	const requests = 160
	for range requests {
		w.expect(http.StatusOK, "GET ~/leads("+leadID+")?$select=subject")
	}
	n := w.probe.Counts()
	if n.Gets != requests+requests/80 || n.Transactions != requests/80 || n.Writes+n.Queries > 0 || n.Ops != n.Transactions {
		t.Errorf("%d requests of one row: %+v, want %d reads, and %d counts and reads of counts", requests, n, requests, requests/80)
	}
}
