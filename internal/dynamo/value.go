package dynamo

import (
	"fmt"

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
	case store.List:
		l := make([]types.AttributeValue, len(v.List()))
		for i, e := range v.List() {
			l[i] = toAttribute(e)
		}
		return &types.AttributeValueMemberL{Value: l}
	case store.Map:
		return &types.AttributeValueMemberM{Value: toAttributes(v.Map())}
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

func fromAttribute(a types.AttributeValue) (store.Value, error) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		return store.S(a.Value), nil
	case *types.AttributeValueMemberN:
		return store.N(a.Value), nil
	case *types.AttributeValueMemberBOOL:
		return store.B(a.Value), nil
	case *types.AttributeValueMemberNULL:
		return store.Nil(), nil
	case *types.AttributeValueMemberL:
		l := make([]store.Value, len(a.Value))
		for i, e := range a.Value {
			v, err := fromAttribute(e)
			if err != nil {
				return store.Value{}, fmt.Errorf("element %d: %w", i, err)
			}
			l[i] = v
		}
		return store.L(l...), nil
	case *types.AttributeValueMemberM:
		m, err := fromAttributes(a.Value)
		return store.M(m), err
	default:
		return store.Value{}, fmt.Errorf("the type %T has no place in the store contract", a)
	}
}

// fromAttributes is nil for no attributes at all, which is how DynamoDB says
// that there is no item.
func fromAttributes(m map[string]types.AttributeValue) (store.Item, error) {
	if m == nil {
		return nil, nil
	}
	i := make(store.Item, len(m))
	for name, a := range m {
		v, err := fromAttribute(a)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		i[name] = v
	}
	return i, nil
}
