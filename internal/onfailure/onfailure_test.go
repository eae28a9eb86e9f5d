package onfailure_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"segue/internal/dynamo/dynamotest"
	"segue/internal/onfailure"
)

// bucket makes a bucket of the test's own on the emulator, or skips the test.
func bucket(t *testing.T) (*s3.Client, string) {
	t.Helper()
	client := s3.NewFromConfig(dynamotest.Config(dynamotest.Endpoint(t)), func(o *s3.Options) { o.UsePathStyle = true })
	name := "test-" + uuid.NewString()
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return client, name
}

func put(t *testing.T, client *s3.Client, bucket, key, text string) {
	t.Helper()
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(text)}); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T, o *onfailure.Objects) []string {
	t.Helper()
	var list []string
	for key, err := range o.Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, key)
	}
	return list
}

// The documents have the forms that Lambda writes (testdata/invocation.json) and
// that its emulators write.
func TestObjects(t *testing.T) {
	client, name := bucket(t)
	invocation, err := os.ReadFile("testdata/invocation.json")
	if err != nil {
		t.Fatal(err)
	}
	for key, text := range map[string]string{
		"aws/lambda/1":  string(invocation),
		"aws/lambda/2":  `{"payload": {"Records": []}}`,
		"aws/lambda/3":  `{"version": "1.0"}`,
		"aws/lambda/4":  `no JSON`,
		"aws/other/key": `{}`,
	} {
		put(t, client, name, key, text)
	}
	o, err := onfailure.Open(client, "s3://"+name+"/aws/lambda/")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, key := range keys(t, o) {
		event, err := o.Event(t.Context(), key)
		if err != nil {
			event = []byte("error")
			if !strings.Contains(err.Error(), key) {
				t.Errorf("%v does not name the object %s", err, key)
			}
		}
		got[key] = string(event)
	}
	want := map[string]string{
		"aws/lambda/1": `{"Records": [{"eventName": "REMOVE", "dynamodb": {"Keys": {"pk": {"S": "lead#1"}, "sk": {"S": "a \"quoted\" id"}}}}]}`,
		"aws/lambda/2": `{"Records": []}`,
		"aws/lambda/3": "error", "aws/lambda/4": "error",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	if err := o.Delete(t.Context(), "aws/lambda/1"); err != nil {
		t.Error(err)
	}
	if left := keys(t, o); slices.Contains(left, "aws/lambda/1") || len(left) != 3 {
		t.Errorf("left are %q", left)
	}
}

// A listing has pages of a thousand keys.
func TestObjects_Pages(t *testing.T) {
	client, name := bucket(t)
	const objects = 1003
	for n := range objects {
		put(t, client, name, fmt.Sprintf("%04d", n), "{}")
	}
	o, err := onfailure.Open(client, "s3://"+name)
	if err != nil {
		t.Fatal(err)
	}
	if got := keys(t, o); len(got) != objects || !slices.IsSorted(got) {
		t.Errorf("%d keys, want %d", len(got), objects)
	}
	for key, err := range o.Keys(t.Context()) { // a listing may be left
		if key != "0000" || err != nil {
			t.Errorf("the first key is %q, %v", key, err)
		}
		break
	}
}

func TestOpen_Refuses(t *testing.T) {
	for _, url := range []string{"", "bucket/prefix", "https://bucket", "s3:///prefix"} {
		if _, err := onfailure.Open(nil, url); err == nil {
			t.Errorf("%q is accepted", url)
		}
	}
}

// Errors name what was asked for.
func TestObjects_NoBucket(t *testing.T) {
	client, name := bucket(t)
	o, err := onfailure.Open(client, "s3://"+name+"-not")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range o.Keys(t.Context()) {
		if err == nil || !strings.Contains(err.Error(), name+"-not") {
			t.Errorf("list: %v", err)
		}
	}
	if _, err := o.Event(t.Context(), "key"); err == nil {
		t.Error("an event was read from a bucket that is not there")
	}
}
