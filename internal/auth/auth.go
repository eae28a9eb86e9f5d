// Package auth tells who is calling: it makes a [Caller] of a bearer token that
// it verifies against a key set ([Verifier]), or of the claims of a token that
// the gateway has verified already ([FromClaims]). It also has the [Issuer] that
// a laptop uses in place of an identity provider.
//
// Invariant: a Caller is made only of claims under a signature that was checked,
// here or by the gateway. Claims that did not come out of such a token have no
// way in: the gateway's come from its event, never from a header a client can
// set, and without them and without a key set nobody is let in.
package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Caller is an authenticated user.
type Caller struct {
	ID    string // systemuserid: a GUID in lower case with hyphens, never the nil one
	Name  string // for people to read; never empty
	Roles []string
}

// Why a call has no Caller. Every error of this package that a client caused
// is one of these, with a text that may be shown to it; all are a 401.
var (
	// ErrNoIdentity means that the request carries no token, or that there is
	// nothing to check one with (code 0x80044302).
	ErrNoIdentity = errors.New("not authenticated")
	// ErrInvalid means that the token is not to be trusted (code 0x8004a100).
	ErrInvalid = errors.New("invalid token")
	// ErrExpired means that the token was good once (code 0x8005f101).
	ErrExpired = errors.New("token has expired")
)

// MaxTokenBytes is how long a token may be; a longer one is [ErrInvalid],
// unread.
const MaxTokenBytes = 16 << 10

// DefaultRolesClaim is the claim with a user's roles where none is configured.
// Either way Cognito's groups are taken where that claim is missing.
const DefaultRolesClaim = "roles"

// Authenticator finds the caller of a request. The zero value lets nobody in.
type Authenticator struct {
	// Claims returns the claims that the gateway verified for this request;
	// nil where there is no gateway.
	Claims func(context.Context) (map[string]string, bool)
	// Verifier checks tokens of requests without such claims; nil where no key
	// set is configured.
	Verifier *Verifier
	// RolesClaim names the gateway's claim with the roles; "" means
	// DefaultRolesClaim. Verifier has a setting of its own.
	RolesClaim string
}

// Authenticate returns the caller of the request with this context and this
// Authorization header. The gateway's claims go before the header.
func (a Authenticator) Authenticate(ctx context.Context, authorization string) (Caller, error) {
	if a.Claims != nil {
		if claims, ok := a.Claims(ctx); ok {
			return FromClaims(claims, authorization, a.RolesClaim)
		}
	}
	if a.Verifier == nil {
		return Caller{}, fmt.Errorf("%w: the server has neither a gateway's claims nor a key set to check tokens with", ErrNoIdentity)
	}
	token, ok := bearer(authorization)
	if !ok {
		return Caller{}, fmt.Errorf("%w: the Authorization header must be \"Bearer\" and a token", ErrNoIdentity)
	}
	return a.Verifier.Verify(token)
}

// bearer returns the token of an Authorization header.
func bearer(authorization string) (string, bool) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}
