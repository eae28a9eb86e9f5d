package operation

import (
	"context"
	"strings"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/sales/workqueue"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The parameters of segue_WorkList.
const (
	workOwner   = "Owner"
	workFilter  = "Filter"
	workRecords = "RecordTypes"
	workTypes   = "ActivityTypes"
	workSort    = "Sort"
	workReverse = "Reverse"
	workGrouped = "Grouped"
	workTop     = "Top"
	workToken   = "Token"
)

// The filters of segue_WorkList beside the groups.
const (
	workUnopened = "Unopened"
	workFollowed = "Followed"
)

// markRecord sets marks of the caller's at a record.
func markRecord() Declaration {
	const read, followed = "Read", "Followed"
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "Mark", About: "Marks a record as read or unread, followed or not, for the caller alone. What is left out stays as it is.",
			Binding: call.ToRow, Parameters: []call.Parameter{{Name: read, Type: schema.Boolean}, {Name: followed, Type: schema.Boolean}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			mark := func(name string) *bool {
				if is, ok := given[name].(bool); ok {
					return &is
				}
				return nil
			}
			return Answer{}, e.Queues.Mark(ctx, tx, c, on, workqueue.Marks{Read: mark(read), Followed: mark(followed)})
		},
	}
}

// workList lists what a seller has to do.
func workList() Declaration {
	group, sort, filter := workEnums()
	item := workItem(group)
	count := &call.Complex{Name: "segue_WorkGroupCount", Properties: []call.Property{
		{Name: "Group", Type: schema.String, Enum: group}, {Name: "Count", Type: schema.Integer},
	}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "segue_WorkList", About: "What a seller has to do: the open steps of a user and of the user's teams, or of a team, with their records.",
			Parameters: []call.Parameter{
				{Name: workOwner, Type: schema.LookupTo, Tables: []string{name.User, name.Team}},
				{Name: workFilter, Type: schema.String, Enum: filter},
				{Name: workRecords, Type: schema.String, Many: true}, {Name: workTypes, Type: schema.Integer, Many: true},
				{Name: workSort, Type: schema.String, Enum: sort}, {Name: workReverse, Type: schema.Boolean}, {Name: workGrouped, Type: schema.Boolean},
				{Name: workTop, Type: schema.Integer}, {Name: workToken, Type: schema.String},
			},
			Returns: call.Return{Type: &call.Complex{Name: "segue_WorkListResponse", Properties: []call.Property{
				{Name: "AsOf", Type: schema.DateTime}, {Name: "TimeZone", Type: schema.String},
				{Name: "Items", Of: item, Many: true}, {Name: "Groups", Of: count, Many: true},
				{Name: "More", Type: schema.Boolean}, {Name: "Next", Type: schema.String, Nullable: true},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			list, err := e.Queues.Of(ctx, q.Caller, workRequest(q.Given))
			return Answer{Value: e.workResult(list)}, err
		},
	}
}

// workEnums returns the groups, the orders and the filters of a work list.
func workEnums() (group, sort, filter *call.Enum) {
	group, sort, filter = &call.Enum{Name: "segue_WorkGroup"}, &call.Enum{Name: "segue_WorkSort"}, &call.Enum{Name: "segue_WorkFilter"}
	for _, g := range workqueue.Groups() {
		group.Members = append(group.Members, string(g))
	}
	for _, s := range workqueue.Sorts() {
		sort.Members = append(sort.Members, string(s))
	}
	filter.Members = append([]string{workUnopened, workFollowed}, group.Members...)
	for i := range filter.Members {
		filter.Flags = append(filter.Flags, 1<<i)
	}
	return group, sort, filter
}

// workItem is the type of an item.
func workItem(group *call.Enum) *call.Complex {
	return &call.Complex{Name: "segue_WorkItem", Properties: []call.Property{
		{Name: "RecordType", Type: schema.String}, {Name: "RecordId", Type: schema.GUID}, {Name: "RecordSet", Type: schema.String, Nullable: true},
		{Name: "RecordName", Type: schema.String, Nullable: true},
		{Name: "SequenceId", Type: schema.GUID}, {Name: "SequenceName", Type: schema.String, Nullable: true},
		{Name: "TargetId", Type: schema.GUID}, {Name: "TargetStepId", Type: schema.GUID}, {Name: "StepId", Type: schema.GUID},
		{Name: "StepName", Type: schema.String}, {Name: "Description", Type: schema.String, Nullable: true},
		{Name: "Type", Type: schema.Integer}, {Name: "SubType", Type: schema.Integer},
		{Name: "WaitState", Type: schema.Integer}, {Name: "ErrorState", Type: schema.Integer}, {Name: "Outcome", Type: schema.String, Nullable: true},
		{Name: "Due", Type: schema.DateTime}, {Name: "Group", Type: schema.String, Enum: group},
		{Name: "Score", Type: schema.Integer, Nullable: true}, {Name: "Grade", Type: schema.Integer, Nullable: true},
		{Name: "Read", Type: schema.Boolean}, {Name: "Followed", Type: schema.Boolean},
		{Name: "LinkedActivityId", Type: schema.GUID, Nullable: true},
		{Name: "OwnerType", Type: schema.String}, {Name: "OwnerId", Type: schema.GUID},
		{Name: "StepsDone", Type: schema.Integer}, {Name: "Steps", Type: schema.Integer},
	}}
}

// workRequest returns the list that arguments ask for.
func workRequest(given call.Arguments) workqueue.Request {
	r := workqueue.Request{
		Owner: given.Lookup(workOwner), Sort: workqueue.ByScore, Reverse: given.Is(workReverse), Grouped: given.Is(workGrouped),
		Top: workqueue.DefaultTop, Token: given.Text(workToken),
	}
	if text := given.Text(workSort); text != "" {
		r.Sort = workqueue.Sort(text)
	}
	if _, ok := given[workTop]; ok {
		r.Top = int(given.Int(workTop))
	}
	if text := given.Text(workFilter); text != "" {
		for member := range strings.SplitSeq(text, ",") {
			switch member {
			case workUnopened:
				r.Unopened = true
			case workFollowed:
				r.Followed = true
			default:
				r.Due = append(r.Due, workqueue.Group(member))
			}
		}
	}
	records, _ := given[workRecords].([]any)
	for _, table := range records {
		text, _ := table.(string)
		r.Records = append(r.Records, text)
	}
	types, _ := given[workTypes].([]any)
	for _, t := range types {
		n, _ := t.(int64)
		r.Types = append(r.Types, sequence.StepType(n))
	}
	return r
}

// workResult is a list as the value of its type.
func (e Executor) workResult(list workqueue.List) call.Result {
	if list.Zone == nil { // there was an error
		return nil
	}
	items, groups := []call.Result{}, []call.Result{}
	for _, item := range list.Items {
		items = append(items, e.workItemResult(item))
	}
	for _, group := range workqueue.Groups() {
		groups = append(groups, call.Result{"Group": string(group), "Count": int64(list.Groups[group])})
	}
	return call.Result{
		"AsOf": list.AsOf, "TimeZone": list.Zone.String(), "Items": items, "Groups": groups, "More": list.More, "Next": optional(list.Next),
	}
}

func (e Executor) workItemResult(item workqueue.Item) call.Result {
	row, step := item.Step.Row, item.Step
	owner := row.Lookup(name.Ownerid)
	result := call.Result{
		"RecordType": item.Record.Table, "RecordId": item.Record.ID, "RecordName": optional(item.RecordName),
		"SequenceId": string(step.Sequence()), "SequenceName": optional(item.SequenceName),
		"TargetId": string(step.Position().Target), "TargetStepId": string(item.ID), "StepId": string(step.Position().Step),
		"StepName": step.Name(), "Description": optional(row.Text(name.MsdynDescription)),
		"Type": int64(step.Type()), "SubType": row.Int(name.MsdynSubtype),
		"WaitState": row.Int(name.MsdynWaitstate), "ErrorState": int64(step.Error()), "Outcome": optional(row.Text(name.MsdynTriggeroutcome)),
		"Read": item.Read, "Followed": item.Followed, "Due": item.Due, "Group": string(item.Group),
		"LinkedActivityId": optional(row.Text(name.MsdynLinkedactivityid)),
		"OwnerType":        owner.Table, "OwnerId": owner.ID, "StepsDone": item.Done, "Steps": item.Total,
	}
	if t := e.DB.Schema().Table(item.Record.Table); t != nil {
		result["RecordSet"] = optional(t.Set)
	}
	if item.Score != nil {
		result["Score"] = *item.Score
	}
	if item.Grade != nil {
		result["Grade"] = *item.Grade
	}
	return result
}
