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
)

// policy says how often and how fast a request is sent again. The SDK's retry
// loop runs it, because that loop repeats the serialised request as it was,
// the token of a transaction included.
type policy struct {
	attempts int
	backoff  clock.Backoff
	clock    clock.Clock
}

// maxWait is the longest wait between two attempts.
const maxWait = time.Second

func (p policy) retryer() *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = p.attempts
		o.RateLimiter = ratelimit.None
		o.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			return aws.BoolTernary(passing(err))
		})}
		o.Backoff = retry.BackoffDelayerFunc(func(failed int, _ error) (time.Duration, error) {
			return p.backoff.Delay(failed), nil
		})
	})
}

// attempts watches the tries at one request. A try that ended without a clear
// answer may have been applied, and then the next one may meet its own work:
// an insert, say, fails because the item is there. unclear says that this is
// possible. (A transaction needs no watch, its token makes a repetition safe.)
type attempts struct {
	*retry.Standard
	unclear bool
}

// IsErrorRetryable is asked after every failed try.
func (a *attempts) IsErrorRetryable(err error) bool {
	again := a.Standard.IsErrorRetryable(err)
	a.unclear = a.unclear || again && !rejected(err)
	return again
}

// watch makes the attempts of one request and the option that puts them in.
func (s *Store) watch() (*attempts, func(*dynamodb.Options)) {
	a := &attempts{Standard: s.retryer}
	return a, func(o *dynamodb.Options) { o.Retryer = a }
}

// rejected holds for an error with which DynamoDB says that it did nothing and
// that the same request may succeed later.
func rejected(err error) bool {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		some := false
		for _, r := range canceled.CancellationReasons {
			code := aws.ToString(r.Code)
			if code != "None" && !passingCode(code) {
				return false
			}
			some = some || code != "None"
		}
		return some
	}
	var api smithy.APIError
	return errors.As(err, &api) && passingCode(api.ErrorCode())
}

// passingCode knows error codes and the codes of cancellation reasons, which
// are the same less "Exception".
func passingCode(code string) bool {
	switch strings.TrimSuffix(code, "Exception") {
	case "TransactionConflict", "TransactionInProgress", "ReplicatedWriteConflict", "Throttling", "ThrottlingError",
		"ProvisionedThroughputExceeded", "RequestLimitExceeded", "LimitExceeded":
		return true
	}
	return false
}

// passing holds for every error after which the same request may succeed: what
// rejected says, a fault of the service, an answer that cannot be read, and a
// network that lost the request or the answer.
func passing(err error) bool {
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

// failure turns what DynamoDB says into the errors of the contract, but for
// failed conditions, which only a Write meets.
func failure(ctx context.Context, what string, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, ctx.Err())
	case passing(err):
		return fmt.Errorf("%s: %w: %w", what, store.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// wait sleeps before the try that follows so many failed ones.
func (p policy) wait(ctx context.Context, failed int) error {
	return p.clock.Sleep(ctx, p.backoff.Delay(failed))
}
