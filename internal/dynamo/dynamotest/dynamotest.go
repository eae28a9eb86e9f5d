// Package dynamotest opens tables for tests on the DynamoDB that
// SEGUE_DYNAMODB_ENDPOINT names: the emulator, which `make store` starts, or
// any other. A test that needs one is skipped where the variable is not set.
//
// Invariant: a table belongs to one test and is deleted when that test ends.
package dynamotest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/uuid"

	"segue/internal/dynamo"
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

// Config configures clients of an endpoint. Nothing of the environment or of
// the machine's AWS profiles comes into it.
func Config(endpoint string) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("segue", "segue", ""),
		BaseEndpoint: aws.String(endpoint),
	}
}

// Open makes an empty table with the given indexes on [Endpoint]. Its store
// tries often and soon, because tests conflict on purpose.
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
func (t *Table) Feed(options ...dynamo.FeedOption) *dynamo.Feed {
	return dynamo.NewFeed(dynamodbstreams.NewFromConfig(t.config), t.Name, options...)
}
