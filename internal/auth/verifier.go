package auth

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"segue/internal/clock"
)

// The "iss" and "aud" claims in tokens of a local issuer.
const (
	LocalIssuer   = "urn:segue:local"
	LocalAudience = "segue"
)

// algorithm is the only one by which tokens are signed: ECDSA on P-256 with SHA-256.
const algorithm = "ES256"

// leeway is the difference allowed between the clocks of issuer and server.
const leeway = time.Minute

// Options are what a [Verifier] requires of a token besides its signature and times.
type Options struct {
	Issuer     string      // the "iss" it must have; "" means any
	Audience   string      // what must be in its "aud"; "" means anything
	RolesClaim string      // the claim with the roles; "" means DefaultRolesClaim
	Clock      clock.Clock // nil means clock.System
}

// maxVerified is how many tokens a [Verifier] knows to be signed.
const maxVerified = 256

// Verifier checks tokens of a local issuer against its fixed key set. It needs the
// standard library alone, because every function links it, for `sam local`; tokens of
// other issuers are checked by the gateway. It may be used concurrently.
//
// A client sends one token with all of its requests, and to check the signature takes
// longer than most of them take otherwise. So the claims of a signed token are kept under
// its hash; whether they hold, now, is checked each time.
type Verifier struct {
	keys map[string]*ecdsa.PublicKey // by id
	opts Options

	mu     sync.Mutex
	signed map[[sha256.Size]byte]claims // not changed; all go when there are maxVerified
}

// NewVerifier returns a Verifier for a JSON Web Key Set. Of a key pair only the public half is
// kept, and keys that are not on P-256 or have no id are ignored. A set with a symmetric
// key is refused: whoever can check with such a key can sign with it.
func NewVerifier(jwks []byte, opts Options) (*Verifier, error) {
	keys, err := parseKeySet(jwks)
	if err != nil {
		return nil, err
	}
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	return &Verifier{keys: keys, opts: opts, signed: map[[sha256.Size]byte]claims{}}, nil
}

// Verify makes a [Caller] of a token in compact form whose "kid" names a key of
// the set, whose signature is made with ES256 and that key, and which is
// valid now. Errors are [ErrInvalid] or [ErrExpired]; an expired token whose
// signature is wrong is invalid.
func (v *Verifier) Verify(token string) (Caller, error) {
	if len(token) > MaxTokenBytes {
		return Caller{}, fmt.Errorf("%w: it has %d bytes; the limit is %d", ErrInvalid, len(token), MaxTokenBytes)
	}
	hash := sha256.Sum256([]byte(token))
	v.mu.Lock()
	c, known := v.signed[hash]
	v.mu.Unlock()
	if !known {
		payload, err := v.payload(token)
		if err != nil {
			return Caller{}, err
		}
		if c, err = parseClaims(payload); err != nil {
			return Caller{}, err
		}
		v.remember(hash, c)
	}
	if err := v.validate(c); err != nil {
		return Caller{}, err
	}
	return c.caller(v.opts.RolesClaim)
}

// remember keeps the claims of a signed token.
func (v *Verifier) remember(hash [sha256.Size]byte, c claims) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.signed) >= maxVerified {
		clear(v.signed)
	}
	v.signed[hash] = c
}

// payload returns the payload of a token whose signature is right. No algorithm is
// chosen by the token: its header must name the one there is.
func (v *Verifier) payload(token string) ([]byte, error) {
	unsigned := fmt.Errorf("%w: it is not a JWT signed with a key of the configured set", ErrInvalid)
	parts := strings.Split(token, ".")
	if len(parts) != 3 || strings.ContainsAny(token, "\r\n") { // which the decoder skips
		return nil, unsigned
	}
	header, err := decodeHeader(parts[0])
	if err != nil {
		return nil, err
	}
	id, _ := header["kid"].(string)
	key := v.keys[id]
	signature, err := decodePart(parts[2])
	if err != nil || header["alg"] != algorithm || key == nil || len(signature) != 2*coordinate {
		return nil, unsigned
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:coordinate]), new(big.Int).SetBytes(signature[coordinate:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		return nil, unsigned
	}
	payload, err := decodePart(parts[1])
	if err != nil {
		return nil, fmt.Errorf("%w: its payload is not base64url", ErrInvalid)
	}
	return payload, nil
}

// decodePart decodes one of the three parts of a token. Bits of its last character that
// mean nothing must be zero (RFC 4648 §3.5), so that a token has one spelling.
func decodePart(encoded string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(encoded)
}

// decodeHeader returns a header whose signature is not checked yet. One with extensions
// that must be understood is refused: none is here (RFC 7515 §4.1.11).
func decodeHeader(encoded string) (map[string]any, error) {
	var header map[string]any
	text, err := decodePart(encoded)
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its header is not a JSON object", ErrInvalid)
	}
	if _, ok := header["crit"]; ok {
		return nil, fmt.Errorf("%w: its header has \"crit\", and no extension is known here", ErrInvalid)
	}
	return header, nil
}

// validate checks the registered claims. What is wrong for good is said before what time
// has made wrong.
func (v *Verifier) validate(c claims) error {
	if v.opts.Issuer != "" && c.text("iss") != v.opts.Issuer {
		return fmt.Errorf("%w: its \"iss\" is not the issuer that is trusted here", ErrInvalid)
	}
	if v.opts.Audience != "" && !slices.Contains(c.audience(), v.opts.Audience) {
		return fmt.Errorf("%w: its \"aud\" does not name this server", ErrInvalid)
	}
	now := v.opts.Clock.Now()
	for _, name := range []string{"nbf", "iat"} {
		from, there, err := c.time(name)
		if err != nil {
			return err
		}
		if there && from.After(now.Add(leeway)) {
			return fmt.Errorf("%w: its %q is in the future", ErrInvalid, name)
		}
	}
	until, there, err := c.time("exp")
	switch {
	case err != nil:
		return err
	case !there:
		return fmt.Errorf("%w: it has no \"exp\" claim", ErrInvalid)
	case !now.Before(until.Add(leeway)):
		return ErrExpired
	}
	return nil
}
