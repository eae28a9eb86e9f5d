package auth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"pgregory.net/rapid"

	"segue/internal/auth"
	"segue/internal/clock"
)

const userID = "7d1c2c1e-5f3a-4a59-9b8f-0d2b9f1c7a10"

// now is the time of every test.
var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// still is a clock that always shows that time.
func still() clock.Clock { return clock.NewManual(now) }

// signer is a key pair with its key id.
type signer struct {
	alg     jwa.SignatureAlgorithm
	private jwk.Key
}

func newSigner(t testing.TB, alg jwa.SignatureAlgorithm, kid string) signer {
	t.Helper()
	var raw any
	var err error
	switch alg {
	case jwa.ES256():
		raw, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jwa.RS256():
		raw, err = rsa.GenerateKey(rand.Reader, 2048)
	case jwa.EdDSA():
		_, raw, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.Import(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Set(jwk.KeyIDKey, kid); err != nil {
		t.Fatal(err)
	}
	return signer{alg, key}
}

func (s signer) sign(t testing.TB, payload any) string {
	t.Helper()
	data, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.Sign(data, jws.WithKey(s.alg, s.private))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

// jwks is the public key set of signers, without "alg", as Entra's is.
func jwks(t testing.TB, signers ...signer) []byte {
	t.Helper()
	set := jwk.NewSet()
	for _, s := range signers {
		public, err := s.private.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		if err := set.AddKey(public); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// goodClaims are valid; change sets a claim, or removes it when the value is nil.
func goodClaims(change map[string]any) map[string]any {
	c := map[string]any{
		"iss": "https://issuer.example", "aud": []string{"api://segue", "other"},
		"sub": "subject", "oid": userID, "name": "Ada", "roles": []string{"Sales Manager", "Salesperson"},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// segment is a part of a JWT made by hand.
func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func hs256(header, payload, secret string) string {
	signed := segment(header) + "." + segment(payload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func newVerifier(t *testing.T, keys []byte, opts auth.Options) *auth.Verifier {
	t.Helper()
	opts.Clock = still()
	v, err := auth.NewVerifier(keys, opts)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var trusted = auth.Options{Issuer: "https://issuer.example", Audience: "api://segue"}

func TestVerifyGoodToken(t *testing.T) {
	ec, rs, ed := newSigner(t, jwa.ES256(), "ec"), newSigner(t, jwa.RS256(), "rs"), newSigner(t, jwa.EdDSA(), "ed")
	v := newVerifier(t, jwks(t, rs, ec, ed), trusted)
	got, err := v.Verify(ec.sign(t, goodClaims(nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Caller{ID: userID, Name: "Ada", Roles: []string{"Sales Manager", "Salesperson"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	// Keys of other kinds may be in the set, and check nothing.
	for _, s := range []signer{rs, ed} {
		if got, err := v.Verify(s.sign(t, goodClaims(nil))); !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("a token of %s: %+v, %v; want ErrInvalid", s.alg, got, err)
		}
	}
}

func TestVerifyClaims(t *testing.T) {
	s := newSigner(t, jwa.ES256(), "k")
	v := newVerifier(t, jwks(t, s), trusted)
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	tests := []struct {
		name   string
		change map[string]any
		want   error
	}{
		{"expired within the leeway", map[string]any{"exp": at(-59 * time.Second)}, nil},
		{"expired", map[string]any{"exp": at(-61 * time.Second)}, auth.ErrExpired},
		{"no expiry", map[string]any{"exp": nil}, auth.ErrInvalid},
		{"expiry of a wrong type", map[string]any{"exp": "soon"}, auth.ErrInvalid},
		{"expiry as a text of digits", map[string]any{"exp": strconv.FormatInt(at(time.Hour), 10)}, auth.ErrInvalid},
		{"expiry as a date", map[string]any{"exp": now.Add(time.Hour).Format(time.RFC3339)}, auth.ErrInvalid},
		{"expiry in a list", map[string]any{"exp": []int64{at(time.Hour)}}, auth.ErrInvalid},
		{"expiry is null", map[string]any{"exp": json.RawMessage("null")}, auth.ErrInvalid},
		{"expiry with a fraction", map[string]any{"exp": json.RawMessage(strconv.FormatInt(at(time.Hour), 10) + ".5")}, nil},
		{"expiry in the year 10000", map[string]any{"exp": 253402300800}, auth.ErrInvalid},
		{"expiry beyond all times", map[string]any{"exp": json.RawMessage("1e400")}, auth.ErrInvalid},
		{"start as a text", map[string]any{"nbf": strconv.FormatInt(at(-time.Hour), 10)}, auth.ErrInvalid},
		{"start is true", map[string]any{"nbf": true}, auth.ErrInvalid},
		{"time of issue as a date", map[string]any{"iat": now.Format(time.RFC3339)}, auth.ErrInvalid},
		{"not yet valid within the leeway", map[string]any{"nbf": at(59 * time.Second)}, nil},
		{"not yet valid", map[string]any{"nbf": at(61 * time.Second)}, auth.ErrInvalid},
		{"issued in the future", map[string]any{"iat": at(61 * time.Second)}, auth.ErrInvalid},
		{"another issuer", map[string]any{"iss": "https://issuer.example.evil"}, auth.ErrInvalid},
		{"no issuer", map[string]any{"iss": nil}, auth.ErrInvalid},
		{"audience as a text", map[string]any{"aud": "api://segue"}, nil},
		{"another audience", map[string]any{"aud": []string{"other"}}, auth.ErrInvalid},
		{"no audience", map[string]any{"aud": nil}, auth.ErrInvalid},
		{"nobody", map[string]any{"oid": nil, "sub": nil}, auth.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := v.Verify(s.sign(t, goodClaims(tt.change)))
			if !errors.Is(err, tt.want) || (err != nil && got.ID != "") {
				t.Errorf("got %+v, %v; want error %v", got, err, tt.want)
			}
		})
	}
	t.Run("issuer and audience not configured", func(t *testing.T) {
		v := newVerifier(t, jwks(t, s), auth.Options{})
		if _, err := v.Verify(s.sign(t, goodClaims(map[string]any{"iss": "x", "aud": nil}))); err != nil {
			t.Error(err)
		}
	})
}

func TestVerifyRefusesForgeries(t *testing.T) {
	s, other := newSigner(t, jwa.ES256(), "k"), newSigner(t, jwa.ES256(), "k")
	stranger, rs := newSigner(t, jwa.ES256(), "unknown"), newSigner(t, jwa.RS256(), "rs")
	nokid := newSigner(t, jwa.ES256(), "k")
	if err := nokid.private.Remove(jwk.KeyIDKey); err != nil {
		t.Fatal(err)
	}
	keys := jwks(t, s, rs)
	v := newVerifier(t, keys, trusted)
	good := s.sign(t, goodClaims(nil))
	if _, err := v.Verify(good); err != nil {
		t.Fatal(err)
	}
	byHand, err := json.Marshal(goodClaims(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(s.signWith(t, `{"alg":"ES256","kid":"k"}`, byHand)); err != nil {
		t.Fatalf("a token made by hand: %v", err)
	}
	parts := strings.Split(good, ".")
	payload := byHand
	pem, err := jwk.EncodePEM(publicOf(t, rs))
	if err != nil {
		t.Fatal(err)
	}
	expired := other.sign(t, goodClaims(map[string]any{"exp": 1}))
	flattened := `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`
	tests := []struct{ name, token string }{
		{"empty", ""},
		{"garbage", "garbage"},
		{"dots", ".."},
		{"JSON serialization", flattened},
		{"another key with the same id", other.sign(t, goodClaims(nil))},
		{"another key and expired", expired},
		{"unknown key id", stranger.sign(t, goodClaims(nil))},
		{"no key id", nokid.sign(t, goodClaims(nil))},
		{"payload replaced", parts[0] + "." + segment(string(payload)+" ") + "." + parts[2]},
		{"signature cut off", parts[0] + "." + parts[1] + "."},
		{"no third part", parts[0] + "." + parts[1]},
		{"two tokens", good + ", Bearer " + good},
		{"alg none", segment(`{"alg":"none","kid":"k"}`) + "." + parts[1] + "."},
		{"alg none with a signature", segment(`{"alg":"none","kid":"k"}`) + "." + parts[1] + "." + parts[2]},
		{"alg of another family", segment(`{"alg":"RS256","kid":"k"}`) + "." + parts[1] + "." + parts[2]},
		{"alg of another curve", segment(`{"alg":"ES384","kid":"k"}`) + "." + parts[1] + "." + parts[2]},
		{"unknown alg", segment(`{"alg":"XX","kid":"k"}`) + "." + parts[1] + "." + parts[2]},
		{"HS256 with the public key as PEM", hs256(`{"alg":"HS256","kid":"rs"}`, string(payload), string(pem))},
		{"HS256 with the key set", hs256(`{"alg":"HS256","kid":"k"}`, string(payload), string(keys))},
		{"HS256 with nothing", hs256(`{"alg":"HS256","kid":"k"}`, string(payload), "")},
		{"HS256 without a kid", hs256(`{"alg":"HS256"}`, string(payload), string(pem))},
		{"HS384 with the public key", hs256(`{"alg":"HS384","kid":"rs"}`, string(payload), string(pem))},
		{"alg in other letters", s.signWith(t, `{"alg":"es256","kid":"k"}`, payload)},
		{"no alg", s.signWith(t, `{"kid":"k"}`, payload)},
		{"kid of the other key", s.signWith(t, `{"alg":"ES256","kid":"rs"}`, payload)},
		{"crit", s.signWith(t, `{"alg":"ES256","kid":"k","crit":["exp"],"exp":1}`, payload)},
		{"crit that names what it lacks", s.signWith(t, `{"alg":"ES256","kid":"k","crit":["urn:x"]}`, payload)},
		{"crit of a payload that is not encoded", s.signWith(t, `{"alg":"ES256","kid":"k","crit":["b64"],"b64":true}`, payload)},
		{"crit without names", s.signWith(t, `{"alg":"ES256","kid":"k","crit":[]}`, payload)},
		{"crit that is null", s.signWith(t, `{"alg":"ES256","kid":"k","crit":null}`, payload)},
		{"key brought along", broughtAlong(t, other, payload)},
		{"payload is not an object", s.sign(t, []int{1})},
		{"too long", s.sign(t, goodClaims(map[string]any{"pad": strings.Repeat("x", auth.MaxTokenBytes)}))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := v.Verify(tt.token)
			if !errors.Is(err, auth.ErrInvalid) || got.ID != "" {
				t.Errorf("got %+v, %v; want ErrInvalid", got, err)
			}
		})
	}
}

// signWith is a token with a header made by hand.
func (s signer) signWith(t *testing.T, header string, payload []byte) string {
	t.Helper()
	var private ecdsa.PrivateKey
	if err := jwk.Export(s.private, &private); err != nil {
		t.Fatal(err)
	}
	signed := segment(header) + "." + segment(string(payload))
	digest := sha256.Sum256([]byte(signed))
	r, q, err := ecdsa.Sign(rand.Reader, &private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	q.FillBytes(signature[32:])
	return signed + "." + segment(string(signature))
}

// broughtAlong is a token that holds the key to check it with.
func broughtAlong(t *testing.T, s signer, payload []byte) string {
	t.Helper()
	h := jws.NewHeaders()
	if err := h.Set(jws.JWKKey, publicOf(t, s)); err != nil {
		t.Fatal(err)
	}
	token, err := jws.Sign(payload, jws.WithKey(s.alg, s.private, jws.WithProtectedHeaders(h)))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func publicOf(t *testing.T, s signer) jwk.Key {
	t.Helper()
	public, err := s.private.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// TestVerifyTampered changes one character of a good token: no such token may
// be taken for anybody but its user.
func TestVerifyTampered(t *testing.T) {
	s := newSigner(t, jwa.ES256(), "k")
	v := newVerifier(t, jwks(t, s), trusted)
	good := s.sign(t, goodClaims(nil))
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(good)-1).Draw(t, "position")
		c := rapid.SampledFrom([]byte("ABCDEFGHabcdefgh0189-_.=+/ \n{\x00")).Draw(t, "character")
		bad := good[:i] + string(c) + good[i+1:]
		if bad == good {
			t.Skip("same token")
		}
		if got, err := v.Verify(bad); !errors.Is(err, auth.ErrInvalid) {
			t.Fatalf("%q at %d: %+v, %v; want ErrInvalid", c, i, got, err)
		}
	})
}

// x coordinates for the y of point, which is that of RFC 7515 A.3.
const (
	onCurve  = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
	offCurve = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEY"
)

// point is a key on P-256 with further members.
func point(x, members string) string {
	return `{"kty":"EC","crv":"P-256",` + members + `"x":"` + x + `","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
}

func TestNewVerifierRefuses(t *testing.T) {
	tests := []struct{ name, keys, want string }{
		{"no JSON", `x`, "parse key set"},
		{"no keys", `{"keys":[]}`, "no key"},
		{"symmetric key", `{"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"}]}`, "key 0 is symmetric"},
		{"unknown kind of key only", `{"keys":[{"kty":"lattice","kid":"k"}]}`, "no key"},
		{"key without an id", `{"keys":[` + point(onCurve, "") + `]}`, "no key"},
		{"key for encryption", `{"keys":[` + point(onCurve, `"kid":"k","use":"enc",`) + `]}`, "no key"},
		{"key of another algorithm", `{"keys":[` + point(onCurve, `"kid":"k","alg":"ES384",`) + `]}`, "no key"},
		{"point that is not on the curve", `{"keys":[` + point(offCurve, `"kid":"k",`) + `]}`, "key 0: it is not a point on the curve P-256"},
		{"short coordinate", `{"keys":[` + point("AAAA", `"kid":"k",`) + `]}`, "key 0: a coordinate"},
		{"two keys with one id", `{"keys":[` + point(onCurve, `"kid":"k",`) + "," + point(onCurve, `"kid":"k",`) + `]}`, `key 1 has the id "k"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := auth.NewVerifier([]byte(tt.keys), auth.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestVerifierOfKeyPairs(t *testing.T) {
	s := newSigner(t, jwa.ES256(), "k")
	set := jwk.NewSet()
	if err := set.AddKey(s.private); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newVerifier(t, data, trusted).Verify(s.sign(t, goodClaims(nil))); err != nil {
		t.Error(err)
	}
}

// What is remembered of a token is that it is signed, and nothing else.
func TestVerifyAgain(t *testing.T) {
	s := newSigner(t, jwa.ES256(), "k")
	c := clock.NewManual(now)
	v, err := auth.NewVerifier(jwks(t, s), auth.Options{Issuer: trusted.Issuer, Audience: trusted.Audience, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	token := s.sign(t, goodClaims(nil))
	other := token[:len(token)-4] + "AAAA"
	for range 2 {
		got, err := v.Verify(token)
		if err != nil || got.ID != userID {
			t.Errorf("%+v, %v", got, err)
		}
		got.Roles[0] = "another" // the caller's own
		if got, err := v.Verify(other); !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("another signature: %+v, %v; want ErrInvalid", got, err)
		}
	}
	for n := range 600 { // more than are remembered
		if got, err := v.Verify(s.sign(t, goodClaims(map[string]any{"name": strconv.Itoa(n)}))); err != nil || got.Name != strconv.Itoa(n) {
			t.Fatalf("token %d: %+v, %v", n, got, err)
		}
	}
	if got, err := v.Verify(token); err != nil || got.Roles[0] != "Sales Manager" {
		t.Errorf("%+v, %v", got, err)
	}
	c.Advance(2 * time.Hour)
	if got, err := v.Verify(token); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("after its time: %+v, %v; want ErrExpired", got, err)
	}
}

// BenchmarkVerify is a token that is seen for the first time, and one that was seen.
func BenchmarkVerify(b *testing.B) {
	s := newSigner(b, jwa.ES256(), "k")
	keys, token := jwks(b, s), s.sign(b, goodClaims(nil))
	verifier := func() *auth.Verifier {
		v, err := auth.NewVerifier(keys, auth.Options{Clock: still()})
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
	for _, again := range []bool{false, true} {
		b.Run(map[bool]string{false: "first", true: "again"}[again], func(b *testing.B) {
			v := verifier()
			for b.Loop() {
				if !again {
					b.StopTimer()
					v = verifier()
					b.StartTimer()
				}
				if _, err := v.Verify(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
