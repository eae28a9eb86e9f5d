package auth_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"pgregory.net/rapid"
)

// taken reports whether the library takes a token, by the same requirements.
func taken(keys jwk.Set, token string) bool {
	payload, err := jws.Verify([]byte(token), jws.WithCompact(), jws.WithKeySet(keys, jws.WithInferAlgorithmFromKey(true)))
	if err != nil {
		return false
	}
	claims := jwt.New()
	if err := json.Unmarshal(payload, claims); err != nil {
		return false
	}
	return jwt.Validate(claims, jwt.WithClock(still()), jwt.WithAcceptableSkew(time.Minute), jwt.WithRequiredClaim(jwt.ExpirationKey),
		jwt.WithIssuer(trusted.Issuer), jwt.WithAudience(trusted.Audience)) == nil
}

// TestVerifyAgreesWithLibrary compares the verifier with a library: on tokens whose
// claims are varied, which are signed with the key of the set, one like it, or one that
// is not in it, and of which a piece may be lost.
func TestVerifyAgreesWithLibrary(t *testing.T) {
	known, like, stranger := newSigner(t, jwa.ES256(), "k"), newSigner(t, jwa.ES256(), "k"), newSigner(t, jwa.ES256(), "other")
	text := jwks(t, known)
	v := newVerifier(t, text, trusted)
	keys, err := jwk.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	count := map[bool]int{}
	rapid.Check(t, func(r *rapid.T) {
		change := map[string]any{
			"iss": rapid.SampledFrom([]any{trusted.Issuer, trusted.Issuer, trusted.Issuer, "", trusted.Issuer + "/", nil}).Draw(r, "iss"),
			"aud": rapid.SampledFrom([]any{trusted.Audience, trusted.Audience, []string{"x", trusted.Audience}, []string{}, []string{"x"}, "", nil}).Draw(r, "aud"),
		}
		for _, name := range []string{"exp", "nbf", "iat"} {
			// No time is exactly at an edge, nor within the second there to which the library rounds.
			offset := rapid.SampledFrom([]time.Duration{-time.Hour, -62 * time.Second, -58 * time.Second, 0, 58 * time.Second, 62 * time.Second, time.Hour}).Draw(r, name)
			change[name] = now.Add(offset).Unix()
			if rapid.IntRange(0, 9).Draw(r, "without "+name) == 0 {
				change[name] = nil
			}
		}
		if rapid.Bool().Draw(r, "good claims") { // or one run in twenty has no token that is taken
			change = nil
		}
		by := rapid.SampledFrom([]signer{known, known, known, like, stranger}).Draw(r, "signer")
		token := by.sign(t, goodClaims(change))
		if rapid.IntRange(0, 4).Draw(r, "damaged") == 0 {
			at := rapid.IntRange(0, len(token)-2).Draw(r, "at")
			token = token[:at] + token[at+1:]
		}
		_, err := v.Verify(token)
		if want := taken(keys, token); (err == nil) != want {
			r.Fatalf("%s with %v: error %v; the library takes it: %v", token, change, err, want)
		}
		count[err == nil]++
	})
	if count[true] == 0 || count[false] == 0 {
		t.Errorf("tokens by whether they were taken: %v, want both", count)
	}
}
