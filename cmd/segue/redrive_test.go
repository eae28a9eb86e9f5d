package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"segue/internal/api"
	"segue/internal/boot/laptop"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// parkedStore is a store with leads that are parked because of a segment.
type parkedStore struct {
	t       *testing.T
	laptop  *laptop.App
	program program
	leads   []string
	edits   int
}

func newParkedStore(t *testing.T, leads int) *parkedStore {
	t.Helper()
	p := program{Data: t.TempDir()}
	laptop, err := p.place().Open(t.Context(), startLog(slog.LevelError))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = laptop.Close() }) // it may be closed already
	s := &parkedStore{t: t, laptop: laptop, program: p}
	s.write(name.Segment, salestest.ID("segment", 1), salestest.Values{
		"msdyn_name": "Web", "msdyn_objecttype": "lead", "msdyn_entityfilter": salestest.Where(salestest.Web),
	})
	s.write(name.Segment, salestest.ID("segment", 1), salestest.Values{"statecode": int64(0)})
	s.settle()
	s.conditions(`{"type":"and","items":[{"attribute":"new_gone","operator":"null"}]}`)
	for n := range leads {
		s.leads = append(s.leads, salestest.ID("lead", n))
		s.write(name.Lead, s.leads[n], salestest.Values{"subject": "A", "lastname": "B", salestest.Sources: int64(8)})
	}
	s.settle()
	return s
}

// write makes or changes a row.
func (s *parkedStore) write(table, id string, v salestest.Values) {
	s.t.Helper()
	if _, _, err := s.laptop.Entities.Update(s.t.Context(), sales.Engine(), rows.Ref{Table: table, ID: id}, schematest.Row(v), entity.If{}); err != nil {
		s.t.Fatal(err)
	}
}

// conditions changes the conditions of the segment past its rules, which would take
// up by themselves what is parked.
func (s *parkedStore) conditions(text string) {
	s.t.Helper()
	err := s.laptop.DB.Do(s.t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(s.t.Context(), rows.Ref{Table: name.Segment, ID: salestest.ID("segment", 1)})
		if err == nil {
			found[0].Set(name.MsdynEntityfilter, schema.Text(text))
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.edits++ // of another segment, so that the catalogue is read again
	s.write(name.Segment, salestest.ID("other", s.edits), salestest.Values{"msdyn_name": "Other", "msdyn_objecttype": "lead"})
}

func (s *parkedStore) settle() {
	s.t.Helper()
	if err := evaluateAll(s.t.Context(), s.laptop); err != nil {
		s.t.Fatal(err)
	}
}

// serve serves the store and returns the URL.
func (s *parkedStore) serve() string {
	server := httptest.NewServer(api.New(s.laptop.API).Mux())
	s.t.Cleanup(server.Close)
	return server.URL
}

// eachWay returns the ways in which the commands reach the store.
func eachWay() map[string]func(s *parkedStore) failures {
	return map[string]func(s *parkedStore) failures{
		"on the store itself": func(s *parkedStore) failures { return direct{s.laptop, false} },
		"through a server": func(s *parkedStore) failures {
			s.t.Helper()
			work, err := s.program.failures(s.t.Context(), s.serve())
			if err != nil {
				s.t.Fatal(err)
			}
			return work
		},
	}
}

// ids lists the leads that are parked.
func ids(t *testing.T, work failures) []string {
	t.Helper()
	list := []string{}
	for change, err := range work.parked(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Table != name.Lead || change.Handler != "segmentation.evaluate" || change.Tries == 0 || change.Program == "" ||
			!strings.Contains(change.Reason, "new_gone") || change.Due.IsZero() {
			t.Errorf("parked %+v", change)
		}
		list = append(list, change.ID)
	}
	slices.Sort(list)
	return list
}

// The commands do the same on the store itself and through a server.
func TestFailures(t *testing.T) {
	for way, open := range eachWay() {
		t.Run(way, func(t *testing.T) {
			s := newParkedStore(t, 3)
			work := open(s)
			if d := cmp.Diff(slices.Sorted(slices.Values(s.leads)), ids(t, work)); d != "" {
				t.Errorf("parked (-want +got):\n%s", d)
			}
			if err := work.redrive(t.Context(), name.Lead, s.leads[0]); err == nil || !strings.Contains(err.Error(), "new_gone") {
				t.Errorf("redrive of what is still broken: %v", err)
			}
			s.conditions(salestest.Where(salestest.Web))
			if err := work.redrive(t.Context(), name.Lead, s.leads[0]); err != nil {
				t.Error(err)
			}
			if got := ids(t, work); slices.Contains(got, s.leads[0]) || len(got) != 2 {
				t.Errorf("left parked: %q", got)
			}
			if err := work.redriveAll(t.Context(), ""); err != nil {
				t.Error(err)
			}
			s.settle()
			if got := ids(t, work); len(got) > 0 {
				t.Errorf("left parked: %q", got)
			}
			if err := work.redriveAll(t.Context(), ""); err != nil {
				t.Errorf("with nothing parked: %v", err)
			}
		})
	}
}

// Rows whose changes nobody has followed, as those of a table that was restored, are
// followed as they are.
func TestRedriveTable(t *testing.T) {
	for way, open := range eachWay() {
		t.Run(way, func(t *testing.T) {
			s := newParkedStore(t, 0)
			s.conditions(salestest.Where(salestest.Web))
			const leads = 20
			for n := range leads {
				s.write(name.Lead, salestest.ID("lead", n), salestest.Values{"subject": "A", "lastname": "B", salestest.Sources: int64(8)})
			}
			lost := func(context.Context, []store.Change) []store.Failure { return nil }
			if err := s.laptop.File.Drain(t.Context(), consumer, lost); err != nil {
				t.Fatal(err)
			}
			work := open(s)
			if err := work.redriveAll(t.Context(), "led"); err == nil || !strings.Contains(err.Error(), `"led"`) {
				t.Errorf("a table that is not there: %v", err)
			}
			if err := work.redriveAll(t.Context(), name.Lead); err != nil {
				t.Fatal(err)
			}
			s.settle()
			for n := range leads {
				ref := rows.Ref{Table: name.Lead, ID: salestest.ID("lead", n)}
				row, err := s.laptop.Entities.Retrieve(t.Context(), sales.Engine(), ref)
				if err != nil || row.Lookup(name.MsdynSegmentid).ID != salestest.ID("segment", 1) {
					t.Errorf("%v is not in its segment: %v", ref, err)
				}
			}
		})
	}
}

// A start takes up what is parked, and says nothing where there is nothing.
func TestBeginRedrive(t *testing.T) {
	s := newParkedStore(t, 2)
	s.conditions(salestest.Where(salestest.Web))
	for _, want := range []bool{true, false} {
		begun, err := s.laptop.BeginRedrive(t.Context(), "")
		if begun != want || err != nil {
			t.Errorf("begun %t, %v, want %t", begun, err, want)
		}
		s.settle()
	}
	if got := ids(t, direct{s.laptop, false}); len(got) > 0 {
		t.Errorf("left parked: %q", got)
	}
}

func TestRedriveCommand_Refuses(t *testing.T) {
	for name, c := range map[string]redriveCommand{
		"nothing":          {},
		"a table alone":    {Table: "lead"},
		"a table and S3":   {Table: "lead", S3: "s3://bucket"},
		"an id alone":      {ID: "x"},
		"all and a row":    {All: true, Table: "lead", ID: "x"},
		"all and a bucket": {All: true, S3: "s3://bucket"},
	} {
		if err := c.Run(t.Context(), &program{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// An object of the on-failure destination is deleted when all rows that it names are
// taken up, and stays when one is not; it does not hold up the others.
func TestRedriveObjects(t *testing.T) {
	endpoint := dynamotest.Endpoint(t)
	client := s3.NewFromConfig(dynamotest.Config(endpoint), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := "test-" + uuid.NewString()
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	s := newParkedStore(t, 3)
	s.conditions(salestest.Where(salestest.Web))
	object := func(keys ...string) string { // of changes of these rows
		var records []string
		for _, key := range keys {
			table, id, _ := strings.Cut(key, " ")
			records = append(records, fmt.Sprintf(`{"eventName":"REMOVE","dynamodb":{"SequenceNumber":"1","Keys":{"pk":{"S":"%s#7"},"sk":{"S":"%s"}}}}`, table, id))
		}
		payload, err := json.Marshal(`{"Records":[` + strings.Join(records, ",") + `]}`)
		if err != nil {
			t.Fatal(err)
		}
		return `{"version":"1.0","payload":` + string(payload) + `}`
	}
	for key, text := range map[string]string{
		"on/1": object("lead "+s.leads[0], "lead "+s.leads[1], "lead "+s.leads[0]),
		"on/2": object("leda x", "lead "+s.leads[2]),
		"on/3": `{"version":"1.0"}`,
		"on/4": object(""),
		"of/5": object("leda x"),
	} {
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(text)}); err != nil {
			t.Fatal(err)
		}
	}
	s.program.Endpoint = endpoint // of S3 only: the store is open already
	c := redriveCommand{S3: "s3://" + bucket + "/on/"}
	if err := c.redriveObjects(t.Context(), &s.program, direct{s.laptop, false}); err == nil || !strings.Contains(err.Error(), "3 objects") {
		t.Errorf("redrive: %v, want an error that says 3 objects stay", err)
	}
	if d := cmp.Diff([]string{"of/5", "on/2", "on/3", "on/4"}, objectsOf(t, client, bucket)); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
	if got := ids(t, direct{s.laptop, false}); len(got) > 0 {
		t.Errorf("left parked: %q", got)
	}
}

func objectsOf(t *testing.T, client *s3.Client, bucket string) []string {
	t.Helper()
	listed, err := client.ListObjectsV2(context.WithoutCancel(t.Context()), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range listed.Contents {
		keys = append(keys, *o.Key)
	}
	return keys
}
