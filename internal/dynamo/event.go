package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"segue/internal/store"
)

// DecodeEvent reads the Lambda event of a DynamoDB stream, record for record, in one pass
// over its bytes: of each image it notes where its attributes are, and a value is decoded
// when it is asked for.
//
// A record that is malformed becomes a Change whose two images return the reason from
// every method, so that this change fails and no other; its other fields hold what
// could be read. The error is for a payload that is not such an event. Lambda hands over
// JSON; of a payload that is none, there is an error or what could be read.
func DecodeEvent(payload json.RawMessage) ([]store.Change, error) {
	if len(payload) > math.MaxInt32 {
		return nil, fmt.Errorf("decode stream event: it has %d bytes", len(payload))
	}
	e := newEvent(payload)
	found := false
	if !e.take('{') {
		e.broken = true
	}
	for !e.broken && e.member() {
		if e.name.string(e.text) == "Records" {
			found = e.records()
		} else {
			e.skip()
		}
	}
	switch {
	case e.broken || e.peek() != 0:
		return nil, errors.New("decode stream event: it is not a JSON object")
	case !found:
		return nil, errors.New("decode stream event: it has no Records")
	}
	return e.changes, nil
}

// event is an event that is read.
type event struct {
	cursor
	key     keyReader
	words   *words
	changes []store.Change
	images  []image     // of all records, as are
	attrs   []attribute // their attributes
}

func newEvent(payload []byte) *event {
	// Lists that seldom grow: bytes that a record and an attribute have, or more.
	const perRecord, perAttribute, imagesEach = 2000, 36, 3
	records := len(payload)/perRecord + 1
	return &event{
		cursor:  cursor{b: payload, text: string(payload)}, // the one copy; all texts are parts of it
		key:     newKeyReader(),
		words:   newWords(),
		changes: make([]store.Change, 0, records),
		images:  make([]image, 0, records*imagesEach),
		attrs:   make([]attribute, 0, len(payload)/perAttribute+1),
	}
}

// records reads the records; false where there is no list of them.
func (e *event) records() bool {
	e.changes = e.changes[:0]
	if !e.take('[') {
		e.skip()
		return false
	}
	for e.element() {
		var r Record
		if e.take('{') {
			e.record(&r)
		} else {
			e.skip()
		}
		e.changes = append(e.changes, r.change(e.key))
	}
	return true
}

func (e *event) record(r *Record) {
	for e.member() {
		switch e.name.string(e.text) {
		case "eventName":
			r.Name = e.word()
		case "dynamodb":
			*r = Record{Name: r.Name}
			if e.take('{') {
				e.content(r)
			} else {
				e.skip()
			}
		default:
			e.skip()
		}
	}
}

// content reads what a record says of its item.
func (e *event) content(r *Record) {
	for e.member() {
		switch e.name.string(e.text) {
		case "Keys":
			r.Keys = e.image()
		case "NewImage":
			r.New = e.image()
		case "OldImage":
			r.Old = e.image()
		case "SequenceNumber":
			r.Sequence = e.word()
		case "ApproximateCreationDateTime":
			t := e.skip()
			if seconds, err := strconv.ParseFloat(t.raw(e.text), 64); err == nil {
				r.At = time.Unix(int64(seconds), 0).UTC()
			}
		default:
			e.skip()
		}
	}
}

// word reads a text; another value is "".
func (e *event) word() string {
	if e.peek() != '"' {
		e.skip()
		return ""
	}
	t := e.quoted()
	return t.string(e.text)
}

// Record is a stream record as both the event and the stream's API have it. What it lacks
// is nil.
type Record struct {
	Name, Sequence string // Name is INSERT, MODIFY or REMOVE
	Keys, Old, New store.Image
	At             time.Time
}

// Change returns the record as a Change; see [DecodeEvent] for a malformed one.
func (r Record) Change() store.Change { return r.change(newKeyReader()) }

func (r Record) change(key keyReader) store.Change {
	c := store.Change{Sequence: r.Sequence, Old: r.Old, New: r.New, At: r.At}
	var err error
	switch r.Name {
	case "INSERT":
		c.Kind = store.Insert
	case "MODIFY":
		c.Kind = store.Modify
	case "REMOVE":
		c.Kind = store.Remove
	default:
		err = fmt.Errorf("unknown event %q", r.Name)
	}
	if r.Keys == nil {
		err = errors.Join(err, errors.New("no keys"))
	} else {
		var errKey error
		c.Key, errKey = key.read(r.Keys)
		err = errors.Join(err, errKey)
	}
	// A missing image would read as "there was no item".
	if (c.Kind == store.Insert) != (r.Old == nil) || (c.Kind == store.Remove) != (r.New == nil) {
		err = errors.Join(err, errors.New("images do not fit the event; the stream must carry NEW_AND_OLD_IMAGES"))
	}
	if err != nil {
		broken := brokenImage{fmt.Errorf("stream record %q of %s/%s: %w", c.Sequence, c.Key.PK, c.Key.SK, err)}
		c.Old, c.New = broken, broken
	}
	return c
}

// keyReader reads keys, of one record after another.
type keyReader struct {
	names  *store.Names
	values []store.Value
}

func newKeyReader() keyReader {
	return keyReader{store.NewNames(store.PK, store.SK), make([]store.Value, 2)}
}

func (k keyReader) read(keys store.Image) (store.Key, error) {
	clear(k.values)
	err := keys.Values(k.names, k.values)
	key := store.Key{PK: k.values[0].Text(), SK: k.values[1].Text()}
	if key.PK == "" || key.SK == "" {
		err = errors.Join(err, errors.New("no key in its keys"))
	}
	return key, err
}

// brokenImage is an image of which nothing can be read.
type brokenImage struct{ err error }

// Values implements [store.Image].
func (b brokenImage) Values(*store.Names, []store.Value) error { return b.err }

// Item implements [store.Image].
func (b brokenImage) Item() (store.Item, error) { return nil, b.err }
