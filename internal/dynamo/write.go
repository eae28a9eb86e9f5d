package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"segue/internal/store"
	"segue/internal/tally"
)

// allOld asks for the item for which a condition did not hold.
const allOld = types.ReturnValuesOnConditionCheckFailureAllOld

// Write sends one operation as a plain write (a lone check as a read) and
// several as a transaction. An operation that adds is sent as a transaction also when
// it is alone, because a transaction has a token: nothing else would tell an addition
// that was made from one that was not.
//
// A plain write whose response got lost is sent again and may then find its own work.
// So a condition that fails after a lost response counts as success if the item is as
// the operation would have made it. Another caller may have made it so; an operation
// that must know writes a value that is unique to it.
func (s *Store) Write(ctx context.Context, ops ...store.Op) error {
	if err := store.CheckWrite(s.indexes, ops); err != nil {
		return err
	}
	switch {
	case len(ops) == 0:
		return ctx.Err()
	case len(ops) > 1 || len(ops[0].AddOne) > 0:
		return s.transact(ctx, ops)
	case ops[0].Kind == store.OpCheck:
		return s.check(ctx, ops[0])
	}
	op := ops[0]
	tries, watched := s.watch()
	err := s.send(ctx, op, watched)
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return writeFailure(ctx, op.Key, err)
	}
	seen, err := fromAttributes(failed.Item)
	if err != nil {
		return fmt.Errorf("write %s/%s: %w", op.Key.PK, op.Key.SK, err)
	}
	if tries.unclear && done(op, seen) {
		return nil
	}
	return &store.ConditionError{Key: op.Key, Item: seen}
}

// send makes the one request of op.
func (s *Store) send(ctx context.Context, op store.Op, opt func(*dynamodb.Options)) error {
	var x expression
	cond, capacity := x.condition(op.If), capacity(ctx)
	switch op.Kind {
	case store.OpPut:
		out, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: s.tableName(), Item: toAttributes(op.Item),
			ConditionExpression: cond, ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
			ReturnValuesOnConditionCheckFailure: allOld, ReturnConsumedCapacity: capacity}, opt)
		if err != nil {
			return err
		}
		countUnits(ctx, out.ConsumedCapacity)
	case store.OpUpdate:
		out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: s.tableName(), Key: toKey(op.Key),
			UpdateExpression: x.update(op), ConditionExpression: cond,
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
			ReturnValuesOnConditionCheckFailure: allOld, ReturnConsumedCapacity: capacity}, opt)
		if err != nil {
			return err
		}
		countUnits(ctx, out.ConsumedCapacity)
	case store.OpDelete:
		out, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: s.tableName(), Key: toKey(op.Key),
			ConditionExpression: cond, ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
			ReturnValuesOnConditionCheckFailure: allOld, ReturnConsumedCapacity: capacity}, opt)
		if err != nil {
			return err
		}
		countUnits(ctx, out.ConsumedCapacity)
	case store.OpCheck: // handled by check
	}
	return nil
}

// capacity asks for the units of a write where somebody counts them.
func capacity(ctx context.Context) types.ReturnConsumedCapacity {
	if tally.On(ctx) {
		return types.ReturnConsumedCapacityTotal
	}
	return ""
}

// countUnits counts the units of a write, those of the indexes included.
func countUnits(ctx context.Context, consumed ...*types.ConsumedCapacity) {
	for _, c := range consumed {
		if c != nil {
			tally.Add(ctx, tally.WriteUnits, int64(math.Round(aws.ToFloat64(c.CapacityUnits))))
		}
	}
}

// done reports whether op, which adds nothing, would change nothing of the item seen.
func done(op store.Op, seen store.Item) bool {
	switch op.Kind {
	case store.OpPut:
		return maps.Equal(op.Item, seen)
	case store.OpUpdate:
		for attr, v := range op.Item {
			if !seen[attr].Equal(v) {
				return false
			}
		}
		for _, attr := range op.Remove {
			if _, there := seen[attr]; there {
				return false
			}
		}
		return seen != nil
	case store.OpDelete:
		return seen == nil
	case store.OpCheck:
	}
	return false
}

// check reads the item, which has the same result as a transaction at half the price.
func (s *Store) check(ctx context.Context, op store.Op) error {
	item, err := s.getOne(ctx, op.Key)
	if err != nil {
		return err
	}
	if !op.If.Holds(item) {
		return &store.ConditionError{Key: op.Key, Item: item}
	}
	return nil
}

// transact sends ops as one transaction. The SDK gives it a token, the same
// for every try, so DynamoDB applies it once (for ten minutes).
func (s *Store) transact(ctx context.Context, ops []store.Op) error {
	items := make([]types.TransactWriteItem, len(ops))
	for i, op := range ops {
		items[i] = s.transactItem(op)
	}
	out, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items, ReturnConsumedCapacity: capacity(ctx)})
	if err == nil {
		for i := range out.ConsumedCapacity {
			countUnits(ctx, &out.ConsumedCapacity[i])
		}
		return nil
	}
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		for i, r := range canceled.CancellationReasons {
			if aws.ToString(r.Code) != "ConditionalCheckFailed" || i >= len(ops) {
				continue
			}
			seen, err := fromAttributes(r.Item)
			if err != nil {
				return fmt.Errorf("write %s/%s: %w", ops[i].Key.PK, ops[i].Key.SK, err)
			}
			return &store.ConditionError{Op: i, Key: ops[i].Key, Item: seen}
		}
		for i, r := range canceled.CancellationReasons {
			switch {
			case i >= len(ops):
			case tooLarge(aws.ToString(r.Message)):
				return grown(ops[i].Key)
			case notANumber(aws.ToString(r.Message)):
				return fmt.Errorf("write %s/%s: %w: one cannot be added to what is not a number", ops[i].Key.PK, ops[i].Key.SK, store.ErrInvalid)
			}
		}
	}
	return writeFailure(ctx, ops[0].Key, err)
}

func (s *Store) transactItem(op store.Op) types.TransactWriteItem {
	var x expression
	cond, name := x.condition(op.If), s.tableName()
	switch op.Kind {
	case store.OpPut:
		return types.TransactWriteItem{Put: &types.Put{TableName: name, Item: toAttributes(op.Item),
			ConditionExpression: cond, ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
			ReturnValuesOnConditionCheckFailure: allOld}}
	case store.OpUpdate:
		update := x.update(op)
		return types.TransactWriteItem{Update: &types.Update{TableName: name, Key: toKey(op.Key), UpdateExpression: update,
			ConditionExpression: cond, ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
			ReturnValuesOnConditionCheckFailure: allOld}}
	case store.OpDelete:
		return types.TransactWriteItem{Delete: &types.Delete{TableName: name, Key: toKey(op.Key),
			ConditionExpression: cond, ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
			ReturnValuesOnConditionCheckFailure: allOld}}
	case store.OpCheck:
		if cond == nil { // it always holds, but DynamoDB requires a condition
			cond = x.condition(store.NotThere(neverAnAttribute))
		}
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: name, Key: toKey(op.Key),
			ConditionExpression: cond, ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
			ReturnValuesOnConditionCheckFailure: allOld}}
	}
	return types.TransactWriteItem{} // CheckWrite lets no other kind pass
}

// neverAnAttribute is not a column of any table.
const neverAnAttribute = "\x00"

// writeFailure returns the contract's error for that of a write, nil for nil.
func writeFailure(ctx context.Context, k store.Key, err error) error {
	switch {
	case err == nil:
		return nil
	case tooLarge(err.Error()):
		return grown(k)
	}
	return failure(ctx, fmt.Sprintf("write %s/%s", k.PK, k.SK), err)
}

// tooLarge recognizes DynamoDB's "Item size (to update) has exceeded the
// maximum allowed size", which has no code of its own.
func tooLarge(message string) bool {
	return strings.Contains(message, "Item size") && strings.Contains(message, "exceeded the maximum allowed size")
}

// notANumber recognizes DynamoDB's "An operand in the update expression has an
// incorrect data type", which an addition to a string meets.
func notANumber(message string) bool {
	return strings.Contains(message, "operand in the update expression has an incorrect data type")
}

// grown returns the error of an update that makes an item too large. DynamoDB does not
// tell how large.
func grown(k store.Key) error { return store.CheckItemSize(k, store.MaxItemBytes+1) }
