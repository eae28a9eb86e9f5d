package stack_test

import (
	"fmt"
	"strings"
)

// function is a function of the template, and what it may do: its calls to the table
// and the queue, which functions/permission_test.go compares with what it is seen to
// do, and what Lambda does in its name.
type function struct {
	name    string   // of its folder
	table   []string // calls on rows of the table
	indexes []string // that it queries
	reacts  bool     // runs reactions: it may queue tasks of jobs, and park changes
	source  []statement
}

func (f function) title() string    { return strings.ToUpper(f.name[:1]) + f.name[1:] }
func (f function) resource() string { return f.title() + "Function" }

// statement is one of a role.
type statement struct {
	actions    []string
	resource   string
	ownAccount bool // the bucket must be one of this account
}

// functions is what each function may do, in the order of the template.
func functions() []function {
	return []function{
		{name: "connect", table: []string{"BatchGetItem", "GetItem", "PutItem", "UpdateItem"}, indexes: []string{"gsi1"}},
		{name: "disconnect", table: []string{"BatchGetItem", "GetItem", "PutItem", "UpdateItem"}, indexes: []string{"gsi1"}},
		{name: "action", table: []string{"BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"}, indexes: []string{"gsi1", "gsi2"}, reacts: true},
		{name: "data", table: []string{"BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"}, indexes: []string{"gsi1", "gsi2", "gsi3", "gsi4"}},
		{name: "evaluate", table: []string{"BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "UpdateItem"}, indexes: []string{"gsi1"}, reacts: true, source: stream()},
		{name: "advance", table: []string{"BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"}, indexes: []string{"gsi1", "gsi2"}, reacts: true},
		{name: "job", table: []string{"BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"}, indexes: []string{"gsi1", "gsi2"}, reacts: true, source: queue(queues())},
		{name: "track", table: []string{"GetItem", "PutItem"}},
		{name: "notify", table: []string{"GetItem", "PutItem"}, indexes: []string{"gsi2"}, source: queue("!GetAtt MailQueue.Arn")},
	}
}

// stream is what Lambda asks of the role of a function on the table's stream, with the
// bucket for what it gives up.
func stream() []statement {
	return []statement{
		{actions: []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}, resource: tableARN("/stream/*")},
		{actions: []string{"s3:PutObject"}, resource: "!Sub '${FailureBucket.Arn}/*'", ownAccount: true},
		{actions: []string{"s3:ListBucket"}, resource: "!GetAtt FailureBucket.Arn", ownAccount: true},
	}
}

// queue is what Lambda asks of the role of a function on the queues that it works on.
func queue(arns string) []statement {
	return []statement{{actions: []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}, resource: arns}}
}

// queues is the ARNs of the queues of jobs.
func queues() string { return lines("!GetAtt JobQueue.Arn", "!GetAtt BackfillQueue.Arn") }

// lines is a list of resources, a line each.
func lines(arns ...string) (text string) {
	for _, arn := range arns {
		text += "\n" + strings.Repeat(" ", 18) + "- " + arn
	}
	return text
}

// tableName is that of the stack's own table, or of one that was there before.
const tableName = "!If [OwnTable, !Ref Table, !Ref TableName]"

// tableARN is the ARN of the table, or of what is below it.
func tableARN(below string) string {
	return "!Sub ['arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Name}" + below + "', {Name: " + tableName + "}]"
}

// statements is all that a function may do. Reading an index is a statement apart: it
// lets the function read no row.
func (f function) statements() []statement {
	list := []statement{{actions: withPrefix("dynamodb:", f.table), resource: tableARN("")}}
	if len(f.indexes) > 0 {
		arns := make([]string, len(f.indexes))
		for i, index := range f.indexes {
			arns[i] = tableARN("/index/" + index)
		}
		list = append(list, statement{actions: []string{"dynamodb:Query"}, resource: lines(arns...)})
	}
	if f.reacts {
		list = append(list, statement{actions: []string{"sqs:SendMessage"}, resource: queues()})
	}
	list = append(list, f.source...)
	return append(list, statement{actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, resource: fmt.Sprintf("!GetAtt %sLog.Arn", f.title())})
}

func withPrefix(prefix string, list []string) []string {
	full := make([]string, len(list))
	for i, text := range list {
		full[i] = prefix + text
	}
	return full
}
