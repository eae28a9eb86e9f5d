package rehearse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"segue/internal/sales/rehearsal"
	"segue/internal/strictjson"
)

// Suffix ends the names of files of tests: NAME.test has those of the sequence NAME.json
// beside it.
const Suffix = ".test"

// maxDefinition is how large a file of a sequence is at most: a definition has a million
// characters at most.
const maxDefinition = 4 << 20

// file is a sequence as it is written in a file: a shipped one has the first four members.
type file struct {
	Title   string          `json:"title"`
	About   string          `json:"about"`
	Table   string          `json:"table"`
	Steps   json.RawMessage `json:"steps"`
	Columns json.RawMessage `json:"columns"` // more columns of the sequence's row
}

// File carries out a file of tests. An error names the file, and of a text that cannot be
// read the line.
func (h House) File(ctx context.Context, path string) ([]rehearsal.Result, error) {
	stem, ok := strings.CutSuffix(path, Suffix)
	if !ok {
		return nil, fmt.Errorf("%s: the tests of the sequence in NAME.json are in NAME%s beside it", path, Suffix)
	}
	text, err := read(path, rehearsal.MaxBytes)
	if err != nil {
		return nil, err
	}
	script, err := rehearsal.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	definition := stem + ".json"
	if text, err = read(definition, maxDefinition); err != nil {
		return nil, err
	}
	var f file
	if err := strictjson.Decode(text, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", definition, err)
	}
	if f.Table == "" || len(f.Steps) == 0 {
		return nil, fmt.Errorf(`%s: it is not a sequence like {"title":"…","table":"lead","steps":[…]}`, definition)
	}
	if f.Title == "" {
		f.Title = filepath.Base(stem)
	}
	results, err := h.Rehearse(ctx, rehearsal.Sequence{Title: f.Title, Table: f.Table, Text: string(f.Steps), Columns: f.Columns}, script)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return results, nil
}

// read reads a file of at most so many bytes.
func read(path string, most int64) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err = io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s: it has more than %d KB", path, most>>10)
	}
	return text, err
}
