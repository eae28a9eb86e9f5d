package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"segue/internal/clock"
)

// Limits of a [Throttle]: how many bad tokens an address may send at once and a second,
// and of how many addresses and good tokens it knows.
const (
	badAtOnce    = 30
	badASecond   = 1
	maxAddresses = 4096
	maxGood      = 1024
)

// ThrottledError means that an address has sent too many bad tokens. It is a 429.
type ThrottledError struct{ After time.Duration } // when the next one is looked at

// Error says when to come again.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many invalid tokens came from this address; try again in %v", e.After)
}

// Source finds the caller of a request; an [Authenticator] does.
type Source interface {
	Authenticate(ctx context.Context, authorization string) (Caller, error)
}

// Throttle bounds how many bad tokens an address may have checked, each of which costs
// a signature. A token that was good lately passes at any time, so that a broken client
// does not shut out others at its address. It may be used concurrently.
type Throttle struct {
	next    Source
	address func(context.Context) string
	clock   clock.Clock
	bad     *lru.Cache[string, *rate.Limiter] // by address, of those that sent any
	good    *lru.Cache[[sha256.Size]byte, struct{}]
}

// NewThrottle returns a Throttle before next. address tells where a request comes from,
// by its context.
func NewThrottle(next Source, address func(context.Context) string, c clock.Clock) (*Throttle, error) {
	bad, err := lru.New[string, *rate.Limiter](maxAddresses)
	if err != nil {
		return nil, fmt.Errorf("keep addresses: %w", err)
	}
	good, err := lru.New[[sha256.Size]byte, struct{}](maxGood)
	if err != nil {
		return nil, fmt.Errorf("keep tokens: %w", err)
	}
	return &Throttle{next: next, address: address, clock: c, bad: bad, good: good}, nil
}

// Authenticate is [Authenticator.Authenticate], or a [*ThrottledError].
func (t *Throttle) Authenticate(ctx context.Context, authorization string) (Caller, error) {
	token, address, now := sha256.Sum256([]byte(authorization)), t.address(ctx), t.clock.Now()
	limiter, known := t.bad.Get(address)
	if known && !t.good.Contains(token) {
		if missing := 1 - limiter.TokensAt(now); missing > 0 {
			return Caller{}, &ThrottledError{After: time.Duration(missing / badASecond * float64(time.Second))}
		}
	}
	caller, err := t.next.Authenticate(ctx, authorization)
	switch {
	case err == nil:
		t.good.Add(token, struct{}{})
	case errors.Is(err, ErrInvalid), errors.Is(err, ErrExpired):
		t.good.Remove(token)
		if !known {
			limiter = rate.NewLimiter(badASecond, badAtOnce)
			if there, ok, _ := t.bad.PeekOrAdd(address, limiter); ok {
				limiter = there
			}
		}
		limiter.AllowN(now, 1)
	}
	return caller, err
}
