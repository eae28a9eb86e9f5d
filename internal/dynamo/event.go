package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"segue/internal/store"
)

// event is what Lambda passes to a function for a batch of stream records, without
// the members that nobody reads.
type event struct {
	Records []struct {
		EventName string `json:"eventName"`
		DynamoDB  struct {
			Keys, NewImage, OldImage    json.RawMessage
			SequenceNumber              string
			ApproximateCreationDateTime float64
		} `json:"dynamodb"`
	}
}

// DecodeEvent reads the Lambda event of a DynamoDB stream, record for record.
// The images stay JSON until a column is asked for.
//
// A record that is malformed becomes a Change whose two images return the reason from
// every method, so that this change fails and no other; its other fields hold what
// could be read. The error is for a payload that is not such an event.
func DecodeEvent(payload json.RawMessage) ([]store.Change, error) {
	var e event
	err := json.Unmarshal(payload, &e)
	var mismatch *json.UnmarshalTypeError // decoding went on after it, and the record lacks the member
	if err != nil && !errors.As(err, &mismatch) {
		return nil, fmt.Errorf("decode stream event: %w", err)
	}
	if e.Records == nil {
		return nil, errors.New("decode stream event: it has no Records")
	}
	changes := make([]store.Change, len(e.Records))
	for i, r := range e.Records {
		c := Record{
			Name: r.EventName, Sequence: r.DynamoDB.SequenceNumber,
			At: time.Unix(int64(r.DynamoDB.ApproximateCreationDateTime), 0).UTC(),
		}
		if len(r.DynamoDB.Keys) > 0 {
			c.Keys = rawImage(r.DynamoDB.Keys)
		}
		if len(r.DynamoDB.NewImage) > 0 {
			c.New = rawImage(r.DynamoDB.NewImage)
		}
		if len(r.DynamoDB.OldImage) > 0 {
			c.Old = rawImage(r.DynamoDB.OldImage)
		}
		changes[i] = c.Change()
	}
	return changes, nil
}

// Record is a stream record as both the event and the stream's API have it. What it lacks
// is nil.
type Record struct {
	Name, Sequence string // Name is INSERT, MODIFY or REMOVE
	Keys, Old, New store.Image
	At             time.Time
}

// Change returns the record as a Change; see [DecodeEvent] for a malformed one.
func (r Record) Change() store.Change {
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
		var key [2]store.Value
		err = errors.Join(err, r.Keys.Values([]string{store.PK, store.SK}, key[:]))
		c.Key = store.Key{PK: key[0].Text(), SK: key[1].Text()}
		if c.Key.PK == "" || c.Key.SK == "" {
			err = errors.Join(err, errors.New("no key in its keys"))
		}
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

// brokenImage is an image of which nothing can be read.
type brokenImage struct{ err error }

// Values implements [store.Image].
func (b brokenImage) Values([]string, []store.Value) error { return b.err }

// Item implements [store.Image].
func (b brokenImage) Item() (store.Item, error) { return nil, b.err }
