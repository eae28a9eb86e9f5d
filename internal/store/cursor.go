package store

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Position is the last item of a page, after which the next page starts.
type Position struct {
	Key  Key
	Sort string // its index sort key; empty on the table itself and in a scan
}

// EncodeCursor makes the Page.Cursor for a page of q that ended at p. The
// limit may change from page to page; everything else of q is bound into the
// cursor.
func (q Query) EncodeCursor(p Position) string { return encodeCursor(q.scope(), p) }

// DecodeCursor reads q.Cursor: nil for the first page, ErrBadCursor when
// another query made it. A cursor can be forged, but only to start elsewhere
// in what the query selects.
func (q Query) DecodeCursor() (*Position, error) {
	p, err := decodeCursor(q.scope(), q.Cursor)
	if p == nil {
		return nil, err
	}
	if !q.selects(*p) {
		return nil, fmt.Errorf("%w: it points outside of it", ErrBadCursor)
	}
	return p, nil
}

// selects says whether q could answer an item at p, as far as p shows.
func (q Query) selects(p Position) bool {
	sort := p.Sort
	if q.Index == "" {
		if p.Sort != "" || p.Key.PK != q.Partition {
			return false
		}
		sort = p.Key.SK
	}
	return sort != "" && strings.HasPrefix(sort, q.Prefix) && sort >= q.From && (q.To == "" || sort <= q.To)
}

// EncodeCursor makes the Page.Cursor for a page of s that ended at key last.
func (s Scan) EncodeCursor(last Key) string { return encodeCursor(s.scope(), Position{Key: last}) }

// DecodeCursor reads s.Cursor as Query.DecodeCursor does.
func (s Scan) DecodeCursor() (*Position, error) { return decodeCursor(s.scope(), s.Cursor) }

func (q Query) scope() uint64 {
	return scope("query", q.Index, q.Partition, q.Prefix, q.From, q.To, strconv.FormatBool(q.Descending))
}

func (s Scan) scope() uint64 {
	return scope("scan", strconv.Itoa(s.Segment), strconv.Itoa(s.Segments))
}

func scope(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write(appendText(nil, p)) // a hash never fails
	}
	return h.Sum64()
}

// A cursor is base64url of the scope's hash and the three texts of the
// position, each after its length.
func encodeCursor(scope uint64, p Position) string {
	b := binary.BigEndian.AppendUint64(nil, scope)
	for _, text := range []string{p.Key.PK, p.Key.SK, p.Sort} {
		b = appendText(b, text)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeCursor(scope uint64, cursor string) (*Position, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 8 || binary.BigEndian.Uint64(b) != scope {
		return nil, fmt.Errorf("%w: it was made elsewhere", ErrBadCursor)
	}
	b = b[8:]
	var p Position
	for _, text := range []*string{&p.Key.PK, &p.Key.SK, &p.Sort} {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return nil, fmt.Errorf("%w: it is cut short", ErrBadCursor)
		}
		end := used + int(n)
		*text, b = string(b[used:end]), b[end:]
	}
	if len(b) > 0 || checkKey(p.Key) != nil || len(p.Sort) > MaxKeyBytes {
		return nil, fmt.Errorf("%w: it holds no key", ErrBadCursor)
	}
	return &p, nil
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
