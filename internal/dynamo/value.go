package dynamo

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"segue/internal/table"
)

func toAttribute(v table.Value) types.AttributeValue {
	switch v.Kind() {
	case table.String:
		return &types.AttributeValueMemberS{Value: v.Text()}
	case table.Number:
		return &types.AttributeValueMemberN{Value: v.Text()}
	case table.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.True()}
	case table.Null:
		return &types.AttributeValueMemberNULL{Value: true}
	case table.List:
		l := make([]types.AttributeValue, len(v.List()))
		for i, e := range v.List() {
			l[i] = toAttribute(e)
		}
		return &types.AttributeValueMemberL{Value: l}
	case table.Map:
		return &types.AttributeValueMemberM{Value: toAttributes(v.Map())}
	case table.Absent: // refused by table.CheckWrite
	}
	return nil
}

func toAttributes(i map[string]table.Value) map[string]types.AttributeValue {
	m := make(map[string]types.AttributeValue, len(i))
	for name, v := range i {
		m[name] = toAttribute(v)
	}
	return m
}

func toKey(k table.Key) map[string]types.AttributeValue {
	return toAttributes(table.Item{table.PK: table.S(k.PK), table.SK: table.S(k.SK)})
}

func fromAttribute(a types.AttributeValue) (table.Value, error) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		return table.S(a.Value), nil
	case *types.AttributeValueMemberN:
		return table.N(a.Value), nil
	case *types.AttributeValueMemberBOOL:
		return table.B(a.Value), nil
	case *types.AttributeValueMemberNULL:
		return table.Nil(), nil
	case *types.AttributeValueMemberL:
		l := make([]table.Value, len(a.Value))
		for i, e := range a.Value {
			v, err := fromAttribute(e)
			if err != nil {
				return table.Value{}, fmt.Errorf("element %d: %w", i, err)
			}
			l[i] = v
		}
		return table.L(l...), nil
	case *types.AttributeValueMemberM:
		m, err := fromAttributes(a.Value)
		return table.M(m), err
	default:
		return table.Value{}, fmt.Errorf("the type %T has no place in the store contract", a)
	}
}

// fromAttributes is nil for no attributes at all, which is how DynamoDB says
// that there is no item.
func fromAttributes(m map[string]types.AttributeValue) (table.Item, error) {
	if m == nil {
		return nil, nil
	}
	i := make(table.Item, len(m))
	for name, a := range m {
		v, err := fromAttribute(a)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		i[name] = v
	}
	return i, nil
}
