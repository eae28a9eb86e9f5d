package dynamo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/google/go-cmp/cmp"

	"segue/internal/dynamo"
	"segue/internal/store"
)

// FuzzDecodeEvent compares the decoder with encoding/json and with the SDK's codec of
// DynamoDB's JSON. Bytes that are no JSON are an error or some changes, never a panic.
func FuzzDecodeEvent(f *testing.F) {
	example, err := os.ReadFile("../../events/evaluate.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(example), twoRecords, string(batch()[:5000]), `{"Records":[]}`, `{"Records":[17,null,"x",{}]}`,
		`{"Records":[{"eventName":"INSERT","dynamodb":{"Keys":{"pk":{"S":"a\"\u00e9\\"},"sk":{"S":"s"}},"NewImage":{"a\"b":{"S":"x\ty"},"n":{"N":"-1.5"},"t":{"BOOL":true},"f":{"BOOL":false},"z":{"NULL":true},"b":{"B":"AAE="},"l":{"L":[{"S":"}"},{"M":{"k":{"NS":["1","2"]}}}]},"e":{"S":""}}}}]}`,
		`{"Records":[{"eventName":"REMOVE","dynamodb":{"OldImage":{"x":{"S":"1","N":"2"}},"Keys":{},"SequenceNumber":7,"ApproximateCreationDateTime":1.7e9}}]}`,
		`{ "Records" : [ { "dynamodb" : { "NewImage" : { "x" : { "S" : "1" } , "y" : { "S" : "twelve bytes" } } , "OldImage" : null } } ] }`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		changes, err := dynamo.DecodeEvent(payload)
		for _, c := range changes { // whatever it is, it can be asked
			for _, image := range []store.Image{c.Old, c.New} {
				if image != nil {
					_, _ = image.Item()
				}
			}
		}
		if !json.Valid(payload) || !utf8.Valid(payload) {
			return
		}
		want, ok := referenceRecords(payload)
		if (err == nil) != ok || len(changes) != len(want) {
			t.Fatalf("got %d changes, %v, want %d, %v", len(changes), err, len(want), ok)
		}
		for n, c := range changes {
			checkRecord(t, c, want[n])
		}
	})
}

// referenceRecords returns the content of each record, by encoding/json.
func referenceRecords(payload []byte) (contents []map[string]json.RawMessage, ok bool) {
	var top map[string]json.RawMessage
	var records []json.RawMessage
	if json.Unmarshal(payload, &top) != nil || json.Unmarshal(top["Records"], &records) != nil || records == nil {
		return nil, false
	}
	for _, raw := range records {
		var record, content map[string]json.RawMessage
		if json.Unmarshal(raw, &record) == nil && record != nil {
			_ = json.Unmarshal(record["dynamodb"], &content) // nil is what it has then
		}
		contents = append(contents, content)
	}
	return contents, true
}

func checkRecord(t *testing.T, c store.Change, content map[string]json.RawMessage) {
	t.Helper()
	var sequence string
	if json.Unmarshal(content["SequenceNumber"], &sequence) == nil && c.Sequence != sequence {
		t.Errorf("sequence %q, want %q", c.Sequence, sequence)
	}
	for member, image := range map[string]store.Image{"OldImage": c.Old, "NewImage": c.New} {
		raw := bytes.TrimSpace(content[member])
		if len(raw) == 0 || raw[0] != '{' {
			continue
		}
		want, err := referenceItem(raw)
		if err != nil {
			continue
		}
		got, err := image.Item()
		if err != nil { // the record makes no sense as a whole
			continue
		}
		for name, v := range got {
			if v.Kind() == store.Other { // base64 may be written in several ways
				got[name] = bySDK(t, v)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", member, d)
		}
		var list []string
		for name := range want {
			list = append(list, name)
		}
		names, values := store.NewNames(list...), make([]store.Value, len(list))
		err = image.Values(names, values)
		for n, name := range list {
			if v := values[n]; v != want[name] && (v.Kind() != store.Other || bySDK(t, v) != want[name]) {
				err = errors.Join(err, errors.New(name))
			}
		}
		if err != nil {
			t.Errorf("%s, attribute by attribute: %v", member, err)
		}
	}
}

// referenceItem decodes an image by the SDK's codec.
func referenceItem(raw []byte) (store.Item, error) {
	attributes, err := attributevalue.UnmarshalMapJSON(raw)
	if err != nil {
		return nil, err
	}
	item := store.Item{}
	for name, a := range attributes {
		if item[name], err = dynamo.FromAttribute(a); err != nil {
			return nil, err
		}
	}
	return item, nil
}

// bySDK returns a value as the SDK's codec writes it.
func bySDK(t *testing.T, v store.Value) store.Value {
	t.Helper()
	a, err := attributevalue.UnmarshalJSON([]byte(v.Text()))
	if err != nil {
		t.Fatal(err)
	}
	v, err = dynamo.FromAttribute(a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
