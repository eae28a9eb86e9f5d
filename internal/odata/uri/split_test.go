package uri_test

import (
	"slices"
	"testing"

	"segue/internal/odata/uri"
)

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
		open bool
	}{
		{text: "", want: []string{""}},
		{text: "a", want: []string{"a"}},
		{text: "a,b,", want: []string{"a", "b", ""}},
		{text: "a(b,c),d", want: []string{"a(b,c)", "d"}},
		{text: "a('),',b),d", want: []string{"a('),',b)", "d"}},
		{text: "'a,b',c", want: []string{"'a,b'", "c"}},
		{text: "'O''B,c',d", want: []string{"'O''B,c'", "d"}},
		{text: "a(b,c", want: []string{"a(b,c"}, open: true},
		{text: "a,'b,c", want: []string{"a", "'b,c"}, open: true},
		{text: "a),b", want: []string{"a),b"}, open: true},
	} {
		parts, closed := uri.Split(test.text, ',')
		if !slices.Equal(parts, test.want) || closed == test.open {
			t.Errorf("Split(%q) = %q, closed %v; want %q, closed %v", test.text, parts, closed, test.want, !test.open)
		}
	}
}
