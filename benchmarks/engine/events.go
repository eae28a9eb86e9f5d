package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/aws/aws-lambda-go/events"
	"github.com/shopspring/decimal"

	"segue/internal/schema"
	"segue/internal/store"
)

const perEvent = 100 // changes of a batch

// attribute returns a value as rows store it.
func attribute(c *schema.Column, v schema.Value) store.Value {
	switch v.Kind() {
	case schema.KindInt, schema.KindDec:
		return store.N(v.String())
	case schema.KindFloat:
		f, _ := v.Float()
		return store.N(decimal.NewFromFloat(f).String())
	case schema.KindBool:
		b, _ := v.Bool()
		return store.B(b)
	default:
		return store.S(c.Text(v))
	}
}

// item returns a lead as it is stored.
func item(t *schema.Table, columns []column, n int, l lead) store.Item {
	i := store.Item{
		store.PK: store.S("bench_lead#" + fmt.Sprint(n%16)), store.SK: store.S(fmt.Sprintf("00000000-0000-4000-9000-%012d", n)),
		"versionnumber": store.Int(1767323045000 + int64(n)),
	}
	for at, c := range columns {
		if !l[at].IsNull() {
			i[c.name] = attribute(t.Column(c.name), l[at])
		}
	}
	return i
}

// image writes an item as DynamoDB's JSON, in an order without meaning.
func image(i store.Item) map[string]map[string]any {
	m := map[string]map[string]any{}
	for name, v := range i {
		switch v.Kind() {
		case store.Number:
			m[name] = map[string]any{"N": v.Text()}
		case store.Bool:
			m[name] = map[string]any{"BOOL": v.True()}
		default:
			m[name] = map[string]any{"S": v.Text()}
		}
	}
	return m
}

// payloads returns the events of changes of leads in two columns each, and the leads as
// they are after it.
func payloads(r *rand.Rand, t *schema.Table, columns []column, all []lead, items []store.Item) ([][]byte, error) {
	var found [][]byte
	for from := 0; from+perEvent <= len(all); from += perEvent {
		var records []map[string]any
		for n := from; n < from+perEvent; n++ {
			before := make(lead, len(columns))
			copy(before, all[n])
			for range 2 {
				at := r.IntN(len(columns))
				before[at] = all[r.IntN(len(all))][at]
			}
			now := items[n]
			records = append(records, map[string]any{
				"eventID": fmt.Sprintf("%032d", n), "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "eu-central-1",
				"dynamodb": map[string]any{
					"ApproximateCreationDateTime": 1767323045, "SequenceNumber": fmt.Sprintf("%021d", n), "SizeBytes": 3000, "StreamViewType": "NEW_AND_OLD_IMAGES",
					"Keys":     map[string]any{"pk": map[string]string{"S": now[store.PK].Text()}, "sk": map[string]string{"S": now[store.SK].Text()}},
					"NewImage": image(now), "OldImage": image(item(t, columns, n, before)),
				},
				"eventSourceARN": "arn:aws:dynamodb:eu-central-1:000000000000:table/segue/stream/2026-01-01T00:00:00.000",
			})
		}
		payload, err := json.Marshal(map[string]any{"Records": records})
		if err != nil {
			return nil, err
		}
		found = append(found, payload)
	}
	return found, nil
}

// decodePeer reads an event as a function of events.DynamoDBEvent is given it.
func decodePeer(payload []byte) (events.DynamoDBEvent, error) {
	var e events.DynamoDBEvent
	err := json.Unmarshal(payload, &e)
	return e, err
}

// plainImage returns an image as the peers read a lead.
func plainImage(t *schema.Table, columns []column, image map[string]events.DynamoDBAttributeValue) (map[string]any, error) {
	m := make(map[string]any, len(columns))
	for _, c := range columns {
		m[c.name] = nil
		a, ok := image[c.name]
		if !ok {
			continue
		}
		text := ""
		switch a.DataType() {
		case events.DataTypeNumber:
			text = a.Number()
		case events.DataTypeBoolean:
			m[c.name] = a.Boolean()
			continue
		default:
			text = a.String()
		}
		v, err := plainText(t.Column(c.name), text)
		if err != nil {
			return nil, err
		}
		m[c.name] = v
	}
	return m, nil
}

// plainItem is plainImage for an item.
func plainItem(t *schema.Table, columns []column, i store.Item) (map[string]any, error) {
	m := make(map[string]any, len(columns))
	for _, c := range columns {
		m[c.name] = nil
		a, ok := i[c.name]
		if !ok {
			continue
		}
		if a.Kind() == store.Bool {
			m[c.name] = a.True()
			continue
		}
		v, err := plainText(t.Column(c.name), a.Text())
		if err != nil {
			return nil, err
		}
		m[c.name] = v
	}
	return m, nil
}
