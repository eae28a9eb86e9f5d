package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"segue/internal/store"
)

type attributes = map[string]types.AttributeValue

// Get is a GetItem for one key, a BatchGetItem for several and no request for
// none.
func (s *Store) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	if err := store.CheckGet(keys); err != nil {
		return nil, err
	}
	switch len(keys) {
	case 0:
		return nil, ctx.Err()
	case 1:
		item, err := s.getOne(ctx, keys[0])
		return []store.Item{item}, err
	}
	found, err := s.getBatch(ctx, keys)
	if err != nil {
		return nil, err
	}
	items := make([]store.Item, len(keys))
	for i, k := range keys {
		items[i] = found[k]
	}
	return items, nil
}

func (s *Store) getOne(ctx context.Context, k store.Key) (store.Item, error) {
	what := fmt.Sprintf("get %s/%s", k.PK, k.SK)
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: s.tableName(), Key: toKey(k), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, failure(ctx, what, err)
	}
	item, err := fromAttributes(out.Item)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return item, nil
}

// getBatch asks again for what DynamoDB left out: at once when it gave
// something (an answer holds 16 MB), after a wait when it gave nothing.
func (s *Store) getBatch(ctx context.Context, keys []store.Key) (map[store.Key]store.Item, error) {
	what := fmt.Sprintf("get %d items from %s/%s", len(keys), keys[0].PK, keys[0].SK)
	want := make([]attributes, len(keys))
	for i, k := range keys {
		want[i] = toKey(k)
	}
	found := make(map[store.Key]store.Item, len(keys))
	for fruitless := 0; ; {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			s.name: {Keys: want, ConsistentRead: aws.Bool(true)}}})
		if err != nil {
			return nil, failure(ctx, what, err)
		}
		items, err := fromList(out.Responses[s.name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		for _, item := range items {
			found[item.Key()] = item
		}
		want = out.UnprocessedKeys[s.name].Keys
		if len(want) == 0 {
			return found, nil
		}
		if len(items) > 0 {
			fruitless = 0
			continue
		}
		if fruitless++; fruitless == s.policy.attempts {
			return nil, fmt.Errorf("%s: %w: %d keys stay unprocessed", what, store.ErrUnavailable, len(want))
		}
		if err := s.policy.wait(ctx, fruitless); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	}
}

// Query is strongly consistent on the table itself.
func (s *Store) Query(ctx context.Context, q store.Query) (store.Page, error) {
	if err := store.CheckQuery(s.indexes, q); err != nil {
		return store.Page{}, err
	}
	at, err := q.DecodeCursor()
	if err != nil {
		return store.Page{}, err
	}
	if q.From != "" && q.To != "" && q.From > q.To { // DynamoDB refuses what is only empty
		return store.Page{}, ctx.Err()
	}
	index := s.index(q.Index)
	in := &dynamodb.QueryInput{TableName: s.tableName(), Limit: limit(q.Limit), ScanIndexForward: aws.Bool(!q.Descending)}
	if q.Index == "" {
		in.ConsistentRead = aws.Bool(true)
	} else {
		in.IndexName = aws.String(q.Index)
	}
	if at != nil {
		in.ExclusiveStartKey = toKey(at.Key)
		if q.Index != "" {
			in.ExclusiveStartKey[index.PK] = toAttribute(store.S(q.Partition))
			in.ExclusiveStartKey[index.SK] = toAttribute(store.S(at.Sort))
		}
	}
	var x expression
	in.KeyConditionExpression = x.selection(q, index.PK, index.SK)
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = x.names, x.values

	what := fmt.Sprintf("query %s of index %q", q.Partition, q.Index)
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return store.Page{}, failure(ctx, what, err)
	}
	return page(what, out.Items, out.LastEvaluatedKey, func(last store.Item) string {
		p := store.Position{Key: last.Key()}
		if q.Index != "" {
			p.Sort = last[index.SK].Text()
		}
		return q.EncodeCursor(p)
	})
}

// Scan is strongly consistent, like everything else that reads the table
// itself: a sweep must not miss what was written before it.
func (s *Store) Scan(ctx context.Context, sc store.Scan) (store.Page, error) {
	if err := store.CheckScan(sc); err != nil {
		return store.Page{}, err
	}
	at, err := sc.DecodeCursor()
	if err != nil {
		return store.Page{}, err
	}
	in := &dynamodb.ScanInput{TableName: s.tableName(), Limit: limit(sc.Limit), ConsistentRead: aws.Bool(true),
		Segment: aws.Int32(int32(sc.Segment)), TotalSegments: aws.Int32(int32(sc.Segments))}
	if at != nil {
		in.ExclusiveStartKey = toKey(at.Key)
	}
	what := fmt.Sprintf("scan segment %d of %d", sc.Segment, sc.Segments)
	out, err := s.client.Scan(ctx, in)
	if err != nil {
		return store.Page{}, failure(ctx, what, err)
	}
	return page(what, out.Items, out.LastEvaluatedKey, func(last store.Item) string { return sc.EncodeCursor(last.Key()) })
}

// index is the declaration of an index; the table itself is one that has no
// name.
func (s *Store) index(name string) store.Index {
	for _, x := range s.indexes {
		if x.Name == name {
			return x
		}
	}
	return store.Index{PK: store.PK, SK: store.SK}
}

func limit(n int) *int32 {
	if n == 0 {
		return nil
	}
	return aws.Int32(int32(min(n, 1<<30)))
}

func page(what string, items []attributes, last attributes, cursor func(store.Item) string) (store.Page, error) {
	var p store.Page
	var err error
	if p.Items, err = fromList(items); err != nil {
		return store.Page{}, fmt.Errorf("%s: %w", what, err)
	}
	if len(last) > 0 {
		end, err := fromAttributes(last)
		if err != nil {
			return store.Page{}, fmt.Errorf("%s: %w", what, err)
		}
		p.Cursor = cursor(end)
	}
	return p, nil
}

func fromList(list []attributes) ([]store.Item, error) {
	items := make([]store.Item, len(list))
	for i, m := range list {
		item, err := fromAttributes(m)
		if err != nil {
			return nil, err
		}
		items[i] = item
	}
	return items, nil
}
