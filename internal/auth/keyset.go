package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// A key set is JSON (RFC 7517, RFC 7518 §6.2). What a local issuer's set holds is read,
// a public key on P-256 with an id; keys of other kinds are ignored, as RFC 7517 §5 has
// it.
type keySet struct {
	Keys []webKey `json:"keys"`
}

// webKey is a key of a set. Of a key pair the private half is not read.
type webKey struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Curve     string `json:"crv"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	X         string `json:"x"`
	Y         string `json:"y"`
}

// parseKeySet returns the keys that can check a signature, by their ids.
func parseKeySet(text []byte) (map[string]*ecdsa.PublicKey, error) {
	var set keySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("parse key set: %w", err)
	}
	keys := map[string]*ecdsa.PublicKey{}
	for i, k := range set.Keys {
		if k.Type == "oct" {
			return nil, fmt.Errorf("key set: key %d is symmetric, want public keys only", i)
		}
		if !k.signs() {
			continue
		}
		key, err := k.public()
		if err != nil {
			return nil, fmt.Errorf("key set: key %d: %w", i, err)
		}
		if keys[k.ID] != nil {
			return nil, fmt.Errorf("key set: key %d has the id %q of another", i, k.ID)
		}
		keys[k.ID] = key
	}
	if len(keys) == 0 {
		return nil, errors.New("key set has no key that can check a signature")
	}
	return keys, nil
}

// signs reports whether tokens may be signed with the key, and say so by its id.
func (k webKey) signs() bool {
	return k.Type == "EC" && k.Curve == "P-256" && k.ID != "" &&
		(k.Use == "" || k.Use == "sig") && (k.Algorithm == "" || k.Algorithm == algorithm)
}

// coordinate is how many bytes a coordinate on P-256 has, and each half of a signature.
const coordinate = 32

// public returns the key, which is a point on the curve.
func (k webKey) public() (*ecdsa.PublicKey, error) {
	point := []byte{4} // not compressed
	for _, text := range []string{k.X, k.Y} {
		part, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil || len(part) != coordinate {
			return nil, fmt.Errorf("a coordinate is not base64url of %d bytes", coordinate)
		}
		point = append(point, part...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("it is not a point on the curve P-256: %w", err)
	}
	return key, nil
}
