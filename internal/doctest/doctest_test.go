package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// recorder is a test that remembers what it was told.
type recorder struct {
	testing.TB
	said string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// tell calls block on a document and returns what the test was told and what
// the document is afterwards.
func tell(t *testing.T, as, document, name, want string, write bool) (said, after string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), as)
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // Fatalf ends its goroutine
		defer close(done)
		block(r, file, name, want, write)
	}()
	<-done
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return r.said, string(text)
}

const document = `# Limits

<!-- generated: limits -->
| rows | 10 |
<!-- end -->

Text.

<!-- generated: keys -->
<!-- end -->
`

func TestBlock(t *testing.T) {
	renewed := strings.Replace(document, "| rows | 10 |", "| rows | 20 |", 1)
	filled := strings.Replace(document, "keys -->\n", "keys -->\na\n\nb\n", 1)
	open := strings.Replace(document, "|\n<!-- end -->", "|\n", 1)
	for _, test := range []struct {
		name, document, block, want string
		write                       bool
		said                        string // part of it; "" for nothing
		after                       string
	}{
		{"current", document, "limits", "| rows | 10 |", false, "", document},
		{"current, blank lines around it", document, "limits", "\n| rows | 10 |\n\n", false, "", document},
		{"stale", document, "limits", "| rows | 20 |", false, "stale; run this test with -update", document},
		{"stale, told what it should be", document, "limits", "| rows | 20 |\n", false, "| rows | 20 |", document},
		{"written", document, "limits", "| rows | 20 |", true, "", renewed},
		{"written where nothing was", document, "keys", "a\n\nb", true, "", filled},
		{"no such block", document, "routes", "x", true, `no block "routes"`, document},
		{"twice", document + document, "limits", "x", true, "twice", document + document},
		{"does not end", open, "limits", "x", true, "does not end", open},
		{"last one does not end", "<!-- generated: a -->\n", "a", "x", true, "does not end", "<!-- generated: a -->\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, after := tell(t, "doc.markdown", test.document, test.block, test.want, test.write)
			if test.said == "" && said != "" || !strings.Contains(said, test.said) {
				t.Errorf("said %q, want %q in it", said, test.said)
			}
			if after != test.after {
				t.Errorf("the document is\n%s\nwant\n%s", after, test.after)
			}
		})
	}
}

func TestBlockOfYAML(t *testing.T) {
	const text = "list:\n  # generated: limits\n  - 10\n  # end\n# generated: limits of all\n# end\n"
	if said, after := tell(t, "a.yaml", text, "limits", "  - 10", false); said != "" || after != text {
		t.Errorf("current: said %q, left\n%s", said, after)
	}
	if said, _ := tell(t, "a.yaml", text, "limits", "  - 20", false); !strings.Contains(said, "stale") {
		t.Errorf("stale: said %q", said)
	}
	if said, after := tell(t, "a.yaml", text, "limits", "  - 20\n  - 30", true); said != "" || after != strings.Replace(text, "  - 10", "  - 20\n  - 30", 1) {
		t.Errorf("written: said %q, left\n%s", said, after)
	}
	if said, after := tell(t, "a.yaml", strings.Replace(text, "  # end\n", "", 1), "limits", "x", true); !strings.Contains(said, "does not end") || strings.Contains(after, "x") {
		t.Errorf("not closed: said %q, left\n%s", said, after)
	}
}

func TestBlockOfNoFile(t *testing.T) {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Block(r, filepath.Join(t.TempDir(), "none.markdown"), "limits", "x")
	}()
	<-done
	if !strings.Contains(r.said, "none.markdown") {
		t.Errorf("said %q", r.said)
	}
}
