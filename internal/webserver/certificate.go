package webserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"segue/internal/clock"
)

// The files of a certificate, in the folder of the store.
const (
	certificateFile = "segue.crt" // what a client is told to trust
	certificateKey  = "segue.key"
)

// certificateLife is how long a certificate is valid; renewal is how long before its
// end a start makes another.
const (
	certificateLife = 365 * 24 * time.Hour
	renewal         = 30 * 24 * time.Hour
)

// Certificate is the certificate of a server on this machine, signed by itself.
type Certificate struct {
	File        string // in PEM, for a client to trust
	Fingerprint string // SHA-256 of the certificate, in hexadecimal
	config      *tls.Config
}

// OpenCertificate returns the certificate in a folder. The first call makes it, for
// the loopback addresses alone, and so does one in its last month.
func OpenCertificate(dir string, c clock.Clock) (Certificate, error) {
	file, key := filepath.Join(dir, certificateFile), filepath.Join(dir, certificateKey)
	pair, err := tls.LoadX509KeyPair(file, key)
	if errors.Is(err, fs.ErrNotExist) || err == nil && pair.Leaf.NotAfter.Sub(c.Now()) < renewal {
		if err := makeCertificate(file, key, c.Now()); err != nil {
			return Certificate{}, fmt.Errorf("make the certificate %s: %w", file, err)
		}
		pair, err = tls.LoadX509KeyPair(file, key)
	}
	if err != nil {
		return Certificate{}, fmt.Errorf("open the certificate %s: %w", file, err)
	}
	sum := sha256.Sum256(pair.Leaf.Raw)
	return Certificate{
		File: file, Fingerprint: hex.EncodeToString(sum[:]),
		config: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	}, nil
}

// Listener returns a listener of the connections that a listener of TCP accepts,
// encrypted.
func (c Certificate) Listener(inner net.Listener) net.Listener {
	return tls.NewListener(inner, c.config)
}

// Trust returns the settings of a client that also trusts the certificate in a folder,
// if there is one.
func Trust(dir string) (*tls.Config, error) {
	text, err := os.ReadFile(filepath.Join(dir, certificateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without certificates of its own
	}
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

func makeCertificate(file, keyFile string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Segue on this machine"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, // so that a client may trust it as the root of itself
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
		os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
	)
}
