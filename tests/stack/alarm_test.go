package stack_test

import (
	"fmt"
	"strings"

	"segue/internal/rows"
)

// alarm is one on the sum of a metric. It goes off when the sum is above a limit in two
// of five minutes: one that is not, such as a function that is started anew, mends itself
// and wakes nobody.
type alarm struct {
	name, description string
	namespace, metric string
	dimensions        []string // name and value, as the template has them
	statistic         string   // "Sum" where nothing is said
	above             int
	once              bool // one minute is enough, for what happens once and is not over by itself
	rollsBack         bool // a deployment, and wakes nobody
}

const (
	lambda     = "AWS/Lambda"
	ownMetrics = "!Sub 'Segue/${AWS::StackName}'"
)

// alarms is those on a function. The one of the canary looks at the version that is
// being deployed, and at no other: what else is wrong must not keep a mend from being
// deployed.
func (f function) alarms() []alarm {
	name := "FunctionName !Ref " + f.resource()
	return []alarm{
		{
			name: f.title() + "CanaryAlarm", description: "A new version of " + f.resource() + " crashes or runs out of time; its deployment is rolled back",
			namespace: lambda, metric: "Errors", rollsBack: true,
			dimensions: []string{name, "Resource !Sub '${" + f.resource() + "}:live'", "ExecutedVersion !GetAtt " + f.resource() + ".Version.Version"},
		},
		{
			name: f.title() + "ErrorsAlarm", description: f.resource() + " crashes or runs out of time",
			namespace: lambda, metric: "Errors", dimensions: []string{name},
		},
		{
			name: f.title() + "ThrottlesAlarm", description: f.resource() + " is throttled at its concurrency limit",
			namespace: lambda, metric: "Throttles", dimensions: []string{name},
		},
	}
}

// stackAlarms is those on the stack as a whole.
func stackAlarms() []alarm {
	const (
		api     = "ApiId !Ref Api"
		mapping = "EventSourceMappingUUID !Ref EvaluateFunctionChanges"
	)
	evaluate := []string{"FunctionName !Ref EvaluateFunction"}
	list := []alarm{
		{
			name: "ApiErrorsAlarm", description: "Requests are answered with 5xx",
			namespace: "AWS/ApiGateway", metric: "5xx", dimensions: []string{api},
		},
		{
			name: "ApiLatencyAlarm", description: "One request in twenty takes longer than five seconds",
			namespace: "AWS/ApiGateway", metric: "Latency", dimensions: []string{api}, statistic: "p95", above: 5000,
		},
		{
			name: "LoggedErrorsAlarm", description: "A function has logged internal errors",
			namespace: ownMetrics, metric: "LoggedErrors",
		},
		{
			name: "ParkedChangesAlarm", description: "Changes are parked; `segue parked` lists them with their reasons",
			namespace: ownMetrics, metric: "ParkedChanges", once: true,
		},
		{
			name: "WaitingJobsAlarm", description: "Jobs wait because the queue does not take their tasks; the log of the function that could not queue them has its reason",
			namespace: ownMetrics, metric: "WaitingJobs",
		},
		{
			name: "LateChangesAlarm", description: "Changes wait for more than a minute before they are evaluated",
			namespace: lambda, metric: "IteratorAge", dimensions: evaluate, statistic: "Maximum", above: 60_000,
		},
		{
			name: "LateTimersAlarm", description: "What is due waits for more than five minutes",
			namespace: ownMetrics, metric: "DueAge", statistic: "Maximum", above: 300_000,
		},
		{
			name: "GivenUpChangesAlarm", description: "Changes were given up and are in the failure bucket; `segue redrive --s3` follows them",
			namespace: lambda, metric: "OnFailureDestinationDeliveredEventCount", dimensions: []string{mapping}, once: true,
		},
		// Not in the bucket either: the metric counts what the mapping dropped without
		// delivering it.
		{
			name: "LostChangesAlarm", description: "Changes were dropped and are not in the failure bucket",
			namespace: lambda, metric: "DroppedEventCount", dimensions: []string{mapping}, once: true,
		},
		{
			name: "UndeliveredChangesAlarm", description: "Changes that were given up could not be put into the failure bucket",
			namespace: lambda, metric: "DestinationDeliveryFailures", dimensions: evaluate, once: true,
		},
		{
			name: "LateTasksAlarm", description: "Tasks of jobs wait for more than an hour",
			namespace: "AWS/SQS", metric: "ApproximateAgeOfOldestMessage", dimensions: []string{"QueueName !GetAtt JobQueue.QueueName"}, statistic: "Maximum", above: 3600,
		},
		// These wait for one another by design, for as long as backfills take.
		{
			name: "LateBackfillsAlarm", description: "Tasks of backfills wait for more than six hours",
			namespace: "AWS/SQS", metric: "ApproximateAgeOfOldestMessage", dimensions: []string{"QueueName !GetAtt BackfillQueue.QueueName"}, statistic: "Maximum", above: 6 * 3600,
		},
		{
			name: "LateMailEventsAlarm", description: "What SES tells of emails waits for more than an hour",
			namespace: "AWS/SQS", metric: "ApproximateAgeOfOldestMessage", dimensions: []string{"QueueName !GetAtt MailQueue.QueueName"}, statistic: "Maximum", above: 3600,
		},
		{
			name: "MailDeadLettersAlarm", description: "What SES tells of emails was given up or could not be read",
			namespace: "AWS/SQS", metric: "ApproximateNumberOfMessagesVisible", dimensions: []string{"QueueName !GetAtt MailDeadLetterQueue.QueueName"}, statistic: "Maximum",
		},
		{
			name: "JobDeadLettersAlarm", description: "Tasks of jobs were given up; `segue jobs` shows the jobs that stand still",
			namespace: "AWS/SQS", metric: "ApproximateNumberOfMessagesVisible", dimensions: []string{"QueueName !GetAtt JobDeadLetterQueue.QueueName"}, statistic: "Maximum",
		},
	}
	return append(list, throttles()...)
}

// throttles is those on the table and each of its indexes. An index that is throttled
// holds up the writes of the table, whose own metric does not tell which it is.
func throttles() []alarm {
	places := []string{""}
	for _, index := range rows.Indexes() {
		places = append(places, index.Name)
	}
	var list []alarm
	for _, index := range places {
		dimensions, of := []string{"TableName " + tableName}, "the table"
		if index != "" {
			dimensions, of = append(dimensions, "GlobalSecondaryIndexName "+index), "the index "+index
		}
		for _, kind := range []string{"Read", "Write"} {
			list = append(list, alarm{
				name: fmt.Sprintf("Table%s%sThrottlesAlarm", titled(index), kind), description: fmt.Sprintf("%ss of %s are throttled", kind, of),
				namespace: "AWS/DynamoDB", metric: kind + "ThrottleEvents", dimensions: dimensions,
			})
		}
	}
	return list
}

func titled(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
