// Package dynamotest opens tables for tests on the DynamoDB that
// SEGUE_DYNAMODB_ENDPOINT names: the emulator, which `make store` starts, or
// any other. A test that needs one is skipped where the variable is not set.
//
// Invariant: a table belongs to one test and is deleted when that test ends.
package dynamotest

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/uuid"

	"segue/internal/dynamo"
	"segue/internal/dynamo/stream"
	"segue/internal/store"
)

// Table is an empty table of a test's own.
type Table struct {
	*dynamo.Store

	Name   string
	config aws.Config
}

// Endpoint returns the URL of the DynamoDB that tests run on, or skips the test.
func Endpoint(t testing.TB) string {
	t.Helper()
	endpoint := os.Getenv("SEGUE_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("NOT RUN ON DYNAMODB: SEGUE_DYNAMODB_ENDPOINT is not set; make store sets it")
	}
	return endpoint
}

// Config returns the configuration of clients of an endpoint. It uses nothing from the
// environment or from the machine's AWS profiles.
func Config(endpoint string) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("segue", "segue", ""),
		BaseEndpoint: aws.String(endpoint),
	}
}

// Open makes an empty table with the given indexes on [Endpoint]. Its store
// retries often and quickly, because tests conflict on purpose.
func Open(t testing.TB, indexes []store.Index) *Table {
	t.Helper()
	config, name := Config(Endpoint(t)), "test-"+uuid.NewString()
	store := dynamo.New(dynamodb.NewFromConfig(config), name, indexes, dynamo.Retries(50, time.Millisecond))
	if err := store.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // t.Context has ended by then
		if err := store.Delete(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("delete table: %v", err)
		}
	})
	return &Table{Store: store, Name: name, config: config}
}

// Feed returns a feed of the table's stream.
func (t *Table) Feed(options ...stream.Option) *stream.Feed {
	return stream.New(dynamodbstreams.NewFromConfig(t.config), t.Name, options...)
}

// Items returns every item of the table, by key: the keys with DynamoDB's Scan,
// which the product does not use, and the items as the product reads them.
func (t *Table) Items(tb testing.TB) map[store.Key]store.Item {
	tb.Helper()
	var keys []store.Key
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(t.config), &dynamodb.ScanInput{TableName: &t.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		for _, item := range page.Items {
			var key struct{ PK, SK string }
			if err := attributevalue.UnmarshalMap(item, &key); err != nil {
				tb.Fatal(err)
			}
			keys = append(keys, store.Key(key))
		}
	}
	items := map[store.Key]store.Item{}
	for part := range slices.Chunk(keys, store.MaxGetKeys) {
		found, err := t.Get(tb.Context(), part...)
		if err != nil {
			tb.Fatal(err)
		}
		for i, k := range part {
			items[k] = found[i]
		}
	}
	return items
}
