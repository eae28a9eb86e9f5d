package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"

	"segue/internal/auth"
)

// Hostile tokens: none panics, none is taken.
func TestHostileTokens(t *testing.T) {
	k := newSigner(t, jwa.ES256(), "k")
	v := newVerifier(t, jwks(t, k), trusted)
	good := k.sign(t, goodClaims(nil))
	if _, err := v.Verify(good); err != nil {
		t.Fatal(err)
	}
	p := strings.Split(good, ".")
	e := base64.RawURLEncoding.EncodeToString
	zero := e(make([]byte, 64))
	var list []string
	for _, h := range []string{`{"alg":"none","kid":"k"}`, `{"alg":"HS256","kid":"k"}`, `{"alg":"ES256","kid":"k"}`, `{"alg":"es256","kid":"k"}`, `{"alg":["ES256"],"kid":"k"}`, `{"alg":"ES256","kid":null}`, `{"alg":"ES256","kid":""}`, `null`, `[]`, `"x"`, `{"alg":"ES256","kid":"k"}{}`} {
		for _, s := range []string{"", zero, e([]byte(strings.Repeat("\xff", 64))), p[2], p[2] + "=", p[2][:85], p[2] + "A", e(make([]byte, 63)), e(make([]byte, 65))} {
			list = append(list, e([]byte(h))+"."+p[1]+"."+s)
		}
	}
	list = append(list, "", ".", "..", "...", good+".", good+"\n", " "+good, strings.Repeat(".", 16<<10), strings.Repeat("A", 16<<10+1), p[0]+"."+p[1], p[0]+".\n"+p[1]+"."+p[2], p[0]+"."+p[1]+"="+"."+p[2])
	for _, token := range list {
		if _, err := v.Verify(token); err == nil && token != good {
			t.Errorf("taken: %q", token)
		}
	}
	for _, c := range []map[string]any{{"exp": "9999999999"}, {"exp": 1e300}, {"exp": -1}, {"exp": nil}, {"exp": true}, {"nbf": "x"}, {"iat": 1e12}, {"aud": 5}, {"aud": map[string]any{"segue": 1}}, {"aud": []any{[]any{"segue"}}}, {"iss": []string{trusted.Issuer}}} {
		if _, err := v.Verify(k.sign(t, goodClaims(c))); err == nil {
			t.Errorf("taken: %v", c)
		}
	}
}

// TestOneSpelling: the bits of a last character that mean nothing are zero, and after the
// object of the claims there is nothing; of two claims of one name the last counts, as
// RFC 7519 §4 allows.
func TestOneSpelling(t *testing.T) {
	k := newSigner(t, jwa.ES256(), "k")
	v := newVerifier(t, jwks(t, k), trusted)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	good := k.sign(t, goodClaims(nil))
	for _, c := range alphabet {
		token := good[:len(good)-1] + string(c)
		if _, err := v.Verify(token); (err == nil) != (token == good) {
			t.Errorf("the signature with %q at its end: %v", c, err)
		}
	}
	claims, err := json.Marshal(goodClaims(map[string]any{"roles": nil}))
	if err != nil {
		t.Fatal(err)
	}
	open := strings.TrimSuffix(string(claims), "}")
	for _, test := range []struct {
		payload string
		roles   []string // nil: it is refused
	}{
		{open + `,"roles":["a"]}`, []string{"a"}},
		{open + `,"roles":["a"]} `, []string{"a"}},
		{open + `,"roles":["a"],"roles":["b"]}`, []string{"b"}},
		{open + `,"roles":["a"]}{"roles":["b"]}`, nil},
		{open + `,"roles":["a"]}x`, nil},
		{open + `,"roles":["a"]},`, nil},
	} {
		token := k.signWith(t, `{"alg":"ES256","kid":"k"}`, []byte(test.payload))
		got, err := v.Verify(token)
		if test.roles == nil && !errors.Is(err, auth.ErrInvalid) || !slices.Equal(got.Roles, test.roles) {
			t.Errorf("%s: roles %q, %v; want %q", test.payload, got.Roles, err, test.roles)
		}
	}
	trailing := "Bearer a." + segment(`{"roles":["Sales Manager","a"]} {}`) + ".c"
	if _, err := auth.FromClaims(map[string]string{"sub": userID, "roles": "[Sales Manager a]"}, trailing, ""); !errors.Is(err, auth.ErrInvalid) {
		t.Errorf("text after the claims that the gateway has rendered: %v", err)
	}
}
