package filter

import (
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"segue/internal/excerpt"
)

// FuzzReadJSON compares the reader with one that has the tokens of encoding/json: the
// values and where they begin, or the error and where it is.
func FuzzReadJSON(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no archives in testdata: %v", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for i := 0; i < len(archive.Files); i += 2 {
			f.Add(string(archive.Files[i].Data))
		}
	}
	for _, text := range []string{
		``, ` `, `{`, `[`, `{]`, `[}`, `{,`, `{:`, `[,`, `[:`, `[1,`, `[1,]`, `[1:]`, `[1 2]`, `[1}`, `[1,,2]`, `{1`, `{[`, `{"a"`, `{"a"}`, `{"a",1}`, `{"a"::1}`,
		`{"a":`, `{"a":}`, `{"a":1`, `{"a":1]`, `{"a":1 "b"}`, `{"a":1,}`, `{"a":1,1}`, `{"a":1,"a":2}`, `{"\u0061":1,"a":2}`, ` { "a" : [ 1 , { } ] } `, `{} {}`, `:1`, `,1`, `]`, `}`,
		`-`, `-x`, `01`, `[01]`, `-0`, `1.`, `[1.]`, `1.5`, `[1e]`, `1e+`, `1E-2`, `1e5x`, `[0x1]`, `t`, `tru`, `[trux]`, `true`, `truefalse`, `[nul]`, `null`, `falsE`, `'a'`, `["a'b"]`,
		`"`, `"a`, `"\"`, `"\q"`, `"\q`, `"\u00g"`, `"\u00`, `"\ud83d\ude00"`, `"\ud83d"`, "\"\n\"", "[\"a\x01\"", `"a\tb\\"`, "\x00", "[\x00]", "é", "[é]", "\u2028", `""1`, `{"é":"ß"}`,
		strings.Repeat("[", 41) + "}", strings.Repeat("[", 41), strings.Repeat("[", 42), strings.Repeat("[", 40) + `{"a"1`, strings.Repeat("[", 39) + `{"a"1`, strings.Repeat("[", 40) + "1",
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"a":1}`, `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i"`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readJSON(text)
		want, wantErr := referenceJSON(text)
		if diff := cmp.Diff(asError(wantErr), asError(err)); diff != "" {
			t.Fatalf("error for %q (-want +got):\n%s", text, diff)
		}
		if err != nil {
			return
		}
		if got := tree(got); !reflect.DeepEqual(want, got) { // cmp compares the parts twice on each level
			t.Errorf("values of %q: got %+v, want %+v", text, got, want)
		}
	})
}

func asError(err error) *Error {
	wrong, _ := errors.AsType[*Error](err)
	return wrong
}

// node is a value of a text, in a form that compares.
type node struct {
	Offset int
	Kind   any // of a scalar: itself
	Names  []string
	Parts  []node
}

func tree(v *jsonValue) node {
	n := node{Offset: v.offset, Kind: v.scalar()}
	switch v.kind {
	case jsonObject:
		n.Kind = json.Delim('{')
	case jsonArray:
		n.Kind = json.Delim('[')
	default:
	}
	for part := v.first; part != nil; part = part.next {
		n.Parts = append(n.Parts, tree(part))
		if v.kind == jsonObject {
			n.Names = append(n.Names, part.name)
		}
	}
	return n
}

// referenceJSON is readJSON by the tokens of encoding/json.
func referenceJSON(text string) (node, error) {
	if len(text) > MaxText {
		return node{}, syntaxError(MaxText, "the text is longer than 1 MB")
	}
	if !utf8.ValidString(text) {
		return node{}, syntaxError(invalidByte(text), "the text is not UTF-8")
	}
	r := reference{text: text, dec: json.NewDecoder(strings.NewReader(text))}
	r.dec.UseNumber()
	v, err := r.value(0)
	if err != nil {
		return node{}, err
	}
	if rest := strings.TrimLeft(text[r.dec.InputOffset():], " \t\r\n"); rest != "" {
		return node{}, syntaxError(len(text)-len(rest), "there is more text after the filter")
	}
	return v, nil
}

type reference struct {
	text string
	dec  *json.Decoder
}

// offset returns where the next token begins.
func (r reference) offset() int {
	at := int(r.dec.InputOffset())
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return at
}

func (r reference) token() (json.Token, error) {
	offset := r.offset()
	token, err := r.dec.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, syntaxError(len(r.text), "invalid JSON: the text ends too early")
	}
	if err != nil {
		return nil, syntaxError(offset, "invalid JSON: %v", err)
	}
	return token, nil
}

func (r reference) value(level int) (node, error) {
	v := node{Offset: r.offset()}
	if level > maxNesting {
		return v, syntaxError(v.Offset, "JSON is nested deeper than %d levels", maxNesting)
	}
	var err error
	if v.Kind, err = r.token(); err != nil {
		return v, err
	}
	switch v.Kind {
	case json.Delim('{'):
		err = r.object(&v, level)
	case json.Delim('['):
		err = r.array(&v, level)
	}
	return v, err
}

func (r reference) object(v *node, level int) error {
	for r.dec.More() {
		offset := r.offset()
		token, err := r.token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder refuses any other key
		if slices.Contains(v.Names, name) {
			return syntaxError(offset, "member %q occurs twice", excerpt.Of(name))
		}
		if len(v.Names) == maxMembers {
			return syntaxError(offset, "more than %d members in an object", maxMembers)
		}
		value, err := r.value(level + 1)
		if err != nil {
			return err
		}
		v.Names, v.Parts = append(v.Names, name), append(v.Parts, value)
	}
	_, err := r.token()
	return err
}

func (r reference) array(v *node, level int) error {
	for r.dec.More() {
		item, err := r.value(level + 1)
		if err != nil {
			return err
		}
		v.Parts = append(v.Parts, item)
	}
	_, err := r.token()
	return err
}
