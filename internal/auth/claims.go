package auth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"segue/internal/guid"
)

const cognitoGroups = "cognito:groups"

const nilGUID = "00000000-0000-0000-0000-000000000000"

// FromClaims makes a [Caller] from the claims that a gateway's JWT authorizer passes on,
// all of them strings. The gateway writes an array as its elements in brackets, separated
// by blanks, so that the roles in "[Sales Manager Salesperson]" cannot be told apart.
// Then they are read from the token in the Authorization header ("Bearer" may be missing
// there), which is the one that the authorizer verified as long as that header is its
// identity source. A roles claim that is a JSON array or a list with commas needs no
// token.
func FromClaims(gateway map[string]string, authorization, rolesClaim string) (Caller, error) {
	c := make(claims, len(gateway))
	for name, value := range gateway {
		c[name] = value
	}
	name := c.rolesName(rolesClaim)
	if rendered := gateway[name]; ambiguous(rendered) {
		exact, err := unverifiedPayload(authorization)
		if err != nil {
			return Caller{}, fmt.Errorf("read claim %q from the token: %w", name, err)
		}
		if !sameWords(exact[name], rendered) {
			return Caller{}, fmt.Errorf("%w: claim %q of the token is not the gateway's %q", ErrInvalid, name, rendered)
		}
		c[name] = exact[name]
	}
	return c.caller(rolesClaim)
}

// ambiguous reports whether a roles claim is an array as the gateway writes it
// that can be split in more than one way.
func ambiguous(rendered string) bool {
	inner, ok := brackets(rendered)
	return ok && strings.ContainsAny(inner, " ,") && jsonList(rendered) == nil
}

// sameWords reports whether the gateway could have written v as rendered. So a token that
// the gateway did not verify cannot add a role.
func sameWords(v any, rendered string) bool {
	squeeze := strings.NewReplacer(" ", "", ",", "", `"`, "")
	return squeeze.Replace(fmt.Sprint(v)) == squeeze.Replace(rendered)
}

// unverifiedPayload returns the claims of a token whose signature is not
// checked here.
func unverifiedPayload(authorization string) (claims, error) {
	token, ok := bearer(authorization)
	if !ok {
		token = strings.TrimSpace(authorization)
	}
	if len(token) > MaxTokenBytes {
		return nil, fmt.Errorf("%w: it has %d bytes; the limit is %d", ErrInvalid, len(token), MaxTokenBytes)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: the Authorization header does not hold a signed JWT", ErrInvalid)
	}
	payload, err := decodePart(parts[1])
	if err != nil {
		return nil, fmt.Errorf("%w: its payload is not base64url", ErrInvalid)
	}
	return parseClaims(payload)
}

// claims is the payload of a token. It may have any member: issuers add theirs.
type claims map[string]any

// parseClaims reads a payload, which is one object and nothing after it. Of two claims of
// one name the last counts (RFC 7519 §4).
func parseClaims(payload []byte) (claims, error) {
	var c claims
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	err := d.Decode(&c)
	if err == nil {
		_, err = d.Token()
	}
	if !errors.Is(err, io.EOF) || c == nil {
		return nil, fmt.Errorf("%w: its payload is not a JSON object", ErrInvalid)
	}
	return c, nil
}

// maxSeconds bounds a time in a token: a later one would have a year of more than four digits.
const maxSeconds = 253402300800

// time reads a time, which is a number of seconds (RFC 7519 §2) and may have a fraction.
func (c claims) time(name string) (at time.Time, there bool, err error) {
	v, there := c[name]
	if !there {
		return at, false, nil
	}
	number, _ := v.(json.Number)
	seconds, err := number.Float64()
	if err != nil || math.Abs(seconds) >= maxSeconds {
		return at, false, fmt.Errorf("%w: its %q is not a number of seconds", ErrInvalid, name)
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second))), true, nil
}

// audience returns the audiences, which are a text or a list of texts.
func (c claims) audience() []string {
	switch v := c["aud"].(type) {
	case string:
		return []string{v}
	case []any:
		return texts(v)
	}
	return nil
}

func (c claims) caller(rolesClaim string) (Caller, error) {
	id, ok := c.userID()
	if !ok {
		return Caller{}, fmt.Errorf("%w: it has neither an \"oid\" nor a \"sub\" claim", ErrInvalid)
	}
	login := c.first("preferred_username", "upn", "cognito:username", "username", "email")
	return Caller{ID: id, Name: cmp.Or(c.text("name"), login, id), Login: login, Roles: roles(c[c.rolesName(rolesClaim)])}, nil
}

// userID returns the object id of the directory (Entra's "oid"), else the
// subject when it is a GUID, else a GUID that is always the same for this issuer
// and subject: rows belong to it, so the format of its name is fixed.
func (c claims) userID() (string, bool) {
	for _, name := range []string{"oid", "sub"} {
		if id, ok := userGUID(c.text(name)); ok {
			return id, true
		}
	}
	if c.text("sub") == "" {
		return "", false
	}
	return guid.FromName(c.text("iss") + "|" + c.text("sub")), true
}

// first returns the first of some claims that has a text.
func (c claims) first(names ...string) string {
	for _, name := range names {
		if s := c.text(name); s != "" {
			return s
		}
	}
	return ""
}

// rolesName returns the name of the claim that holds the roles.
func (c claims) rolesName(configured string) string {
	if configured == "" {
		configured = DefaultRolesClaim
	}
	if _, ok := c[configured]; !ok {
		return cognitoGroups
	}
	return configured
}

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// userGUID accepts a GUID with hyphens, in any letter case, but not the nil GUID, which
// stands for nobody.
func userGUID(text string) (id string, ok bool) {
	id = strings.ToLower(text)
	return id, guid.Canonical(id) && id != nilGUID
}

// roles reads a roles claim: an array, or a string that is a JSON array, an
// array of at most one element as the gateway writes it, or a list with
// commas. Each role is returned once; an element that is not a string is ignored.
func roles(claim any) []string {
	var all []string
	switch v := claim.(type) {
	case []any:
		all = texts(v)
	case string:
		if list := jsonList(v); list != nil {
			all = texts(list)
		} else if one, ok := brackets(v); ok {
			all = []string{one}
		} else {
			all = strings.Split(v, ",")
		}
	}
	names := []string{}
	for _, r := range all {
		if r = strings.TrimSpace(r); r != "" && !slices.Contains(names, r) {
			names = append(names, r)
		}
	}
	return names
}

// jsonList returns the elements of a JSON array, nil if s is not one.
func jsonList(s string) []any {
	var list []any
	if json.Unmarshal([]byte(s), &list) != nil {
		return nil
	}
	return list
}

func texts(list []any) []string {
	var out []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// brackets returns what stands between [ and ].
func brackets(s string) (string, bool) {
	inner, open := strings.CutPrefix(s, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	return inner, open && closed
}
