package dynamo

import (
	"context"
	"fmt"
	"slices"

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

// getBatch asks again for the items that DynamoDB left out: at once if it returned
// some (a response holds 16 MB), after a wait if it returned none.
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
	if selectsNothing(q) { // DynamoDB refuses an empty range
		return store.Page{}, ctx.Err()
	}
	index := s.index(q.Index)
	in := &dynamodb.QueryInput{TableName: s.tableName(), Limit: limit(q), ScanIndexForward: aws.Bool(!q.Descending)}
	if q.Index == "" {
		in.ConsistentRead = aws.Bool(true)
	} else {
		in.IndexName = aws.String(q.Index)
	}
	var x expression
	in.KeyConditionExpression = x.selection(q, index.PK, index.SK)
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = x.names, x.values
	return s.page(ctx, in, q, index.SK)
}

// page makes the request, and makes it again if the page would end without an item: a
// caller could not go on from there.
func (s *Store) page(ctx context.Context, in *dynamodb.QueryInput, q store.Query, sortKey string) (store.Page, error) {
	what := fmt.Sprintf("query %s of index %q", q.Partition, q.Index)
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return store.Page{}, failure(ctx, what, err)
		}
		items, err := fromList(out.Items)
		if err != nil {
			return store.Page{}, fmt.Errorf("%s: %w", what, err)
		}
		page := store.Page{Items: items, More: len(out.LastEvaluatedKey) > 0}
		if closed(q) {
			page.Items = slices.DeleteFunc(page.Items, func(i store.Item) bool { return i[sortKey].Text() == q.After })
		}
		if q.Limit > 0 && len(page.Items) > q.Limit { // the item at After was not there
			page = store.Page{Items: page.Items[:q.Limit], More: true}
		}
		if len(page.Items) > 0 || !page.More {
			return page, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// closed reports whether q has two bounds. A key condition has one comparison,
// so that it can only be BETWEEN, which includes both: the item at After is
// returned too, and page leaves it out. (An ExclusiveStartKey would need the item's whole
// key, which cannot be told from the sort key of an index.)
func closed(q store.Query) bool { return q.After != "" && q.To != "" }

func selectsNothing(q store.Query) bool {
	return closed(q) && (q.After == q.To || (q.After < q.To) == q.Descending)
}

// limit returns the limit of a request, nil for none.
func limit(q store.Query) *int32 {
	n := min(q.Limit, 1<<30)
	if n == 0 {
		return nil
	}
	if closed(q) {
		n++ // for the item at After
	}
	return aws.Int32(int32(n))
}

// index returns the declaration of an index; the table itself is one without a name.
func (s *Store) index(name string) store.Index {
	for _, x := range s.indexes {
		if x.Name == name {
			return x
		}
	}
	return store.Index{PK: store.PK, SK: store.SK}
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
