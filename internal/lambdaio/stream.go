package lambdaio

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"segue/internal/store"
)

// Stream returns a Lambda function that processes batches by h, for an event source
// mapping that reports batch item failures. decode reads the whole event, usually a store's own
// decoder; its error fails the batch as a whole, which the mapping retries and
// in the end sets aside. Each change that h could not process is logged once and
// reported, in the order of the batch: the mapping goes on from the first of them, so
// later changes of the batch are delivered again. If h panics, every change of the batch
// counts as failed.
func Stream(decode func(json.RawMessage) ([]store.Change, error), h store.Handler) lambda.Handler {
	return stream{decode, h}
}

type stream struct {
	decode func(json.RawMessage) ([]store.Change, error)
	handle store.Handler
}

// Invoke implements [lambda.Handler]. It takes the payload as it comes: to a function of
// a [json.RawMessage] Lambda's library would hand a copy that it had gone through.
func (s stream) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	batch, err := s.decode(payload)
	if err != nil {
		return nil, fmt.Errorf("decode stream event: %w", err)
	}
	ctx, end := working(ctx) // what is not done by then is reported, not lost
	defer end()
	failed, err := process(ctx, s.handle, batch)
	if err != nil {
		return nil, fmt.Errorf("process stream batch: %w", err)
	}
	response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	for _, i := range failed {
		response.BatchItemFailures = append(response.BatchItemFailures,
			events.DynamoDBBatchItemFailure{ItemIdentifier: batch[i].Sequence})
	}
	return json.Marshal(response)
}

// process runs h and returns the positions of the failed changes, each once and
// in order.
func process(ctx context.Context, h store.Handler, batch []store.Change) ([]int, error) {
	failures, done := run(ctx, h, batch)
	if !done {
		all := make([]int, len(batch))
		for i := range all {
			all[i] = i
		}
		return all, nil
	}
	slices.SortStableFunc(failures, func(a, b store.Failure) int { return cmp.Compare(a.Index, b.Index) })
	var failed []int
	for _, f := range failures {
		if f.Index < 0 || f.Index >= len(batch) {
			return nil, fmt.Errorf("handler reports change %d of a batch of %d: %w", f.Index, len(batch), f.Err)
		}
		c := batch[f.Index]
		slog.ErrorContext(ctx, "change not processed",
			"pk", c.Key.PK, "sk", c.Key.SK, "sequence", c.Sequence, "reason", f.Err)
		failed = append(failed, f.Index)
	}
	return slices.Compact(failed), nil
}

// run reports in done whether h returned; if it panicked, the panic is logged.
func run(ctx context.Context, h store.Handler, batch []store.Change) (failures []store.Failure, done bool) {
	defer func() {
		if done {
			return
		}
		slog.ErrorContext(ctx, "change handler panicked", "changes", len(batch),
			"panic", recover(), "stack", string(debug.Stack()))
	}()
	return h(ctx, batch), true
}
