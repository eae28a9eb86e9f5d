// Package auth finds out who is calling. It makes a [Caller] from a bearer token that it
// verifies against a key set ([Verifier]), or from the claims of a token that the
// gateway has verified already ([FromClaims]). The issuer that a laptop uses in place of
// an identity provider is [segue/internal/auth/issuer].
//
// Invariant: a Caller is made only from claims whose signature was checked, here or by
// the gateway. The gateway's claims come from its event, never from a header that a
// client can set. Without them and without a key set, nobody is authenticated.
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
	Login string // what the user signs in with, such as a mail address; "" if the token does not say
	Roles []string
}

// The reasons why a request has no Caller. Every error of this package that a client
// caused wraps one of these and has a text that may be shown to the client; all are a
// 401.
var (
	// ErrNoIdentity means that the request carries no token, or that there is
	// nothing to check one with (code 0x80044302).
	ErrNoIdentity = errors.New("not authenticated")
	// ErrInvalid means that the token cannot be trusted (code 0x8004a100).
	ErrInvalid = errors.New("invalid token")
	// ErrExpired means that the token was valid once (code 0x8005f101).
	ErrExpired = errors.New("token has expired")
)

// MaxTokenBytes is the largest size of a token; a longer one is [ErrInvalid] and is not
// read.
const MaxTokenBytes = 16 << 10

// DefaultRolesClaim is the claim with a user's roles if none is configured. If a token
// lacks the claim, Cognito's groups are the roles.
const DefaultRolesClaim = "roles"

// Authenticator finds the caller of a request. The zero value authenticates nobody.
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
// Authorization header. The gateway's claims take precedence over the header.
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
