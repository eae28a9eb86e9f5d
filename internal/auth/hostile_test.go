package auth_test

import (
	"strings"
	"testing"

	"encoding/base64"

	"github.com/lestrrat-go/jwx/v3/jwa"
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
		if token == good || strings.HasPrefix(token, p[0]+"."+p[1]+"."+p[2]) && token == good {
			continue
		}
		if _, err := v.Verify(token); err == nil {
			t.Errorf("taken: %q", token)
		}
	}
	for _, c := range []map[string]any{{"exp": "9999999999"}, {"exp": 1e300}, {"exp": -1}, {"exp": nil}, {"exp": true}, {"nbf": "x"}, {"iat": 1e12}, {"aud": 5}, {"aud": map[string]any{"segue": 1}}, {"aud": []any{[]any{"segue"}}}, {"iss": []string{trusted.Issuer}}} {
		if _, err := v.Verify(k.sign(t, goodClaims(c))); err == nil {
			t.Errorf("taken: %v", c)
		}
	}
	// Other spellings of the last character of a signature.
	n := 0
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if _, err := v.Verify(good[:len(good)-1] + string(c)); err == nil {
			n++
		}
	}
	t.Logf("%d spellings of one signature are taken", n)
}
