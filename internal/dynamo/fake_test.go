package dynamo_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"segue/internal/dynamo"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/store"
)

type reply = dynamotest.Reply

func ok(body string) reply { return dynamotest.OK(body) }

func fails(code, extra string) reply { return dynamotest.Fails(code, extra) }

// scripted answers with replies in order, the last one from then on.
func scripted(replies ...reply) *dynamotest.Fake {
	return &dynamotest.Fake{Answer: func(n int, _, _ string) reply { return replies[min(n, len(replies)-1)] }}
}

// on is a Store on the fake that tries four times without waiting long.
func on(t *testing.T, f *dynamotest.Fake, indexes ...store.Index) *dynamo.Store {
	t.Helper()
	client := dynamodb.NewFromConfig(dynamotest.Config(f.Start(t).URL))
	return dynamo.New(client, "segue", indexes, dynamo.Retries(4, time.Microsecond))
}
