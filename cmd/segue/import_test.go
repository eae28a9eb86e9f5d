package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// importFolder is a folder with a file to load, and the reject file that a person is mending.
func importFolder(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "leads.csv")
	for path, text := range map[string]string{file: text, file + ".rejected": mended} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

const (
	good   = "Last Name\nAda\n"
	bad    = "Last Name\nAda\nAda,Berg\n"
	mended = "line,column,reason,Last Name\n2,,,Ada\n"
)

// runImport runs the command in a process of its own.
func runImport(t *testing.T, file string, args ...string) (text string, err error) {
	t.Helper()
	out, err := segue(t, append([]string{"import", file, "--table", "lead", "--data", filepath.Join(filepath.Dir(file), "data")}, args...)...).CombinedOutput()
	return string(out), err
}

// The rejects may not go to the file that is loaded, under whatever name: it would be
// empty before a line is read.
func TestImportRejectsIntoItself(t *testing.T) {
	file := importFolder(t, good)
	link := filepath.Join(filepath.Dir(file), "link.csv")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, reject := range []string{file, link} {
		out, err := runImport(t, file, "--reject", reject)
		if err == nil || !strings.Contains(out, "--reject "+reject) || !strings.Contains(out, "Nothing was written") {
			t.Errorf("--reject %s: %v, it says:\n%s", reject, err, out)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != good {
			t.Errorf("the file that was to be loaded has %q now, %v", text, err)
		}
	}
}

// The rejects of the run before stay until a run has rejects of its own, or has loaded
// all lines.
func TestImportRejectsOfBefore(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		args []string
		want string // a part of the reject file; "" for none
	}{
		"options that do not fit": {good, []string{"--set", "nope=1"}, mended},
		"meanings of no field":    {good, []string{"--options", "leadsourcecode=Google:99"}, mended},
		"dry":                     {good, []string{"--dry-run"}, mended},
		"dry, with a bad line":    {bad, []string{"--dry-run"}, "3,,\"has 2 fields"},
		"a bad line":              {bad, nil, "3,,\"has 2 fields"},
		"all good":                {good, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := importFolder(t, test.text)
			out, _ := runImport(t, file, test.args...) // what it ends with is for other tests
			text, err := os.ReadFile(file + ".rejected")
			if test.want == "" && !errors.Is(err, fs.ErrNotExist) || test.want != "" && err != nil {
				t.Fatalf("reading the reject file: %v; the command said:\n%s", err, out)
			}
			if !strings.Contains(string(text), test.want) || test.want != mended && strings.Contains(string(text), mended) {
				t.Errorf("the reject file has %q, want %q; the command said:\n%s", text, test.want, out)
			}
		})
	}
}

// A run without rejects leaves no reject file, and one that could not keep them does not
// begin.
func TestImportRejectFile(t *testing.T) {
	file := importFolder(t, good)
	fresh := filepath.Join(filepath.Dir(file), "fresh")
	for _, args := range [][]string{{"--set", "nope=1"}, {"--dry-run"}, nil} {
		out, _ := runImport(t, file, append(args, "--reject", fresh)...)
		if _, err := os.Stat(fresh); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("import %v leaves a reject file, %v; it said:\n%s", args, err, out)
		}
	}
	out, err := runImport(t, file, "--reject", filepath.Join(fresh, "rejected"))
	if err == nil || !strings.Contains(out, fresh) || !strings.Contains(out, "Nothing was written") {
		t.Errorf("a reject file in no folder: %v, it says:\n%s", err, out)
	}
}

// Advice is for what is wrong: a field of the header, or an option.
func TestImportAdvice(t *testing.T) {
	file := importFolder(t, "Last Name,Qqq\nAda,1\n")
	const header = "--map 'Header=column', or leave it out with --map 'Header=-'"
	if out, err := runImport(t, file); err == nil || strings.Count(out, header) != 1 || strings.Count(out, "=-") != 1 {
		t.Errorf("a header that fits nothing: %v, it says:\n%s", err, out)
	}
	out, err := runImport(t, file, "--map", "Qqq=-", "--set", "nope=1", "--set", "createdon=2026-01-01")
	if err == nil || strings.Contains(out, "map") || !strings.Contains(out, `set "nope": no column has that name`+"\n") {
		t.Errorf("an option that fits nothing: %v, it says:\n%s", err, out)
	}
	if out, err := runImport(t, file, "--map", "Qqq=-"); err != nil {
		t.Errorf("a field that is left out: %v, it says:\n%s", err, out)
	}
}

// An import without a worker would not load anything.
func TestImportWorkers(t *testing.T) {
	file := importFolder(t, good)
	for _, n := range []string{"0", "-1"} {
		if _, _, _, err := parse(t, "import", file, "--table", "lead", "--workers="+n); err == nil || !strings.Contains(err.Error(), "--workers "+n+": ") {
			t.Errorf("--workers %s: %v", n, err)
		}
	}
	if _, _, _, err := parse(t, "import", file, "--table", "lead", "--workers", "1"); err != nil {
		t.Error(err)
	}
}
