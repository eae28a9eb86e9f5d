package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"segue/internal/clock"
)

// leeway is the difference allowed between the clocks of issuer and server.
const leeway = time.Minute

// Options are what a [Verifier] requires of a token besides its signature and times.
type Options struct {
	Issuer     string      // the "iss" it must have; "" means any
	Audience   string      // what must be in its "aud"; "" means anything
	RolesClaim string      // the claim with the roles; "" means DefaultRolesClaim
	Clock      clock.Clock // nil means clock.System
}

// Verifier checks tokens against a fixed key set. It may be used concurrently.
type Verifier struct {
	keys jwk.Set
	opts Options
}

// NewVerifier returns a Verifier for a JSON Web Key Set. Of a key pair only the public half is
// kept. A set with a symmetric key is refused: whoever can check with such a
// key can sign with it.
func NewVerifier(jwks []byte, opts Options) (*Verifier, error) {
	set, err := jwk.Parse(jwks, jwk.WithStrictKeySetParsing(false))
	if err != nil {
		return nil, fmt.Errorf("parse key set: %w", err)
	}
	keys := jwk.NewSet()
	for i := range set.Len() {
		key, _ := set.Key(i)
		if jwk.IsUnsupportedKey(key) {
			continue // RFC 7517 §5: ignore keys of kinds not known here
		}
		if key.KeyType() == jwa.OctetSeq() {
			return nil, fmt.Errorf("key set: key %d is symmetric, want public keys only", i)
		}
		public, err := key.PublicKey()
		if err != nil {
			return nil, fmt.Errorf("key set: public half of key %d: %w", i, err)
		}
		if err := keys.AddKey(public); err != nil {
			return nil, fmt.Errorf("key set: key %d: %w", i, err)
		}
	}
	if keys.Len() == 0 {
		return nil, errors.New("key set has no key that can check a signature")
	}
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	return &Verifier{keys, opts}, nil
}

// Verify makes a [Caller] of a token in compact form whose "kid" names a key of
// the set, whose signature is made with an algorithm of that key, and which is
// valid now. Errors are [ErrInvalid] or [ErrExpired]; an expired token whose
// signature is wrong is invalid.
func (v *Verifier) Verify(token string) (Caller, error) {
	if len(token) > MaxTokenBytes {
		return Caller{}, fmt.Errorf("%w: it has %d bytes, the limit is %d", ErrInvalid, len(token), MaxTokenBytes)
	}
	payload, err := jws.Verify([]byte(token), jws.WithCompact(),
		jws.WithKeySet(v.keys, jws.WithInferAlgorithmFromKey(true)))
	if err != nil {
		return Caller{}, fmt.Errorf("%w: it is not a JWT signed with a key of the configured set", ErrInvalid)
	}
	if err := refuseHeader(token); err != nil {
		return Caller{}, err
	}
	c, err := parseClaims(payload)
	if err != nil {
		return Caller{}, err
	}
	if err := c.refuseTimes(); err != nil {
		return Caller{}, err
	}
	if err := v.validate(payload); err != nil {
		return Caller{}, err
	}
	return c.caller(v.opts.RolesClaim)
}

// refuseHeader refuses a header that names no algorithm, or extensions that must be
// understood: none is here (RFC 7515, "alg" and "crit"). The signature was checked by the
// algorithms of the key.
func refuseHeader(token string) error {
	encoded, _, _ := strings.Cut(token, ".")
	var header map[string]any
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		return fmt.Errorf("%w: its header is not a JSON object", ErrInvalid)
	}
	if _, ok := header["alg"].(string); !ok {
		return fmt.Errorf("%w: its header has no \"alg\"", ErrInvalid)
	}
	if _, ok := header["crit"]; ok {
		return fmt.Errorf("%w: its header has \"crit\", and no extension is known here", ErrInvalid)
	}
	return nil
}

// validate checks the registered claims.
func (v *Verifier) validate(payload []byte) error {
	tok := jwt.New()
	if err := json.Unmarshal(payload, tok); err != nil {
		return fmt.Errorf("%w: its payload is not a set of claims", ErrInvalid)
	}
	checks := []jwt.ValidateOption{
		jwt.WithClock(v.opts.Clock),
		jwt.WithAcceptableSkew(leeway),
		jwt.WithRequiredClaim(jwt.ExpirationKey),
	}
	if v.opts.Issuer != "" {
		checks = append(checks, jwt.WithIssuer(v.opts.Issuer))
	}
	if v.opts.Audience != "" {
		checks = append(checks, jwt.WithAudience(v.opts.Audience))
	}
	err := jwt.Validate(tok, checks...)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.TokenExpiredError()):
		return ErrExpired
	case errors.Is(err, jwt.TokenNotYetValidError()), errors.Is(err, jwt.InvalidIssuedAtError()):
		return fmt.Errorf("%w: its \"nbf\" or \"iat\" is in the future", ErrInvalid)
	case errors.Is(err, jwt.MissingRequiredClaimError()):
		return fmt.Errorf("%w: it has no \"exp\" claim", ErrInvalid)
	case errors.Is(err, jwt.InvalidIssuerError()):
		return fmt.Errorf("%w: its \"iss\" is not the issuer that is trusted here", ErrInvalid)
	case errors.Is(err, jwt.InvalidAudienceError()):
		return fmt.Errorf("%w: its \"aud\" does not name this server", ErrInvalid)
	}
	return fmt.Errorf("%w: its claims are not valid", ErrInvalid)
}
