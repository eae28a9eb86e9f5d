package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"segue/internal/store"
)

// adminWait is the longest wait for a table to appear or to be gone.
const adminWait = time.Minute

// Create makes the table as template.yaml does on AWS (on demand, a stream with
// both images, its indexes with keys only) and waits until it can be used. It
// is for laptops and tests. An existing table is left as it is.
func (s *Store) Create(ctx context.Context) error {
	in := &dynamodb.CreateTableInput{
		TableName:   s.tableName(),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(store.PK, store.SK),
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	}
	declared := map[string]bool{}
	declare := func(attrs ...string) {
		for _, a := range attrs {
			if !declared[a] {
				declared[a] = true
				in.AttributeDefinitions = append(in.AttributeDefinitions,
					types.AttributeDefinition{AttributeName: aws.String(a), AttributeType: types.ScalarAttributeTypeS})
			}
		}
	}
	declare(store.PK, store.SK)
	for _, x := range s.indexes {
		declare(x.PK, x.SK)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(x.Name), KeySchema: keySchema(x.PK, x.SK),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}})
	}
	var exists *types.ResourceInUseException
	if _, err := s.client.CreateTable(ctx, in); err != nil && !errors.As(err, &exists) {
		return failure(ctx, "create table "+s.name, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(s.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 2*time.Second
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: s.tableName()}, adminWait); err != nil {
		return fmt.Errorf("wait for table %s: %w", s.name, err)
	}
	return nil
}

// Delete removes the table with everything in it and waits until it is gone. It is not
// an error if there is none.
func (s *Store) Delete(ctx context.Context) error {
	var missing *types.ResourceNotFoundException
	if _, err := s.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: s.tableName()}); errors.As(err, &missing) {
		return nil
	} else if err != nil {
		return failure(ctx, "delete table "+s.name, err)
	}
	waiter := dynamodb.NewTableNotExistsWaiter(s.client, func(o *dynamodb.TableNotExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 2*time.Second
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: s.tableName()}, adminWait); err != nil {
		return fmt.Errorf("wait for the end of table %s: %w", s.name, err)
	}
	return nil
}

func keySchema(hash, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}
