package odata

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/schema"
	"segue/internal/strictjson"
)

// BulkDelete is the action that deletes the rows of a query in a job.
const BulkDelete = "BulkDelete"

// Deletion is what BulkDelete is told: which rows are to be deleted.
type Deletion struct {
	JobName string
	Table   *schema.Table
	IDs     []string      // the rows with these ids; nil: all
	Where   *filter.Group // for which this holds; nil: whatever they are
}

// deletionBody is the body of BulkDelete.
type deletionBody struct {
	QuerySet              []queryExpression
	JobName               string
	SendEmailNotification bool
	RecurrencePattern     string
	StartDateTime         string
}

// queryExpression is Microsoft.Dynamics.CRM.QueryExpression, as far as it says which rows.
type queryExpression struct {
	EntityName   string
	Criteria     *filterExpression
	LinkEntities []json.RawMessage
	TopCount     *int
}

type filterExpression struct {
	FilterOperator string
	Conditions     []conditionExpression
	Filters        []filterExpression
}

type conditionExpression struct {
	AttributeName string
	Operator      string
	Values        []json.RawMessage
	EntityName    string
}

// Deletion reads the body of BulkDelete: one query of one table, to be carried out at once.
func (b Bodies) Deletion(body []byte, now time.Time) (Deletion, error) {
	members, err := readObject(body)
	if err != nil {
		return Deletion{}, err
	}
	known := []string{"QuerySet", "JobName", "SendEmailNotification", "ToRecipients", "CCRecipients", "RecurrencePattern", "StartDateTime", "SourceImportId", "RunNow"}
	for _, m := range members {
		if !annotation(m.name) && !slices.Contains(known, m.name) {
			return Deletion{}, Errorf(InvalidArgument, "%s has no parameter '%s'", BulkDelete, excerpt.Of(m.name))
		}
	}
	var given deletionBody
	if err := json.Unmarshal(decodedOnce(body), &given); err != nil {
		return Deletion{}, Errorf(InvalidArgument, "%s: a parameter, or a part of one, is not of the declared type", BulkDelete)
	}
	if err := given.refuse(now); err != nil {
		return Deletion{}, err
	}
	return b.deletionOf(given.QuerySet[0], given.JobName)
}

// refuse refuses what is not served.
func (d deletionBody) refuse(now time.Time) error {
	switch {
	case len(d.QuerySet) == 0:
		return Errorf(InvalidArgument, "the parameter 'QuerySet' is required")
	case len(d.QuerySet) > 1:
		return notServed("a deletion by several queries", BulkDelete)
	case d.RecurrencePattern != "":
		return notServed("a deletion that recurs", d.RecurrencePattern)
	case d.SendEmailNotification:
		return notServed("a notification by email", BulkDelete)
	case d.StartDateTime == "":
		return nil
	}
	start, err := time.Parse(time.RFC3339, d.StartDateTime)
	switch {
	case err != nil:
		return Errorf(InvalidArgument, "the parameter 'StartDateTime' must be like 2026-01-02T03:04:05Z, not '%s'", excerpt.Of(d.StartDateTime))
	case start.Sub(now) > startsSoon:
		return notServed("a deletion that starts later", d.StartDateTime)
	}
	return nil
}

// startsSoon is how far a client's clock may be ahead when it means now.
const startsSoon = 5 * time.Minute

func (b Bodies) deletionOf(q queryExpression, jobName string) (Deletion, error) {
	t := b.Schema.Table(q.EntityName)
	switch {
	case t == nil || t.Set == "":
		return Deletion{}, Errorf(QueryBuilderNoEntity, "EntityName: table '%s' does not exist", excerpt.Of(q.EntityName))
	case len(q.LinkEntities) > 0:
		return Deletion{}, notServed("a deletion by a query with links", q.EntityName)
	case q.TopCount != nil:
		return Deletion{}, notServed("a deletion of the first rows of a query", q.EntityName)
	}
	d := Deletion{JobName: jobName, Table: t}
	if q.Criteria == nil {
		return d, nil
	}
	e := expressionReader{table: t}
	where, err := e.group(*q.Criteria, 0)
	if err != nil {
		return Deletion{}, err
	}
	d.IDs = e.ids
	if len(where.Items) > 0 {
		d.Where = where
		if err := filter.Check(b.Schema, t.Name, where); err != nil {
			return Deletion{}, Errorf(InvalidArgument, "Criteria: %v", err)
		}
	}
	return d, nil
}

// expressionReader turns a FilterExpression into a condition.
type expressionReader struct {
	table *schema.Table
	ids   []string // that the whole asks for, where it does
}

// group reads a FilterExpression.
func (e *expressionReader) group(f filterExpression, depth int) (*filter.Group, error) {
	g := &filter.Group{Logic: filter.And}
	switch {
	case strings.EqualFold(f.FilterOperator, "Or"):
		g.Logic = filter.Or
	case f.FilterOperator != "" && !strings.EqualFold(f.FilterOperator, "And"):
		return nil, Errorf(InvalidArgument, "FilterOperator must be And or Or, not '%s'", excerpt.Of(f.FilterOperator))
	case depth >= filter.MaxDepth:
		return nil, Errorf(InvalidArgument, "filters are nested deeper than %d", filter.MaxDepth)
	}
	for _, c := range f.Conditions {
		if depth == 0 && g.Logic == filter.And && e.ids == nil && c.AttributeName == e.table.ID && (c.Operator == "In" || c.Operator == "Equal") {
			ids, err := e.primaryKeys(c)
			if err != nil {
				return nil, err
			}
			e.ids = ids
			continue
		}
		condition, err := e.condition(c)
		if err != nil {
			return nil, err
		}
		g.Items = append(g.Items, condition)
	}
	for _, inner := range f.Filters {
		group, err := e.group(inner, depth+1)
		if err != nil {
			return nil, err
		}
		g.Items = append(g.Items, group)
	}
	return g, nil
}

// primaryKeys reads a condition that asks for rows by their ids.
func (e *expressionReader) primaryKeys(c conditionExpression) ([]string, error) {
	ids := []string{}
	for _, raw := range c.Values {
		text, _ := scalarOf(raw).(string)
		id, ok := guid.Parse(text)
		if !ok {
			return nil, Errorf(InvalidArgument, "'%s' must be a GUID, not %s", c.AttributeName, excerpt.Of(string(raw)))
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, Errorf(InvalidArgument, "the operator %s on '%s' needs a value", c.Operator, c.AttributeName)
	}
	if c.Operator == "Equal" && len(ids) > 1 {
		return nil, Errorf(InvalidArgument, "the operator Equal on '%s' takes one value, not %d", c.AttributeName, len(ids))
	}
	return ids, nil
}

// condition reads a ConditionExpression.
func (e *expressionReader) condition(c conditionExpression) (*filter.Condition, error) {
	column := e.table.Column(c.AttributeName)
	if column == nil || column.Write == schema.Hidden || c.EntityName != "" && c.EntityName != e.table.Name {
		return nil, Errorf(QueryBuilderNoAttribute, "the table %s has no column '%s'", e.table.Name, excerpt.Of(c.AttributeName))
	}
	operator, ok := expressionOperator(c.Operator)
	if !ok {
		return nil, notServed("the operator", c.Operator)
	}
	condition := &filter.Condition{Column: column.Name, Operator: operator}
	for _, raw := range c.Values {
		values, err := expressionValue(column, raw)
		if err != nil {
			return nil, err
		}
		condition.Values = append(condition.Values, values...)
	}
	switch { // a lookup at several tables is compared with the id in each
	case operator == filter.Eq && len(condition.Values) > 1 && len(c.Values) == 1:
		condition.Operator = filter.In
	case operator == filter.Ne && len(condition.Values) > 1 && len(c.Values) == 1:
		condition.Operator = filter.NotIn
	}
	return condition, nil
}

// expressionOperator returns the operator of a name of ConditionOperator.
func expressionOperator(name string) (filter.Operator, bool) {
	switch name {
	case "Equal":
		return filter.Eq, true
	case "NotEqual":
		return filter.Ne, true
	case "GreaterThan":
		return filter.Gt, true
	case "GreaterEqual":
		return filter.Ge, true
	case "LessThan":
		return filter.Lt, true
	case "LessEqual":
		return filter.Le, true
	case "In":
		return filter.In, true
	case "NotIn":
		return filter.NotIn, true
	case "Between":
		return filter.Between, true
	case "NotBetween":
		return filter.NotBetween, true
	case "Like":
		return filter.Like, true
	case "NotLike":
		return filter.NotLike, true
	case "BeginsWith":
		return filter.BeginsWith, true
	case "DoesNotBeginWith":
		return filter.NotBeginWith, true
	case "EndsWith":
		return filter.EndsWith, true
	case "DoesNotEndWith":
		return filter.NotEndWith, true
	case "Contains":
		return filter.Contains, true
	case "DoesNotContain":
		return filter.NotContains, true
	case "Null":
		return filter.Null, true
	case "NotNull":
		return filter.NotNull, true
	}
	return "", false
}

// scalarOf returns the JSON scalar of a value, which may stand in an object with its type.
func scalarOf(raw json.RawMessage) (v any) {
	var typed struct{ Value json.RawMessage }
	if json.Unmarshal(raw, &typed) == nil && typed.Value != nil {
		raw = typed.Value
	}
	if strictjson.Decode(raw, &v) != nil {
		return nil
	}
	return v
}

// expressionValue returns the values of a column that a value of a query stands for: for a
// lookup one for each table that it may point at.
func expressionValue(c *schema.Column, raw json.RawMessage) ([]schema.Value, error) {
	given := scalarOf(raw)
	text, isText := given.(string)
	if c.Type == schema.LookupTo {
		id, ok := guid.Parse(text)
		if !ok {
			return nil, Errorf(InvalidArgument, "'%s' must be a GUID, not %s", c.Name, excerpt.Of(string(raw)))
		}
		var values []schema.Value
		for _, target := range c.Targets {
			values = append(values, schema.RefTo(target.Table, id))
		}
		return values, nil
	}
	v, err := c.FromJSON(given)
	if err != nil && isText {
		v, err = c.FromText(text)
	}
	if err == nil && v.IsNull() {
		return nil, Errorf(InvalidArgument, "'%s' is compared with null: use the operator Null or NotNull", c.Name)
	}
	if err != nil {
		return nil, Errorf(InvalidArgument, "%v", err)
	}
	return []schema.Value{v}, nil
}
