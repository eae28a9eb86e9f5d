package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"

	"segue/internal/auth"
)

func TestAuthenticate(t *testing.T) {
	s := newSigner(t, jwa.ES256(), "k")
	v := newVerifier(t, jwks(t, s), trusted)
	gateway := func(claims map[string]string) func(context.Context) (map[string]string, bool) {
		return func(context.Context) (map[string]string, bool) { return claims, claims != nil }
	}
	const other = "00000000-0000-4000-8000-000000000001"
	verified := gateway(map[string]string{"sub": other, "name": "Grace", "roles": "[Salesperson]"})
	good := "Bearer " + s.sign(t, goodClaims(nil))
	expired := "Bearer " + s.sign(t, goodClaims(map[string]any{"exp": 1}))

	ada := auth.Caller{ID: userID, Name: "Ada", Roles: []string{"Sales Manager", "Salesperson"}}
	grace := auth.Caller{ID: other, Name: "Grace", Roles: []string{"Salesperson"}}
	tests := []struct {
		name   string
		a      auth.Authenticator
		header string
		want   auth.Caller
		err    error
	}{
		{"nothing configured, no token", auth.Authenticator{}, "", auth.Caller{}, auth.ErrNoIdentity},
		{"nothing configured, good token", auth.Authenticator{}, good, auth.Caller{}, auth.ErrNoIdentity},
		{"gateway without claims, no key set", auth.Authenticator{Claims: gateway(nil)}, good, auth.Caller{}, auth.ErrNoIdentity},
		{"claims", auth.Authenticator{Claims: verified}, "", grace, nil},
		{"claims before the token", auth.Authenticator{Claims: verified, Verifier: v}, good, grace, nil},
		{"no claims, good token", auth.Authenticator{Claims: gateway(nil), Verifier: v}, good, ada, nil},
		{"good token, scheme in lower case", auth.Authenticator{Verifier: v}, "bearer " + good[7:], ada, nil},
		{"no token", auth.Authenticator{Verifier: v}, "", auth.Caller{}, auth.ErrNoIdentity},
		{"scheme alone", auth.Authenticator{Verifier: v}, "Bearer ", auth.Caller{}, auth.ErrNoIdentity},
		{"another scheme", auth.Authenticator{Verifier: v}, "Basic dTpw", auth.Caller{}, auth.ErrNoIdentity},
		{"bad token", auth.Authenticator{Verifier: v}, "Bearer x", auth.Caller{}, auth.ErrInvalid},
		{"expired token", auth.Authenticator{Verifier: v}, expired, auth.Caller{}, auth.ErrExpired},
		{"claims without a user do not fall back", auth.Authenticator{Claims: gateway(map[string]string{}), Verifier: v}, good,
			auth.Caller{}, auth.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.a.Authenticate(context.Background(), tt.header)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error = %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifierIsSafeForConcurrentUse(t *testing.T) {
	s := newSigner(t, jwa.ES256(), "k")
	a := auth.Authenticator{Verifier: newVerifier(t, jwks(t, s), trusted)}
	header := "Bearer " + s.sign(t, goodClaims(nil))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if got, err := a.Authenticate(context.Background(), header); err != nil || got.ID != userID {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	wg.Wait()
}
