package lambdaio

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"

	"segue/internal/queue"
)

// Queue returns a Lambda function that handles messages of SQS by h, for an event
// source mapping that reports batch item failures. Each message that h could not
// handle is logged once and reported: SQS hands it over again, and after too many
// times to the dead-letter queue. If h panics, every message counts as failed.
func Queue(h queue.Handler) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return func(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		ctx, end := working(ctx)
		defer end()
		response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		messages := make([]queue.Message, len(event.Records))
		for i, record := range event.Records {
			messages[i].Body = record.Body
		}
		for _, f := range handleAll(ctx, h, messages) {
			if f.Index < 0 || f.Index >= len(messages) {
				return response, fmt.Errorf("handler reports message %d of a batch of %d: %w", f.Index, len(messages), f.Err)
			}
			record := event.Records[f.Index]
			slog.WarnContext(ctx, "message not handled", "id", record.MessageId, "message", record.Body,
				"received", record.Attributes["ApproximateReceiveCount"], "reason", f.Err)
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
		}
		return response, nil
	}
}

// handleAll runs h; if it panics, the panic is logged and every message has failed.
func handleAll(ctx context.Context, h queue.Handler, messages []queue.Message) (failures []queue.Failure) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		slog.ErrorContext(ctx, "message handler panicked", "messages", len(messages), "panic", p, "stack", string(debug.Stack()))
		failures = make([]queue.Failure, len(messages))
		for i := range messages {
			failures[i] = queue.Failure{Index: i, Err: fmt.Errorf("the handler panicked: %v", p)}
		}
	}()
	return h(ctx, messages)
}
