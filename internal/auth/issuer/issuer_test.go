package issuer_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/auth"
	"segue/internal/auth/issuer"
	"segue/internal/clock"
)

const userID = "7d1c2c1e-5f3a-4a59-9b8f-0d2b9f1c7a10"

// now is the time of every test.
var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// still is a clock that always shows that time.
func still() clock.Clock { return clock.NewManual(now) }

func newVerifier(t *testing.T, keys []byte, opts auth.Options) *auth.Verifier {
	t.Helper()
	opts.Clock = still()
	v, err := auth.NewVerifier(keys, opts)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func openIssuer(t *testing.T, dir string) *issuer.Issuer {
	t.Helper()
	i, err := issuer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	i.Clock = still()
	return i
}

func TestIssueAndVerify(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on the way")
	token, err := openIssuer(t, dir).Issue(userID, "Ada", []string{"Sales Manager"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	// The key set of a later run checks the token of an earlier one.
	v := newVerifier(t, openIssuer(t, dir).JWKS(), auth.Options{Issuer: auth.LocalIssuer, Audience: auth.LocalAudience})
	got, err := v.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Caller{ID: userID, Name: "Ada", Roles: []string{"Sales Manager"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	foreign := newVerifier(t, openIssuer(t, t.TempDir()).JWKS(), auth.Options{})
	if got, err := foreign.Verify(token); err == nil {
		t.Errorf("another issuer's key set took the token: %+v", got)
	}
}

func TestIssueExpires(t *testing.T) {
	i := openIssuer(t, t.TempDir())
	v := newVerifier(t, i.JWKS(), auth.Options{})
	i.Clock = clock.NewManual(now.Add(-2 * time.Hour))
	token, err := i.Issue("ada", "", nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(token); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("error = %v, want ErrExpired", err)
	}
}

func TestIssueRefuses(t *testing.T) {
	i := openIssuer(t, t.TempDir())
	if _, err := i.Issue("", "Ada", nil, time.Hour); err == nil {
		t.Error("issued a token for nobody")
	}
	if _, err := i.Issue("ada", "Ada", nil, 0); err == nil {
		t.Error("issued a token for no time")
	}
}

func TestKeyFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "issuer")
	i := openIssuer(t, dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Fatalf("folder holds %v, want the key file alone", entries)
	}
	info, err := entries[0].Info()
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != 0o600 {
		t.Errorf("key file has mode %v, want 0600", got)
	}
	folder, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := folder.Mode().Perm(); got != 0o700 {
		t.Errorf("folder has mode %v, want 0700", got)
	}
	if bytes.Contains(i.JWKS(), []byte(`"d"`)) {
		t.Errorf("key set holds the private key: %s", i.JWKS())
	}
	for _, part := range []string{`"kid"`, `"ES256"`, `"sig"`} {
		if !bytes.Contains(i.JWKS(), []byte(part)) {
			t.Errorf("key set lacks %s: %s", part, i.JWKS())
		}
	}
}

func TestOpenRefusesOtherKeys(t *testing.T) {
	tests := []struct{ name, file string }{
		{"empty", ""},
		{"no key", "{}"},
		{"symmetric key", `{"kty":"oct","k":"c2VjcmV0"}`},
		{"public key", `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "issuer.jwk")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := issuer.Open(dir); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error = %v, want one that names %s", err, path)
			}
		})
	}
}

func TestConcurrentFirstRun(t *testing.T) {
	dir := t.TempDir()
	sets := make([]string, 16)
	var wg sync.WaitGroup
	for n := range sets {
		wg.Go(func() {
			i, err := issuer.Open(dir)
			if err != nil {
				t.Errorf("run %d: %v", n, err)
				return
			}
			sets[n] = string(i.JWKS())
		})
	}
	wg.Wait()
	for n, set := range sets {
		if set != sets[0] {
			t.Errorf("run %d uses key set %s, run 0 %s", n, set, sets[0])
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v; want the key file alone", entries, err)
	}
}

// TestProofKey: processes on one folder have the same key, those on another have not.
func TestProofKey(t *testing.T) {
	dir := t.TempDir()
	key := openIssuer(t, dir).ProofKey()
	if len(key) != 32 || !bytes.Equal(key, openIssuer(t, dir).ProofKey()) {
		t.Errorf("the keys of a folder are %x and %x", key, openIssuer(t, dir).ProofKey())
	}
	if bytes.Equal(key, openIssuer(t, t.TempDir()).ProofKey()) {
		t.Error("two folders have the same key")
	}
	copied, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.CopyFS(copied, os.DirFS(dir)), os.Symlink(dir, link)); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(key, openIssuer(t, copied).ProofKey()) {
		t.Error("a copy of the folder has the same key")
	}
	if !bytes.Equal(key, openIssuer(t, link).ProofKey()) {
		t.Error("a link to the folder has another key")
	}
}
