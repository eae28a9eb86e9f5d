package operation

import (
	"context"

	"segue/internal/filter"
	"segue/internal/odata/call"
	"segue/internal/odata/definition"
	"segue/internal/schema"
)

// operators tells which operators conditions have, as the evaluator has them.
func operators() Declaration {
	operand := &call.Enum{Name: "segue_Operand", Members: []string{
		string(filter.NoOperand), string(filter.ColumnOperand), string(filter.PatternOperand), string(filter.NumberOperand),
	}}
	operator := &call.Complex{Name: "segue_Operator", Properties: []call.Property{
		{Name: "Operator", Type: schema.String}, {Name: "Label", Type: schema.String},
		{Name: "LeastValues", Type: schema.Integer}, {Name: "MostValues", Type: schema.Integer}, {Name: "Values", Type: schema.String, Enum: operand},
		{Name: "HoldsForNull", Type: schema.Boolean},
	}}
	ofType := &call.Complex{Name: "segue_TypeOperators", Properties: []call.Property{
		{Name: "ColumnType", Type: schema.String}, {Name: "AttributeType", Type: schema.String}, {Name: "Operators", Of: operator, Many: true},
	}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "segue_Operators", About: "The operators of conditions, by the type of a column.",
			Returns: call.Return{Type: &call.Complex{Name: "segue_OperatorsResponse", Properties: []call.Property{
				{Name: "Types", Of: ofType, Many: true},
				{Name: "Hierarchical", Of: operator, Many: true}, // of columns that name rows of a hierarchy, besides those of their type
			}}},
		},
		ask: func(context.Context, Executor, Question) (Answer, error) {
			var types []call.Result
			for _, t := range schema.Types() {
				types = append(types, call.Result{
					"ColumnType": string(t), "AttributeType": definition.AttributeType(t), "Operators": described(filter.Describe(t)),
				})
			}
			return Answer{Value: call.Result{"Types": types, "Hierarchical": described(filter.DescribeHierarchical())}}, nil
		},
	}
}

// described returns operators as they are on the wire.
func described(operators []filter.Description) []call.Result {
	var list []call.Result
	for _, d := range operators {
		list = append(list, call.Result{
			"Operator": string(d.Operator), "Label": d.Label, "LeastValues": int64(d.Least), "MostValues": int64(d.Most),
			"Values": string(d.Operand), "HoldsForNull": d.Null,
		})
	}
	return list
}
