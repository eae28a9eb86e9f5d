package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"segue/internal/api"
	"segue/internal/lambdaio"
	"segue/internal/probe"
	"segue/internal/sales"
)

// Whatever a request waits for when the store stops responding, it is answered with 503
// and when to try again, in the form of the Web API, and nothing counts as an error of
// the program.
func TestHangingStore(t *testing.T) {
	for _, function := range []string{"connect", "disconnect", "action", "data"} {
		t.Run(function, func(t *testing.T) {
			text, err := os.ReadFile("../../events/" + function + ".json")
			if err != nil {
				t.Fatal(err)
			}
			hung := 0
			for n := 0; ; n++ { // the store stops at its first call, its second, …
				w := newWorld(t)
				token, err := w.issuer.Issue(userID, "Tester", []string{sales.SystemAdministrator}, time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				var event events.APIGatewayV2HTTPRequest
				if err := json.Unmarshal(text, &event); err != nil {
					t.Fatal(err)
				}
				event.Headers["authorization"] = "Bearer " + token
				calls, hangs := 0, false
				w.probe.Inject(func(probe.Call) probe.Fault {
					calls++
					if calls <= n {
						return probe.None
					}
					hangs = true
					return probe.Hang
				})
				ctx, end := context.WithTimeout(t.Context(), 2050*time.Millisecond) // of which the handler has 50 ms
				response, err := lambdaio.HTTP(handlerOf(function)(w.api), api.Gateway{})(ctx, event)
				end()
				if err != nil {
					t.Fatal(err)
				}
				if !hangs { // every call has hung once
					break
				}
				hung++
				refused := response.StatusCode == http.StatusServiceUnavailable && response.Headers["Retry-After"] == "1" &&
					strings.HasPrefix(response.Body, `{"error":{"code":"0x8006088a","message":`)
				// A selection says of each record what became of it.
				failed := strings.HasSuffix(function, "connect") && response.StatusCode == http.StatusOK &&
					strings.Contains(response.Body, `"Status":"failed"`) &&
					strings.Contains(response.Body, `"Error":{"code":"0x8006088a"`)
				if !refused && !failed || w.log.Len() > 0 {
					t.Fatalf("hanging at call %d: %d %v %s; logged %s", n, response.StatusCode, response.Headers, response.Body, w.log)
				}
			}
			if hung == 0 {
				t.Error("no call hung")
			}
		})
	}
}

// Where a gateway keeps a line of each request, only slow ones are logged.
func TestSlowRequests(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		slow time.Duration
		took time.Duration
		want []string
	}{
		{0, 0, []string{"INFO request"}},
		{time.Second, 999 * time.Millisecond, nil},
		{time.Second, time.Second, []string{"WARN slow request"}},
	} {
		var out bytes.Buffer
		config := w.config
		config.Slow, config.Log = test.slow, slog.New(slog.NewJSONHandler(&out, nil))
		config.Clock = &takes{w.config.Clock.Now(), test.took}
		response, err := lambdaio.HTTP(api.New(config).Data(), api.Gateway{})(t.Context(), events.APIGatewayV2HTTPRequest{RawPath: "/api/data/v9.2/WhoAmI"})
		if err != nil || response.StatusCode != http.StatusUnauthorized {
			t.Fatal(response, err)
		}
		var lines []string
		for line := range strings.Lines(out.String()) {
			var said struct {
				Level, Msg string
				Ms         int64
			}
			if err := json.Unmarshal([]byte(line), &said); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, said.Level+" "+said.Msg)
			if said.Ms != test.took.Milliseconds() {
				t.Errorf("%s: %d ms, want %v", line, said.Ms, test.took)
			}
		}
		if !slices.Equal(lines, test.want) {
			t.Errorf("slow is %v, took %v: %v, want %v", test.slow, test.took, lines, test.want)
		}
	}
}

// takes is a clock that goes on by so much each time that it is looked at.
type takes struct {
	now  time.Time
	step time.Duration
}

func (c *takes) Now() time.Time {
	now := c.now
	c.now = now.Add(c.step)
	return now
}

func (*takes) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
