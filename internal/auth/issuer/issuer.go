// Package issuer signs tokens on a machine that has no identity provider: a laptop, a
// test. Who checks them is [auth.Verifier], which needs no library; so a function does
// not link the one that makes keys and tokens here.
//
// Invariant: the private key stays in its file, which only its owner can read, and in
// this process. The key set that leaves has public keys alone, and what is derived from
// the private key does not lead back to it.
package issuer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"segue/internal/auth"
	"segue/internal/clock"
)

// keyFile is the private key's file in an issuer's folder.
const keyFile = "issuer.jwk"

// Issuer signs tokens on a machine without an identity provider. Whoever can
// read its key file can pose as any user to a server that trusts its key set.
type Issuer struct {
	Clock clock.Clock // tells when tokens are issued; clock.System unless set before use
	key   jwk.Key
	jwks  []byte
	proof []byte
	track []byte
}

// Open returns the issuer with the key in dir. The first call makes dir and
// the key (P-256, a JWK in a file only its owner can read); of several first
// calls at once one makes the key and all use it.
func Open(dir string) (*Issuer, error) {
	path := filepath.Join(dir, keyFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = makeKeyFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open issuer key: %w", err)
	}
	key, err := jwk.ParseKey(data)
	if err != nil {
		return nil, fmt.Errorf("parse issuer key %s: %w", path, err)
	}
	var private ecdsa.PrivateKey
	err = jwk.Export(key, &private)
	if err != nil || private.Curve != elliptic.P256() {
		return nil, fmt.Errorf("issuer key %s is not a private key on P-256", path)
	}
	proof, err := proofKey(&private, dir)
	if err != nil {
		return nil, fmt.Errorf("derive from issuer key %s: %w", path, err)
	}
	track, err := trackKey(&private)
	if err != nil {
		return nil, fmt.Errorf("derive from issuer key %s: %w", path, err)
	}
	jwks, err := publicSet(key)
	if err != nil {
		return nil, fmt.Errorf("public key of issuer key %s: %w", path, err)
	}
	return &Issuer{Clock: clock.System(), key: key, jwks: jwks, proof: proof, track: track}, nil
}

// Issue signs a token for ttl. sub should be a systemuserid; any other
// non-empty text stands for a user of its own.
func (i *Issuer) Issue(sub, name string, roles []string, ttl time.Duration) (string, error) {
	if sub == "" {
		return "", errors.New("issue token: sub is empty")
	}
	if ttl <= 0 {
		return "", fmt.Errorf("issue token: ttl is %s, want more than 0", ttl)
	}
	now := i.Clock.Now()
	tok, err := jwt.NewBuilder().
		Issuer(auth.LocalIssuer).
		Audience([]string{auth.LocalAudience}).
		Subject(sub).
		Claim("name", name).
		Claim(auth.DefaultRolesClaim, roles).
		IssuedAt(now).
		Expiration(now.Add(ttl)).
		Build()
	if err != nil {
		return "", fmt.Errorf("build token for %q: %w", sub, err)
	}
	signed, err := jwt.Sign(tok, jwt.WithKey(jwa.ES256(), i.key))
	if err != nil {
		return "", fmt.Errorf("sign token for %q: %w", sub, err)
	}
	return string(signed), nil
}

// JWKS returns the issuer's public key as a JSON Web Key Set, for an
// [auth.Verifier] here or in another process. It must not be changed.
func (i *Issuer) JWKS() []byte { return i.jwks }

// ProofKey returns a key that whoever can read the issuer's key file can derive, and
// nobody else: by it processes on one folder know each other, and those on a copy of the
// folder are none of them. The folder is its path without symbolic links. Nothing that is done with
// it signs a token. It must not be changed.
func (i *Issuer) ProofKey() []byte { return i.proof }

// TrackKey returns a key for signing the addresses in emails, which is made with the
// issuer's and derives from it: a folder that is moved still knows them. Nothing that is
// done with it signs a token. It must not be changed.
func (i *Issuer) TrackKey() []byte { return i.track }

func trackKey(private *ecdsa.PrivateKey) ([]byte, error) {
	secret, err := private.Bytes()
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, secret, nil, "segue: addresses in emails", sha256.Size)
}

func proofKey(private *ecdsa.PrivateKey, dir string) ([]byte, error) {
	secret, err := private.Bytes()
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, secret, nil, "segue: processes on one folder: "+folder, sha256.Size)
}

func publicSet(key jwk.Key) ([]byte, error) {
	public, err := key.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("derive it: %w", err)
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		return nil, fmt.Errorf("put it in a set: %w", err)
	}
	return json.Marshal(set)
}

// makeKeyFile writes a new key to a temporary file and links it to path, which fails if
// another process was first. So a reader sees a whole key or none, and the first key
// stays. It returns the key at path.
func makeKeyFile(path string) ([]byte, error) {
	data, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make its folder: %w", err)
	}
	f, err := os.CreateTemp(dir, keyFile+".*") // with mode 0600
	if err != nil {
		return nil, fmt.Errorf("make its file: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is linked by now, or useless
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write its file: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("put it in place: %w", err)
	}
	return os.ReadFile(path)
}

func newKey() ([]byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate: %w", err)
	}
	key, err := jwk.Import(private)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	err = errors.Join(
		jwk.AssignKeyID(key), // the thumbprint, so every key has its own id
		key.Set(jwk.AlgorithmKey, jwa.ES256()),
		key.Set(jwk.KeyUsageKey, jwk.ForSignature),
	)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	return json.Marshal(key)
}
