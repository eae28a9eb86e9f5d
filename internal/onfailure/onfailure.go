// Package onfailure reads what the event source mapping of a stream gave up: the
// objects that Lambda writes to its on-failure destination on S3, the last net
// under the changes of rows (docs/decisions/0011-failure.md).
//
// An object is one batch, as "Retain discarded records for a DynamoDB event source
// in Lambda" (docs.aws.amazon.com/lambda) describes it: a JSON document about the
// failed invocation, whose member payload has the whole event.
//
// Invariant: an object is deleted by Delete alone, so that it is there until
// everything in it has been taken up.
package onfailure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// maxObject bounds what is read of an object: an event has 6 MB at most, which
// escaping in the document may double.
const maxObject = 32 << 20

// Objects is the objects whose keys begin with a prefix.
type Objects struct {
	client         *s3.Client
	bucket, prefix string
}

// Open returns the objects that a URL names, s3://bucket or s3://bucket/prefix. It
// asks S3 for nothing yet.
func Open(client *s3.Client, url string) (*Objects, error) {
	path, ok := strings.CutPrefix(url, "s3://")
	bucket, prefix, _ := strings.Cut(path, "/")
	if !ok || bucket == "" {
		return nil, fmt.Errorf("%q is not a URL of the form s3://bucket/prefix", url)
	}
	return &Objects{client, bucket, prefix}, nil
}

// Keys lists the keys of the objects, in their order. It ends with the first error.
func (o *Objects) Keys(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pages := s3.NewListObjectsV2Paginator(o.client, &s3.ListObjectsV2Input{Bucket: &o.bucket, Prefix: &o.prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", fmt.Errorf("list s3://%s/%s: %w", o.bucket, o.prefix, err))
				return
			}
			for _, object := range page.Contents {
				if !yield(aws.ToString(object.Key), nil) {
					return
				}
			}
		}
	}
}

// Event reads the event of an object: the records that the mapping gave up, as it
// hands them to a function.
func (o *Objects) Event(ctx context.Context, key string) (json.RawMessage, error) {
	text, err := o.read(ctx, key)
	if err == nil {
		text, err = payload(text)
	}
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", o.bucket, key, err)
	}
	return text, nil
}

func (o *Objects) read(ctx context.Context, key string) ([]byte, error) {
	object, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer func() { _ = object.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(object.Body, maxObject+1))
	if err == nil && len(text) > maxObject {
		err = fmt.Errorf("it has more than %d bytes", maxObject)
	}
	return text, err
}

// payload returns the event in the document of an object. It is there as JSON text
// in a string; as a plain object it is taken too.
func payload(document []byte) (json.RawMessage, error) {
	var invocation struct{ Payload json.RawMessage }
	if err := json.Unmarshal(document, &invocation); err != nil {
		return nil, fmt.Errorf("it is not the document of a failed invocation: %w", err)
	}
	if len(invocation.Payload) == 0 {
		return nil, errors.New("it has no payload")
	}
	var text string
	if json.Unmarshal(invocation.Payload, &text) == nil {
		return json.RawMessage(text), nil
	}
	return invocation.Payload, nil
}

// Delete deletes an object.
func (o *Objects) Delete(ctx context.Context, key string) error {
	if _, err := o.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &o.bucket, Key: &key}); err != nil {
		return fmt.Errorf("delete s3://%s/%s: %w", o.bucket, key, err)
	}
	return nil
}
