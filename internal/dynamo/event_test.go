package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/dynamo"
	"segue/internal/store"
)

// Two records as Lambda hands them over, with the members that nobody reads.
const twoRecords = `{"Records": [
 {"eventID": "1", "eventVersion": "1.1", "eventName": "MODIFY", "awsRegion": "us-east-1", "eventSource": "aws:dynamodb",
  "dynamodb": {
   "ApproximateCreationDateTime": 1.7E9, "StreamViewType": "NEW_AND_OLD_IMAGES", "SizeBytes": 99,
   "Keys": {"sk": {"S": "s"}, "pk": {"S": "p"}},
   "OldImage": {"pk": {"S": "p"}, "sk": {"S": "s"}, "n": {"N": "1"}},
   "NewImage": {"pk": {"S": "p"}, "sk": {"S": "s"}, "n": {"N": "2"}, "flag": {"BOOL": true}, "none": {"NULL": true},
                "a \"quoted\" name": {"S": "x"}, "z\u00e9": {"L": [{"M": {"in": {"S": "}"}}}, {"L": []}, {"M": {}}]}},
   "SequenceNumber": "100"},
  "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/segue/stream/2026-01-01T00:00:00.000"},
 {"eventName": "REMOVE", "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
  "dynamodb": {"ApproximateCreationDateTime": 1700000001, "Keys": {"pk": {"S": "p"}, "sk": {"S": "t"}},
   "OldImage": {"pk": {"S": "p"}, "sk": {"S": "t"}}, "SequenceNumber": "101"}}]}`

func TestDecodeEvent(t *testing.T) {
	changes, err := dynamo.DecodeEvent([]byte(twoRecords))
	if err != nil || len(changes) != 2 {
		t.Fatalf("got %d changes, error %v", len(changes), err)
	}
	at := func(k, n string, more ...any) store.Item {
		i := store.Item{store.PK: store.S("p"), store.SK: store.S(k)}
		if n != "" {
			i["n"] = store.N(n)
		}
		for p := 0; p < len(more); p += 2 {
			i[more[p].(string)] = more[p+1].(store.Value)
		}
		return i
	}
	want := []store.Change{
		{Sequence: "100", Kind: store.Modify, Key: key, At: time.Unix(1700000000, 0).UTC(), Old: at("s", "1"),
			New: at("s", "2", "flag", store.B(true), "none", store.Nil(), `a "quoted" name`, store.S("x"), "zé",
				other(t, `{"L":[{"M":{"in":{"S":"}"}}},{"L":[]},{"M":{}}]}`))},
		{Sequence: "101", Kind: store.Remove, Key: second, At: time.Unix(1700000001, 0).UTC(), Old: at("t", "")},
	}
	if d := cmp.Diff(want, whole(t, changes)); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	image, wanted := want[0].New.(store.Item), []string{"missing", "zé", store.PK, "n", `a "quoted" name`, "none"}
	got, all := make([]store.Value, len(wanted)), make([]store.Value, len(wanted))
	for range 2 { // what was there before does not stay
		if err := errors.Join(changes[0].New.Values(store.NewNames(wanted...), got), image.Values(store.NewNames(wanted...), all)); err != nil {
			t.Error(err)
		}
		if !slices.Equal(got, all) {
			t.Errorf("columns together: got %v, want %v", got, all)
		}
		got[0] = store.S("left over")
	}
	for _, attr := range []string{store.PK, "n", "flag", "none", `a "quoted" name`, "zé", "missing"} {
		got, err := column(changes[0].New, attr)
		if d := cmp.Diff(image[attr], got); d != "" || err != nil {
			t.Errorf("column %q: error %v (-want +got):\n%s", attr, err, d)
		}
	}
}

// column reads one column of an image.
func column(i store.Image, attr string) (store.Value, error) {
	var v [1]store.Value
	err := i.Values(store.NewNames(attr), v[:])
	return v[0], err
}

// whole replaces the images of changes by items, which compare.
func whole(t *testing.T, changes []store.Change) []store.Change {
	t.Helper()
	item := func(i store.Image) store.Image {
		if i == nil {
			return nil
		}
		whole, err := i.Item()
		if err != nil {
			t.Errorf("image: %v", err)
		}
		return whole
	}
	for n := range changes {
		changes[n].Old, changes[n].New = item(changes[n].Old), item(changes[n].New)
	}
	return changes
}

// A record that makes no sense fails alone, for a reason that says so.
func TestDecodeBrokenRecords(t *testing.T) {
	good := `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","Keys":{"pk":{"S":"p"},"sk":{"S":"s"}},"NewImage":{"pk":{"S":"p"},"sk":{"S":"s"}}}}`
	for _, test := range []struct{ name, from, to, reason string }{
		{"unknown event", "INSERT", "UPSERT", `unknown event "UPSERT"`},
		{"event of another type", `"INSERT"`, `7`, `unknown event ""`},
		{"no images", `"NewImage"`, `"Other"`, "NEW_AND_OLD_IMAGES"},
		{"image too many", `"INSERT"`, `"REMOVE"`, "NEW_AND_OLD_IMAGES"},
		{"no keys", `"Keys"`, `"Quays"`, "no keys"},
		{"half a key", `"sk":{"S":"s"}},"N`, `"so":{"S":"s"}},"N`, "no key in its keys"},
		{"key is not a string", `{"pk":{"S":"p"},"sk":{"S":"s"}},"N`, `{"pk":{"S":5},"sk":{"S":"s"}},"N`, "attribute pk"},
		{"keys are not an object", `{"pk":{"S":"p"},"sk":{"S":"s"}},"N`, `"p/s","N`, "not a JSON object"},
		{"nothing at all", good, `{}`, "unknown event"},
		{"no object", good, `17`, "unknown event"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bad := strings.Replace(good, test.from, test.to, 1)
			changes, err := dynamo.DecodeEvent([]byte(`{"Records":[` + good + `,` + bad + `,` + good + `]}`))
			if err != nil || len(changes) != 3 {
				t.Fatalf("got %d changes, error %v; want 3", len(changes), err)
			}
			for _, image := range []store.Image{changes[1].Old, changes[1].New} {
				_, err := column(image, "n")
				_, errItem := image.Item()
				if err == nil || errItem == nil || !strings.Contains(err.Error(), test.reason) {
					t.Errorf("got errors %v and %v, want %q", err, errItem, test.reason)
				}
			}
			if _, err := column(changes[2].New, "n"); err != nil {
				t.Errorf("the next record: %v", err)
			}
		})
	}
}

func TestDecodeNoEvent(t *testing.T) {
	for _, payload := range []string{"", "{", "{}", "[]", `{"Records":5}`, `{"Records":null}`} {
		if changes, err := dynamo.DecodeEvent([]byte(payload)); err == nil {
			t.Errorf("%q: got %v, want an error", payload, changes)
		}
	}
}

// other reads a value in DynamoDB's JSON.
func other(t testing.TB, text string) store.Value {
	t.Helper()
	v, err := store.ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A column of a type that Segue does not use is carried unread, and is the same
// whether the item came by an event or was read.
func TestDecodeForeignColumn(t *testing.T) {
	for _, text := range []string{
		`{"NS": ["3", "2"]}`, `{"SS": ["b", "a"]}`, `{"BS": ["AQ=="]}`, `{"B": "AQ=="}`, `{"L": [ {"S": "x"}, {"SS": ["b", "a"]} ]}`,
		`{"M": {"b": {"NULL": true}, "a": {"B": "AA=="}}}`,
	} {
		changes, err := dynamo.DecodeEvent([]byte(strings.Replace(twoRecords, `{"N": "2"}`, text, 1)))
		if err != nil {
			t.Fatal(err)
		}
		want := other(t, text)
		if v, err := column(changes[0].New, "n"); err != nil || v != want || v.Kind() != store.Other {
			t.Errorf("column: got %v, %v, want %v", v, err, want)
		}
		if i, err := changes[0].New.Item(); err != nil || i["n"] != want {
			t.Errorf("item: got %v, %v, want %v", i["n"], err, want)
		}
		read, err := on(t, scripted(ok(`{"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"n":`+text+`}}`))).Get(t.Context(), key)
		if err != nil || read[0]["n"] != want {
			t.Errorf("read: got %v, %v, want %v", read, err, want)
		}
	}
}

// A column of a type that DynamoDB does not have fails when it is asked for.
func TestDecodeUnknownType(t *testing.T) {
	changes, err := dynamo.DecodeEvent([]byte(strings.Replace(twoRecords, `{"N": "2"}`, `{"X": ["2"]}`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := column(changes[0].New, "n"); err == nil {
		t.Errorf("column: got %v, want an error", v)
	}
	if i, err := changes[0].New.Item(); err == nil {
		t.Errorf("item: got %v, want an error", i)
	}
	if v, err := column(changes[0].New, "flag"); err != nil || !v.True() {
		t.Errorf("another column: got %v, %v", v, err)
	}
}

// Whatever the names and texts, a column read alone is that of the whole item.
func TestColumnsAgreeWithItem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.MapOfN(rapid.String(), rapid.String(), 0, 6).Draw(t, "columns")
		image := map[string]any{"pk": map[string]string{"S": "p"}, "sk": map[string]string{"S": "s"}}
		for name, text := range columns {
			image[name] = map[string]any{"L": []any{map[string]string{"S": text}}}
		}
		payload, err := json.MarshalIndent(map[string]any{"Records": []any{map[string]any{"eventName": "INSERT",
			"dynamodb": map[string]any{"Keys": image, "NewImage": image, "SequenceNumber": "1"}}}}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		changes, err := dynamo.DecodeEvent(payload)
		if err != nil {
			t.Fatal(err)
		}
		item, err := changes[0].New.Item()
		if err != nil {
			return // a column named pk or sk: a record that makes no sense
		}
		names := slices.Sorted(maps.Keys(image))
		together := make([]store.Value, len(names))
		if err := changes[0].New.Values(store.NewNames(names...), together); err != nil {
			t.Fatal(err)
		}
		for n, name := range names {
			if together[n] != item[name] {
				t.Fatalf("column %q among all: got %v, want %v", name, together[n], item[name])
			}
		}
		for name := range image {
			if got, err := column(changes[0].New, name); err != nil || !got.Equal(item[name]) {
				t.Fatalf("column %q: got %v, %v, want %v", name, got, err, item[name])
			}
		}
	})
}

// batch is an event of 100 changes of rows of 40 columns, 2 KB an image.
func batch() []byte {
	var columns []string
	for n := range 40 {
		columns = append(columns, fmt.Sprintf(`"column_%02d":{"S":"a value of thirty characters.."}`, n))
	}
	image := `{"pk":{"S":"lead#3"},"sk":{"S":"s"},` + strings.Join(columns, ",") + `}`
	record := `{"eventName":"MODIFY","dynamodb":{"ApproximateCreationDateTime":1700000000,"Keys":{"pk":{"S":"lead#3"},"sk":{"S":"s"}},` +
		`"OldImage":` + image + `,"NewImage":` + image + `,"SequenceNumber":"100"}}`
	return []byte(`{"Records":[` + strings.Repeat(record+",", 99) + record + `]}`)
}

func BenchmarkDecode(b *testing.B) {
	payload := batch()
	run := func(read func(store.Image) error) func(*testing.B) {
		return func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				changes, err := dynamo.DecodeEvent(payload)
				if err != nil {
					b.Fatal(err)
				}
				for _, c := range changes {
					if read(c.Old) != nil || read(c.New) != nil {
						b.Fatal("image cannot be read")
					}
				}
			}
		}
	}
	three, into := store.NewNames("column_00", "column_20", "column_39"), make([]store.Value, 3)
	b.Run("three columns", run(func(i store.Image) error { return i.Values(three, into) }))
	var fifteen []string
	for n := range 15 {
		fifteen = append(fifteen, fmt.Sprintf("column_%02d", 2*n+1))
	}
	some, many := store.NewNames(fifteen...), make([]store.Value, 15)
	b.Run("fifteen columns", run(func(i store.Image) error { return i.Values(some, many) }))
	b.Run("whole items", run(func(i store.Image) error {
		_, err := i.Item()
		return err
	}))
}
