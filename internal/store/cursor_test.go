package store

import (
	"encoding/base64"
	"errors"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCursorComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 40, -1)
		q := Query{Partition: text.Draw(t, "partition"), Descending: rapid.Bool().Draw(t, "descending"), Limit: 1}
		want := Position{Key: Key{PK: q.Partition, SK: text.Draw(t, "sk")}}
		if rapid.Bool().Draw(t, "index") {
			q.Index, q.Prefix = "stage", text.Draw(t, "prefix")
			want.Key.PK, want.Sort = text.Draw(t, "pk"), q.Prefix+text.Draw(t, "sort")
		}
		q.Cursor = q.EncodeCursor(want)
		if q.Cursor != url.QueryEscape(q.Cursor) {
			t.Fatalf("cursor %q is not safe in a URL", q.Cursor)
		}
		q.Limit = 2 // may change from page to page
		got, err := q.DecodeCursor()
		if d := cmp.Diff(&want, got); d != "" || err != nil {
			t.Fatalf("error %v (-want +got):\n%s", err, d)
		}
	})
}

func TestScanCursorComesBack(t *testing.T) {
	s := Scan{Segment: 1, Segments: 3}
	s.Cursor = s.EncodeCursor(Key{"p", "s"})
	got, err := s.DecodeCursor()
	if d := cmp.Diff(&Position{Key: Key{"p", "s"}}, got); d != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, d)
	}
	if got, err := (Scan{Segments: 1}).DecodeCursor(); got != nil || err != nil {
		t.Errorf("first page: got %v, %v", got, err)
	}
}

func TestForeignCursors(t *testing.T) {
	q := Query{Index: "stage", Partition: "p", From: "a", To: "b"}
	good := q.EncodeCursor(Position{Key: Key{"x", "y"}, Sort: "aa"})
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	scan := Scan{Segment: 1, Segments: 3}
	for name, test := range map[string]struct {
		q      Query
		cursor string
	}{
		"another partition":        {Query{Index: "stage", Partition: "q", From: "a", To: "b"}, good},
		"another index":            {Query{Index: "owner", Partition: "p", From: "a", To: "b"}, good},
		"another range":            {Query{Index: "stage", Partition: "p", From: "a", To: "c"}, good},
		"parts moved":              {Query{Index: "stage", Partition: "p", Prefix: "a", To: "b"}, good},
		"another direction":        {Query{Index: "stage", Partition: "p", From: "a", To: "b", Descending: true}, good},
		"of a scan":                {q, scan.EncodeCursor(Key{"x", "y"})},
		"no base64":                {q, "?"},
		"nothing in it":            {q, "AAAA"},
		"cut short":                {q, base64.RawURLEncoding.EncodeToString(raw[:len(raw)-1])},
		"more behind it":           {q, good + "AAAA"},
		"empty key":                {q, q.EncodeCursor(Position{Sort: "aa"})},
		"no index key":             {q, q.EncodeCursor(Position{Key: Key{"x", "y"}})},
		"index key on the table":   {Query{Partition: "p"}, Query{Partition: "p"}.EncodeCursor(Position{Key{"p", "s"}, "aa"})},
		"before its range":         {q, q.EncodeCursor(Position{Key{"x", "y"}, "Z"})},
		"behind its range":         {q, q.EncodeCursor(Position{Key{"x", "y"}, "ba"})},
		"outside of its prefix":    {Query{Partition: "p", Prefix: "a"}, Query{Partition: "p", Prefix: "a"}.EncodeCursor(Position{Key: Key{"p", "b"}})},
		"outside of its partition": {Query{Partition: "p"}, Query{Partition: "p"}.EncodeCursor(Position{Key: Key{"q", "s"}})},
	} {
		t.Run(name, func(t *testing.T) {
			test.q.Cursor = test.cursor
			if p, err := test.q.DecodeCursor(); !errors.Is(err, ErrBadCursor) {
				t.Errorf("got %v, %v, want %v", p, err, ErrBadCursor)
			}
		})
	}
	scan.Cursor = Scan{Segment: 2, Segments: 3}.EncodeCursor(Key{"x", "y"})
	if p, err := scan.DecodeCursor(); !errors.Is(err, ErrBadCursor) {
		t.Errorf("cursor of another segment: got %v, %v, want %v", p, err, ErrBadCursor)
	}
}
