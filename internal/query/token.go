package query

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"strconv"
)

// position is a place in a plan: after the row with sort key After in a
// partition. Its encoding is the token of a page.
type position struct {
	Partition int    `json:"p,omitempty"`
	After     string `json:"a,omitempty"`
	Filter    string `json:"f,omitempty"` // digest of the table and condition that a token belongs to
}

// encode returns the token of a page that starts after the position.
func (at position) encode(filter string) string {
	at.Filter = digest(filter)
	text, _ := json.Marshal(at) //nolint:errchkjson // strings and an int always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

// decodePosition returns the position of a token of this filter, the start for "".
func decodePosition(token, filter string) (position, error) {
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
	if at.Filter != digest(filter) || at.Partition < 0 {
		return at, ErrBadToken
	}
	return at, nil
}

func digest(text string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // a hash never fails
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}
