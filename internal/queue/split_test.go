package queue_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/queue"
)

// Each handler is given its own messages, and what fails is told by its place in the whole.
func TestSplit(t *testing.T) {
	var got [2][]queue.Message
	part := func(i int) queue.Handler {
		return func(_ context.Context, messages []queue.Message) []queue.Failure {
			got[i] = messages
			return []queue.Failure{{Index: len(messages) - 1, Err: errors.New(messages[len(messages)-1].Body)}}
		}
	}
	split := queue.Split(func(m queue.Message) bool { return m.Body < "c" }, part(0), part(1))
	all := []queue.Message{{Body: "d"}, {Body: "a"}, {Body: "c"}, {Body: "b"}, {Body: "e"}}
	failures := split(t.Context(), all)
	if d := cmp.Diff([2][]queue.Message{{{Body: "a"}, {Body: "b"}}, {{Body: "d"}, {Body: "c"}, {Body: "e"}}}, got); d != "" {
		t.Errorf("given (-want +got):\n%s", d)
	}
	if len(failures) != 2 || failures[0].Index != 3 || failures[1].Index != 4 || failures[0].Err.Error() != "b" || failures[1].Err.Error() != "e" {
		t.Errorf("failures are %v", failures)
	}
	got = [2][]queue.Message{}
	if split(t.Context(), all[:1]); got[0] != nil {
		t.Error("a handler is called without messages")
	}
}
