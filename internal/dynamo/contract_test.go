package dynamo_test

import (
	"context"
	"fmt"
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
	"segue/internal/storetest"
)

// local is the configuration for DynamoDB Local or skips the test.
func local(t *testing.T) aws.Config {
	t.Helper()
	endpoint := os.Getenv("SEGUE_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("NOT RUN AGAINST DYNAMODB: start it with scripts/dynamodb-local.sh and set SEGUE_DYNAMODB_ENDPOINT=http://127.0.0.1:8000")
	}
	return config(endpoint)
}

func config(endpoint string) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("segue", "segue", ""),
		BaseEndpoint: aws.String(endpoint),
	}
}

// newTable makes a table of its own for the test and removes it after.
func newTable(t *testing.T, cfg aws.Config, indexes []store.Index) (*dynamo.Store, string) {
	t.Helper()
	name := "test-" + uuid.NewString()
	s := dynamo.New(dynamodb.NewFromConfig(cfg), name, indexes, dynamo.Retries(50, time.Millisecond))
	if err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Delete(context.Background()); err != nil {
			t.Errorf("delete: %v", err)
		}
	})
	return s, name
}

func TestContract(t *testing.T) {
	cfg := local(t)
	storetest.Run(t, func(t *testing.T, indexes []store.Index) storetest.Table {
		s, name := newTable(t, cfg, indexes)
		return struct {
			*dynamo.Store
			*dynamo.Feed
		}{s, dynamo.NewFeed(dynamodbstreams.NewFromConfig(cfg), name, dynamo.PollEvery(5*time.Millisecond),
			dynamo.ParkAfter(5, time.Millisecond, func(c store.Change, err error) { t.Logf("parked %v: %v", c.Key, err) }))}
	})
}

// What store.CheckWrite lets pass at its limits DynamoDB must take.
func TestExpressionLimits(t *testing.T) {
	s, _ := newTable(t, local(t), nil)
	var terms []store.Condition
	for i := range 75 {
		terms = append(terms, store.NotEquals(fmt.Sprintf("column_%d", i), store.S("y")))
	}
	set := store.Item{}
	for i := range 350 {
		set[fmt.Sprintf("set_%d", i)] = store.S("x")
	}
	op := store.Update(key, set, nil, store.And(terms...))
	if err := s.Write(t.Context(), op); err != nil {
		t.Errorf("alone: %v", err)
	}
	if err := s.Write(t.Context(), op, store.Check(second, op.If)); err != nil {
		t.Errorf("in a transaction: %v", err)
	}
}
