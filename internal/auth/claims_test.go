package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"pgregory.net/rapid"

	"segue/internal/auth"
)

func TestFromClaimsRoles(t *testing.T) {
	s := newSigner(t, jwa.ES256(), "k")
	token := func(claim string, roles any) string {
		return s.sign(t, map[string]any{"sub": userID, claim: roles})
	}
	two := []string{"Sales Manager", "Salesperson"}
	tests := []struct {
		name          string
		claim         string // "" means roles
		rendered      string
		authorization string
		rolesClaim    string
		want          []string
		err           error
	}{
		{"one role", "", "[Salesperson]", "", "", []string{"Salesperson"}, nil},
		{"no role", "", "[]", "", "", []string{}, nil},
		{"empty", "", "", "", "", []string{}, nil},
		{"roles with blanks, read from the token", "", "[Sales Manager Salesperson]", "Bearer " + token("roles", two), "", two, nil},
		{"token without Bearer", "", "[Sales Manager Salesperson]", token("roles", two), "", two, nil},
		{"roles with commas, read from the token", "", "[a,b c]", "bearer " + token("roles", []string{"a,b", "c"}), "", []string{"a,b", "c"}, nil},
		{"no token to read", "", "[Sales Manager Salesperson]", "", "", nil, auth.ErrInvalid},
		{"token is garbage", "", "[Sales Manager Salesperson]", "Bearer a.%.c", "", nil, auth.ErrInvalid},
		{"token payload is not JSON", "", "[Sales Manager Salesperson]", "Bearer a." + segment("x") + ".c", "", nil, auth.ErrInvalid},
		{"token is too long", "", "[Sales Manager Salesperson]", "Bearer " + strings.Repeat("x", 17<<10), "", nil, auth.ErrInvalid},
		{"token with another role", "", "[Sales Manager Salesperson]", "Bearer " + token("roles", []string{"System Administrator"}), "", nil, auth.ErrInvalid},
		{"token with one role more", "", "[Sales Manager Salesperson]", "Bearer " + token("roles", append(two, "System Administrator")), "", nil, auth.ErrInvalid},
		{"token without the claim", "", "[Sales Manager Salesperson]", "Bearer " + token("other", two), "", nil, auth.ErrInvalid},
		{"JSON array", "", `["Sales Manager","Salesperson"]`, "", "", two, nil},
		{"comma list", "", "Sales Manager, Salesperson,", "", "", two, nil},
		{"one text with a blank", "", "Sales Manager", "", "", []string{"Sales Manager"}, nil},
		{"repeated", "", "a,b,a", "", "", []string{"a", "b"}, nil},
		{"Cognito groups", "cognito:groups", "[a b]", "Bearer " + token("cognito:groups", []string{"a", "b"}), "", []string{"a", "b"}, nil},
		{"configured claim", "https://segue/roles", "a,b", "", "https://segue/roles", []string{"a", "b"}, nil},
		{"claim that is not configured", "groups", "a,b", "", "", []string{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.claim == "" {
				tt.claim = "roles"
			}
			got, err := auth.FromClaims(map[string]string{"sub": userID, tt.claim: tt.rendered}, tt.authorization, tt.rolesClaim)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error = %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got.Roles); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromClaimsUser(t *testing.T) {
	const other = "00000000-0000-4000-8000-000000000001"
	tests := []struct {
		name   string
		claims map[string]string
		want   auth.Caller
		err    error
	}{
		{"object id first", map[string]string{"oid": strings.ToUpper(userID), "sub": other, "name": "Ada"},
			auth.Caller{ID: userID, Name: "Ada"}, nil},
		{"a name and a login", map[string]string{"sub": other, "name": "Ada Example", "upn": "ada@example.com"},
			auth.Caller{ID: other, Name: "Ada Example", Login: "ada@example.com"}, nil},
		{"subject that is a GUID", map[string]string{"sub": other, "preferred_username": "ada@example.com"},
			auth.Caller{ID: other, Name: "ada@example.com", Login: "ada@example.com"}, nil},
		{"object id that is none", map[string]string{"oid": "x", "sub": other, "username": "ada"},
			auth.Caller{ID: other, Name: "ada", Login: "ada"}, nil},
		{"nil GUID is nobody", map[string]string{"oid": "00000000-0000-0000-0000-000000000000"}, auth.Caller{}, auth.ErrInvalid},
		{"other forms of a GUID are texts", map[string]string{"iss": "i", "sub": "{" + userID + "}"},
			auth.Caller{ID: "e4c85ada-2733-5f58-b838-133f02cc6492", Name: "e4c85ada-2733-5f58-b838-133f02cc6492"}, nil},
		{"subject that is a text", map[string]string{"iss": "https://issuer.example", "sub": "auth0|123", "email": "a@example.com"},
			auth.Caller{ID: "1a563b71-5ca6-589d-b26c-827f9ad8a6ea", Name: "a@example.com", Login: "a@example.com"}, nil},
		{"no user", map[string]string{"iss": "https://issuer.example"}, auth.Caller{}, auth.ErrInvalid},
		{"no claims", nil, auth.Caller{}, auth.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil {
				tt.want.Roles = []string{}
			}
			got, err := auth.FromClaims(tt.claims, "", "")
			if !errors.Is(err, tt.err) {
				t.Fatalf("error = %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBothWaysAgree: what the gateway's claims and the token lead to is what
// the token alone leads to when it is verified here.
func TestBothWaysAgree(t *testing.T) {
	s := newSigner(t, jwa.ES256(), "k")
	v := newVerifier(t, jwks(t, s), trusted)
	rapid.Check(t, func(rt *rapid.T) {
		roles := rapid.SliceOfN(rapid.StringMatching(`[A-Za-z]([A-Za-z ,]{0,10}[A-Za-z])?`), 0, 4).Draw(rt, "roles")
		sub := rapid.StringMatching(`[a-z|]{1,10}`).Draw(rt, "sub")
		token := s.sign(t, goodClaims(map[string]any{"oid": nil, "sub": sub, "roles": roles}))
		want, err := v.Verify(token)
		if err != nil {
			rt.Fatal(err)
		}
		gateway := map[string]string{
			"iss": "https://issuer.example", "sub": sub, "name": "Ada",
			"roles": fmt.Sprint(roles), "exp": "1773147600",
		}
		got, err := auth.FromClaims(gateway, "Bearer "+token, "")
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("caller (-verified +claims):\n%s", diff)
		}
	})
}
