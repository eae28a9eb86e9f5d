package query

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/schema"
)

// position is a place in a list. Its encoding is the token of the page that begins after
// it. It is made of what the row before has, and not of a number of rows, so that rows
// that come and go move nothing.
type position struct {
	// Where rows come as they are read: after the row with sort key After in a partition,
	// or in all of them where they are merged.
	Partition int    `json:"p,omitempty"`
	After     string `json:"a,omitempty"`
	// Where rows are ordered after they were read: after the row with these values, the last
	// of which is its id.
	Values []*string `json:"v,omitempty"`

	Count *int   `json:"c,omitempty"` // of the rows that match, where they were counted
	List  string `json:"f,omitempty"` // digest of the list that a token belongs to
}

// encode returns the token of a page of a list that starts after the position.
func (at position) encode(list string) string {
	at.List = digest(list)
	text, _ := json.Marshal(at) //nolint:errchkjson // strings and ints always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

// decodePosition returns the position of a token of the plan's list, the start for "".
func (p *plan) decodePosition(token string) (position, error) {
	var at position
	if token == "" {
		return at, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	if err != nil {
		return at, ErrBadToken
	}
	// A position in another list would return rows that have nothing to do with it.
	if at.List != digest(p.identity) || at.Partition < 0 || at.Partition > max(1, len(p.partitions)) {
		return at, ErrBadToken
	}
	return at, nil
}

func digest(text string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // a hash never fails
	return strconv.FormatUint(h.Sum64(), 36)
}

// position returns the position after a place.
func (s *sorting) position(at place) position {
	p := position{Values: make([]*string, len(at))}
	for i, v := range at {
		if !v.IsNull() {
			text := v.String()
			p.Values[i] = &text
		}
	}
	return p
}

// decodePlace returns the place of a position, which a token may have made up.
func (s *sorting) decodePlace(at position) (place, error) {
	if len(at.Values) != len(s.keys) {
		return nil, ErrBadToken
	}
	p := make(place, len(s.keys))
	for i, text := range at.Values {
		if text == nil {
			continue
		}
		v, err := s.keys[i].decode(*text)
		if err != nil {
			return nil, ErrBadToken
		}
		p[i] = v
	}
	return p, nil
}

// decode reads a value as position writes it.
func (k sortKey) decode(text string) (schema.Value, error) {
	kind := k.column.Type.Kind()
	switch kind {
	case schema.KindText, schema.KindRef: // a lookup has the place of a name
		return schema.Text(text), nil
	case schema.KindInt:
		n, err := strconv.ParseInt(text, 10, 64)
		return schema.Int(n), err
	case schema.KindBool:
		b, err := strconv.ParseBool(text)
		return schema.Bool(b), err
	case schema.KindFloat:
		f, err := strconv.ParseFloat(text, 64)
		return schema.Float(f), err
	case schema.KindTime:
		t, err := time.Parse(time.RFC3339, text)
		return schema.Time(t), err
	case schema.KindDec:
		d, err := decimal.NewFromString(text)
		if e := d.Exponent(); e > maxExponent || e < -maxExponent { // to compare it would be to write it out
			return schema.Null(), ErrBadToken
		}
		return schema.Dec(d), err
	case schema.KindNull:
	}
	return schema.Null(), ErrBadToken
}

// maxExponent is beyond that of any number in a column.
const maxExponent = 200
