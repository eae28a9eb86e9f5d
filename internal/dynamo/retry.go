package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"segue/internal/clock"
	"segue/internal/store"
	"segue/internal/tally"
)

// policy is how often and how fast a request is sent again. The SDK's retry
// loop runs it, because that loop repeats the serialized request as it was,
// the token of a transaction included.
type policy struct {
	attempts int
	backoff  clock.Backoff
	clock    clock.Clock
}

// maxWait is the longest wait between two attempts.
const maxWait = time.Second

// retryer returns the policy in the form of the SDK.
func (p policy) retryer() counted {
	return counted{retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = p.attempts
		o.RateLimiter = ratelimit.None
		o.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			return aws.BoolTernary(Transient(err))
		})}
		o.Backoff = retry.BackoffDelayerFunc(func(failed int, _ error) (time.Duration, error) {
			return p.backoff.Delay(failed), nil
		})
	})}
}

// counted is a retryer that counts the tries after the first.
type counted struct{ *retry.Standard }

// GetRetryToken is asked for before each of them.
func (c counted) GetRetryToken(ctx context.Context, failure error) (func(error) error, error) {
	tally.Add(ctx, tally.Retries, 1)
	return c.Standard.GetRetryToken(ctx, failure)
}

// attempts watches the tries of one request. A try that ended without a clear response
// may have been applied, and then the next one may find its own work: an insert, say,
// fails because the item is there. unclear is true if that is possible. (A transaction
// needs no watching: its token makes a repetition safe.)
type attempts struct {
	counted
	unclear bool
}

// IsErrorRetryable is asked after every failed try.
func (a *attempts) IsErrorRetryable(err error) bool {
	again := a.Standard.IsErrorRetryable(err)
	a.unclear = a.unclear || again && !rejected(err)
	return again
}

// watch returns the attempts of one request, and the option that makes the request use
// them.
func (s *Store) watch() (*attempts, func(*dynamodb.Options)) {
	a := &attempts{counted: s.retryer}
	return a, func(o *dynamodb.Options) { o.Retryer = a }
}

// rejected reports whether err means that DynamoDB did nothing and the same request
// may succeed later.
func rejected(err error) bool {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		conflict := false // at least one operation has a reason
		for _, r := range canceled.CancellationReasons {
			code := aws.ToString(r.Code)
			if code != "None" && !transientCode(code) {
				return false
			}
			conflict = conflict || code != "None"
		}
		return conflict
	}
	var api smithy.APIError
	return errors.As(err, &api) && transientCode(api.ErrorCode())
}

// transientCode reports whether an error code, or the code of a cancellation reason,
// which is the same without "Exception", is one of those of rejected.
func transientCode(code string) bool {
	switch strings.TrimSuffix(code, "Exception") {
	case "TransactionConflict", "TransactionInProgress", "ReplicatedWriteConflict", "Throttling", "ThrottlingError",
		"ProvisionedThroughputExceeded", "RequestLimitExceeded", "LimitExceeded":
		return true
	}
	return false
}

// Transient reports whether the same request may succeed after err: a rejected one, a
// fault of the service, a response that cannot be read, or a network that lost the
// request or the response.
func Transient(err error) bool {
	if rejected(err) {
		return true
	}
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) || errors.Is(err, context.Canceled) {
		return false
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "InternalServerError" {
		return true
	}
	var unread *smithy.DeserializationError
	return errors.As(err, &unread) || errors.Is(err, io.ErrUnexpectedEOF) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool()
}

// failure turns an error of DynamoDB into one of the contract, except a failed
// condition, which only a Write can meet.
func failure(ctx context.Context, what string, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, ctx.Err())
	case Transient(err):
		return fmt.Errorf("%s: %w: %w", what, store.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// wait sleeps before the next try after so many that failed.
func (p policy) wait(ctx context.Context, failed int) error {
	return p.clock.Sleep(ctx, p.backoff.Delay(failed))
}
