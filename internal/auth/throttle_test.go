package auth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"

	"segue/internal/auth"
	"segue/internal/clock"
)

// from is the address of a request in its context.
type from struct{}

func at(t *testing.T, address string) context.Context {
	t.Helper()
	return context.WithValue(t.Context(), from{}, address)
}

func TestThrottle(t *testing.T) {
	s, c := newSigner(t, jwa.ES256(), "k"), clock.NewManual(now)
	verifier, err := auth.NewVerifier(jwks(t, s), auth.Options{Issuer: trusted.Issuer, Audience: trusted.Audience, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	throttle, err := auth.NewThrottle(auth.Authenticator{Verifier: verifier}, func(ctx context.Context) string {
		address, _ := ctx.Value(from{}).(string)
		return address
	}, c)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(address, token string, want error) {
		t.Helper()
		caller, err := throttle.Authenticate(at(t, address), token)
		if !errors.Is(err, want) || (err == nil) != (caller.ID == userID) {
			t.Fatalf("%s with %.20s: %+v, %v; want %v", address, token, caller, err, want)
		}
	}
	throttled := func(address, token string, after time.Duration) {
		t.Helper()
		_, err := throttle.Authenticate(at(t, address), token)
		if limit, ok := errors.AsType[*auth.ThrottledError](err); !ok || limit.After != after {
			t.Fatalf("%s with %.20s: %v, want to come again after %v", address, token, err, after)
		}
	}
	good, other := "Bearer "+s.sign(t, goodClaims(nil)), "Bearer "+s.sign(t, goodClaims(map[string]any{"name": "Bob"}))
	expired := "Bearer " + s.sign(t, goodClaims(map[string]any{"exp": 1}))
	ask("a", good, nil)
	for range 100 { // which costs nothing
		ask("a", "", auth.ErrNoIdentity)
	}
	for i := range 29 {
		ask("a", fmt.Sprintf("Bearer x.y.%d", i), auth.ErrInvalid)
	}
	ask("a", expired, auth.ErrExpired)
	throttled("a", "Bearer x.y.z", time.Second)
	throttled("a", expired, time.Second)
	ask("a", good, nil) // known
	throttled("a", other, time.Second)
	ask("b", other, nil) // another address, and known from now on
	ask("a", other, nil)

	c.Advance(500 * time.Millisecond)
	throttled("a", "Bearer x.y.z", 500*time.Millisecond)
	c.Advance(500 * time.Millisecond)
	ask("a", "Bearer x.y.z", auth.ErrInvalid)
	throttled("a", "Bearer x.y.z", time.Second)

	c.Advance(2 * time.Hour) // what was good has expired
	ask("a", good, auth.ErrExpired)
	for range 29 {
		ask("a", good, auth.ErrExpired)
	}
	throttled("a", good, time.Second)
}

// Whoever comes from many addresses is forgotten, not kept.
func TestThrottleIsBounded(t *testing.T) {
	s := newSigner(t, jwa.ES256(), "k")
	address := ""
	throttle, err := auth.NewThrottle(auth.Authenticator{Verifier: newVerifier(t, jwks(t, s), trusted)}, func(context.Context) string { return address }, still())
	if err != nil {
		t.Fatal(err)
	}
	bad := func() error {
		_, err := throttle.Authenticate(t.Context(), "Bearer x.y.z")
		return err
	}
	for range 31 {
		err = bad()
	}
	if _, ok := errors.AsType[*auth.ThrottledError](err); !ok {
		t.Fatalf("the first address is not limited: %v", err)
	}
	for i := range 5000 {
		address = fmt.Sprint(i)
		if err := bad(); !errors.Is(err, auth.ErrInvalid) {
			t.Fatal(err)
		}
	}
	if address = ""; !errors.Is(bad(), auth.ErrInvalid) {
		t.Error("5000 addresses later the first is still known")
	}
}
