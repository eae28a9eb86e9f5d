// Package queue is where work waits that is not done at once: messages that are
// handled at least once, in any order, some of them after a delay. On AWS it is
// SQS ([segue/internal/queue/sqs]), where Lambda takes the messages; in a
// process of its own, on a laptop and in tests, it is a [Local], whose workers
// take them.
//
// A message is small and says where to find what is to be done, which is in the
// store: so a message that comes twice, late or out of order does no harm, and
// one that is lost can be made again.
//
// Invariant: a message that was sent is handed over until a handler did not
// report it as failed, as long as the queue lives.
package queue

import (
	"context"
	"errors"
	"time"
)

// Limits of SQS that every queue keeps.
const (
	MaxBatch = 10               // messages that a handler is given at once
	MaxDelay = 15 * time.Minute // of a message
	MaxBody  = 256 << 10        // bytes of a message
)

// ErrUnavailable means that messages could not be sent at present: the queue is
// full or cannot be reached. The same call may succeed later. Some of the
// messages may have been sent.
var ErrUnavailable = errors.New("queue unavailable")

// Message is what a handler is given.
type Message struct{ Body string }

// Sender takes messages. It is safe for concurrent use.
type Sender interface {
	// Send sends messages, which are handed over when the delay is over, at the
	// earliest. Errors are [ErrUnavailable] (wrapped) or the context's own.
	Send(ctx context.Context, delay time.Duration, messages ...Message) error
}

// Handler handles up to [MaxBatch] messages and reports those that are to be
// handed over again later. It is called concurrently, and may be given any
// message again.
type Handler func(ctx context.Context, messages []Message) []Failure

// Failure is one message of a batch that could not be handled, and why.
type Failure struct {
	Index int // position in the batch
	Err   error
}
