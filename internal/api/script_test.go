package api_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"segue/internal/doctest"
)

// TestScripts runs testdata/*.txtar, each on a world of its own. An archive has
// requests (see world.send), each followed by a file "answer" (see
// answer.String). go test -update writes the latter again: read what it wrote.
//
// Whatever is refused, and whatever only reads, must leave the store as it was.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w, answers := newWorld(t), 0
			var written []txtar.File
			for i, file := range archive.Files {
				if file.Name == "answer" {
					answers++
					continue
				}
				got := ""
				t.Run(file.Name, func(t *testing.T) {
					got = w.step(t, string(file.Data))
					if doctest.Update() {
						return
					}
					if i+1 == len(archive.Files) || archive.Files[i+1].Name != "answer" {
						t.Fatal("no answer follows; go test -update writes it")
					}
					if diff := cmp.Diff(strings.TrimSpace(string(archive.Files[i+1].Data)), got); diff != "" {
						t.Errorf("answer (-want +got):\n%s", diff)
					}
				})
				written = append(written, file, txtar.File{Name: "answer", Data: []byte(got + "\n\n")})
			}
			if doctest.Update() {
				archive.Files = written
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if w.log.Len() > 0 {
				t.Errorf("internal errors were logged:\n%s", w.log)
			}
		})
	}
}

// step sends one request of a script.
func (w *world) step(t *testing.T, request string) string {
	t.Helper()
	outer := w.t
	w.t = t
	defer func() { w.t = outer }()
	before := w.dump()
	a := w.send(request)
	if a.status >= http.StatusBadRequest || strings.HasPrefix(request, http.MethodGet) {
		if diff := cmp.Diff(before, w.dump()); diff != "" {
			t.Errorf("answer %d changed the store:\n%s", a.status, diff)
		}
	}
	return strings.TrimSpace(a.String())
}
