package lambdaio_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"segue/internal/api"
	"segue/internal/lambdaio"
	"segue/internal/queue"
	"segue/internal/store"
)

// lifetime is what template.yaml gives a function that serves HTTP; the gateway waits
// five seconds longer.
const lifetime = 25 * time.Second

// invocation is the context of a call of a function, in the time of the bubble.
func invocation(t *testing.T) (context.Context, time.Time) {
	began := time.Now()
	ctx, end := context.WithDeadline(t.Context(), began.Add(lifetime))
	t.Cleanup(end)
	return ctx, began
}

// A request that cannot be served is answered in the form of the Web API before Lambda
// ends the function.
func TestHTTPRespondsBeforeItsDeadline(t *testing.T) {
	told, release := errors.New("no context ended"), make(chan struct{})
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		after   time.Duration
		status  int
	}{
		{"at once", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, 0, http.StatusNoContent},
		{"told that its time is up", func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			told = r.Context().Err()
			api.Gateway{}.Late(w)
		}, 23 * time.Second, http.StatusServiceUnavailable},
		{"deaf", func(http.ResponseWriter, *http.Request) { <-release }, 24 * time.Second, http.StatusServiceUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release = make(chan struct{}) // of this bubble
				defer func() { close(release); synctest.Wait() }()
				ctx, began := invocation(t)
				response, err := lambdaio.HTTP(test.handler, api.Gateway{})(ctx, events.APIGatewayV2HTTPRequest{})
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != test.after || response.StatusCode != test.status {
					t.Errorf("status %d after %v, want %d after %v", response.StatusCode, took, test.status, test.after)
				}
				if test.status == http.StatusServiceUnavailable && (response.Headers["Retry-After"] != "1" ||
					response.Body != `{"error":{"code":"0x8006088a","message":"The request could not be finished in time; try again."}}`) {
					t.Errorf("refused with %v %s", response.Headers, response.Body)
				}
			})
		})
	}
	if !errors.Is(told, context.DeadlineExceeded) {
		t.Errorf("the handler was told %v", told)
	}
}

// What a batch could not do in time is reported, so that it comes again, and is not lost
// with the function.
func TestStreamReportsBeforeItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, began := invocation(t)
		hang := func(ctx context.Context, _ []store.Change) []store.Failure {
			<-ctx.Done()
			return []store.Failure{{Index: 1, Err: ctx.Err()}}
		}
		response, err := lambdaio.Stream(decodeStream, hang).Invoke(ctx, []byte(streamJSON))
		if err != nil {
			t.Fatal(err)
		}
		const want = `{"batchItemFailures":[{"itemIdentifier":"222"}]}`
		if diff := cmp.Diff(want, string(response)); diff != "" || time.Since(began) != 23*time.Second {
			t.Errorf("after %v (-want +got):\n%s", time.Since(began), diff)
		}
	})
}

func TestQueueReportsBeforeItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, began := invocation(t)
		hang := func(ctx context.Context, _ []queue.Message) []queue.Failure {
			<-ctx.Done()
			return []queue.Failure{{Index: 0, Err: ctx.Err()}}
		}
		response, err := lambdaio.Queue(hang)(ctx, events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m"}}})
		if err != nil {
			t.Fatal(err)
		}
		if len(response.BatchItemFailures) != 1 || time.Since(began) != 23*time.Second {
			t.Errorf("%v after %v", response.BatchItemFailures, time.Since(began))
		}
	})
}

func TestInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, began := invocation(t)
		got, err := lambdaio.InTime(func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "early", nil
		})(ctx)
		if got != "early" || err != nil || time.Since(began) != 23*time.Second {
			t.Errorf("%q, %v after %v", got, err, time.Since(began))
		}
	})
}
