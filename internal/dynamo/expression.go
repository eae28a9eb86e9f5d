package dynamo

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"segue/internal/store"
)

// expression collects the names and values for which the expressions of one operation
// have placeholders. Every name gets one, so that none is taken for a reserved word
// or a path. (The SDK's expression package would do
// the same with a tree for each term.)
type expression struct {
	names        map[string]string
	values       map[string]types.AttributeValue
	placeholders map[string]string
}

func (x *expression) name(attr string) string {
	if p, ok := x.placeholders[attr]; ok {
		return p
	}
	if x.names == nil {
		x.names, x.placeholders = map[string]string{}, map[string]string{}
	}
	p := "#" + strconv.Itoa(len(x.names))
	x.names[p], x.placeholders[attr] = attr, p
	return p
}

func (x *expression) value(v store.Value) string {
	if x.values == nil {
		x.values = map[string]types.AttributeValue{}
	}
	p := ":" + strconv.Itoa(len(x.values))
	x.values[p] = toAttribute(v)
	return p
}

// condition returns the text of a condition, nil for one that always holds.
func (x *expression) condition(c store.Condition) *string {
	terms := make([]string, len(c.Terms))
	for i, t := range c.Terms {
		n := x.name(t.Attr)
		switch t.Test {
		case store.TestExists:
			terms[i] = "attribute_exists(" + n + ")"
		case store.TestAbsent:
			terms[i] = "attribute_not_exists(" + n + ")"
		case store.TestEquals:
			terms[i] = n + "=" + x.value(t.Value)
		case store.TestNotEquals:
			terms[i] = "(attribute_not_exists(" + n + ") OR " + n + "<>" + x.value(t.Value) + ")"
		}
	}
	if len(terms) == 0 {
		return nil
	}
	return aws.String(strings.Join(terms, " AND "))
}

func (x *expression) update(op store.Op) *string {
	var clauses, sets, removes, adds []string
	for _, attr := range slices.Sorted(maps.Keys(op.Item)) {
		sets = append(sets, x.name(attr)+"="+x.value(op.Item[attr]))
	}
	for _, attr := range op.Remove {
		removes = append(removes, x.name(attr))
	}
	if len(op.AddOne) > 0 {
		one := x.value(store.Int(1))
		for _, attr := range op.AddOne {
			adds = append(adds, x.name(attr)+" "+one)
		}
	}
	if len(sets) > 0 {
		clauses = append(clauses, "SET "+strings.Join(sets, ","))
	}
	if len(removes) > 0 {
		clauses = append(clauses, "REMOVE "+strings.Join(removes, ","))
	}
	if len(adds) > 0 {
		clauses = append(clauses, "ADD "+strings.Join(adds, ","))
	}
	return aws.String(strings.Join(clauses, " "))
}

// selection returns the key condition of q, whose keys are the attributes pk and sk.
func (x *expression) selection(q store.Query, pk, sk string) *string {
	text := x.name(pk) + "=" + x.value(store.S(q.Partition))
	after, to := ">", "<="
	if q.Descending {
		after, to = "<", ">="
	}
	bound := func(s string) string { return x.value(store.S(s)) }
	switch {
	case closed(q):
		text += " AND " + x.name(sk) + " BETWEEN " + bound(min(q.After, q.To)) + " AND " + bound(max(q.After, q.To))
	case q.After != "":
		text += " AND " + x.name(sk) + after + bound(q.After)
	case q.To != "":
		text += " AND " + x.name(sk) + to + bound(q.To)
	}
	return aws.String(text)
}
