package dynamo

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"segue/internal/store"
)

func toAttribute(v store.Value) types.AttributeValue {
	switch v.Kind() {
	case store.String:
		return &types.AttributeValueMemberS{Value: v.Text()}
	case store.Number:
		return &types.AttributeValueMemberN{Value: v.Text()}
	case store.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.True()}
	case store.Null:
		return &types.AttributeValueMemberNULL{Value: true}
	case store.Other:
		a, err := attributevalue.UnmarshalJSON([]byte(v.Text()))
		if err != nil { // cannot happen: store.ParseJSON has checked it
			return nil
		}
		return a
	case store.Absent: // refused by store.CheckWrite
	}
	return nil
}

func toAttributes(i map[string]store.Value) map[string]types.AttributeValue {
	m := make(map[string]types.AttributeValue, len(i))
	for name, v := range i {
		m[name] = toAttribute(v)
	}
	return m
}

func toKey(k store.Key) map[string]types.AttributeValue {
	return toAttributes(store.Item{store.PK: store.S(k.PK), store.SK: store.S(k.SK)})
}

// FromAttribute carries a list, map, set or binary as the JSON that it is in a
// stream event, so that a value is the same whichever way it came.
func FromAttribute(a types.AttributeValue) (store.Value, error) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		return store.S(a.Value), nil
	case *types.AttributeValueMemberN:
		return store.N(a.Value), nil
	case *types.AttributeValueMemberBOOL:
		return store.B(a.Value), nil
	case *types.AttributeValueMemberNULL:
		return store.Nil(), nil
	}
	raw, err := attributevalue.MarshalJSON(a)
	if err == nil && !known(a) {
		err = errors.New("a type that this version of the SDK does not know")
	}
	if err != nil {
		return store.Value{}, fmt.Errorf("value of type %T: %w", a, err)
	}
	v, err := store.ParseJSON(raw)
	if err != nil {
		return store.Value{}, fmt.Errorf("value of type %T: %w", a, err)
	}
	return v, nil
}

// known reports whether the SDK could read all of a value. The SDK leaves out what it
// does not know, and writing the value back would lose that.
func known(a types.AttributeValue) bool {
	switch a := a.(type) {
	case nil:
		return false
	case *types.AttributeValueMemberL:
		for _, e := range a.Value {
			if !known(e) {
				return false
			}
		}
	case *types.AttributeValueMemberM:
		for _, e := range a.Value {
			if !known(e) {
				return false
			}
		}
	}
	return true
}

// fromAttributes returns nil for nil, which is how DynamoDB reports that there is no
// item.
func fromAttributes(m map[string]types.AttributeValue) (store.Item, error) {
	if m == nil {
		return nil, nil
	}
	i := make(store.Item, len(m))
	for name, a := range m {
		v, err := FromAttribute(a)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		i[name] = v
	}
	return i, nil
}
