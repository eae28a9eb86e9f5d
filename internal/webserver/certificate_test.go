package webserver

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"segue/internal/clock"
)

// A certificate stays the same until its last month, so that a client that trusts it
// need not be told again.
func TestOpenCertificate(t *testing.T) {
	dir, now := filepath.Join(t.TempDir(), "data"), clock.NewManual(time.Now())
	first, err := OpenCertificate(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{certificateFile, certificateKey} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, error %v; want it for its owner alone", file, info, err)
		}
	}
	now.Advance(certificateLife - renewal - time.Hour)
	if again, err := OpenCertificate(dir, now); err != nil || again.Fingerprint != first.Fingerprint {
		t.Errorf("a later start: %s, error %v; want %s", again.Fingerprint, err, first.Fingerprint)
	}
	now.Advance(2 * time.Hour)
	if renewed, err := OpenCertificate(dir, now); err != nil || renewed.Fingerprint == first.Fingerprint {
		t.Errorf("in its last month: %s, error %v; want another", renewed.Fingerprint, err)
	}
}

func TestOpenCertificateThatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []string{certificateFile, certificateKey} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte("nonsense"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := OpenCertificate(dir, clock.NewManual(time.Now())); err == nil {
		t.Errorf("a damaged certificate is %+v", c)
	}
}
