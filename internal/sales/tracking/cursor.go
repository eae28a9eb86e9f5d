package tracking

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"segue/internal/schema"
)

// ErrBadToken means that a token is not one of changes of the table that it came with.
var ErrBadToken = errors.New("the delta token does not belong to this table")

// ErrExpired means that a token is older than [Life]: what it asks for is kept no longer.
var ErrExpired = errors.New("the delta token has expired; read the whole list again")

// Cursor is how far a client has read the changes of a table. All shards of the log are
// read up to the same minute; inside a list of several pages it is the place in one of
// them.
type Cursor struct {
	table     string
	since     time.Time // changes logged from its minute on
	until     time.Time // when this list of changes was begun; zero: it is not
	deletions bool      // it is at those, which come last
	shard     int
	after     string // the entry after which it goes on
}

// Start returns the cursor of whoever begins to read a table now.
func (l *Log) Start(t *schema.Table) Cursor {
	return Cursor{table: t.Name, since: l.db.Now().Add(-Overlap)}
}

// next returns the cursor of the list of changes after this one.
func (c Cursor) next() Cursor { return Cursor{table: c.table, since: c.until.Add(-Overlap)} }

type token struct {
	Table     string `json:"t"`
	Since     int64  `json:"f"`
	Until     int64  `json:"u,omitempty"`
	Deletions bool   `json:"d,omitempty"`
	Shard     int    `json:"s,omitempty"`
	After     string `json:"a,omitempty"`
}

// Token returns the cursor as text that a URL holds.
func (c Cursor) Token() string {
	t := token{Table: c.table, Since: c.since.Unix(), Deletions: c.deletions, Shard: c.shard, After: c.after}
	if !c.until.IsZero() {
		t.Until = c.until.Unix()
	}
	text, _ := json.Marshal(t) // it always can
	return base64.RawURLEncoding.EncodeToString(text)
}

// Resume returns the cursor of a token for a table. Its error is [ErrBadToken] or
// [ErrExpired].
func (l *Log) Resume(t *schema.Table, text string) (Cursor, error) {
	var from token
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(data, &from)
	}
	if err != nil || from.Table != t.Name || from.Shard < 0 || from.Shard > schema.Shards || len(from.After) > maxEntry {
		return Cursor{}, ErrBadToken
	}
	c := Cursor{table: t.Name, since: time.Unix(from.Since, 0), deletions: from.Deletions, shard: from.Shard, after: from.After}
	if from.Until != 0 {
		c.until = time.Unix(from.Until, 0)
	}
	switch now := l.db.Now(); {
	case now.Sub(c.since) > Life+Overlap:
		return Cursor{}, ErrExpired
	case c.since.After(now) || c.until.After(now.Add(Overlap)):
		return Cursor{}, ErrBadToken
	}
	return c, nil
}

const maxEntry = 1024 // bytes of the id of an entry
