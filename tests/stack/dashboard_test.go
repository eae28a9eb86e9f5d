package stack_test

import (
	"encoding/json"
	"strings"
	"testing"

	"segue/internal/rows"
)

// graph is a widget of the dashboard: the lines of one metric, or of several.
type graph struct {
	title, statistic string
	lines            [][]string // namespace, metric, then names and values of dimensions
}

// graphs is what the dashboard shows, from what users notice down to what it costs.
func graphs() []graph {
	own := "Segue/${AWS::StackName}"
	figures := func(metrics ...string) (lines [][]string) { // of the line that evaluate logs for each batch
		for _, metric := range metrics {
			lines = append(lines, []string{own, metric})
		}
		return lines
	}
	return []graph{
		{"Requests", "Sum", [][]string{api("Count"), api("4xx"), api("5xx")}},
		{"Latency of requests, ms (95th percentile)", "p95", [][]string{api("Latency"), api("IntegrationLatency")}},
		{"Age of changes before they are evaluated, ms", "Maximum", [][]string{{lambda, "IteratorAge", "FunctionName", "${EvaluateFunction}"}}},
		{"Age of the oldest change of a batch when it is done, ms", "Maximum", figures("Freshness")},
		{"Age of the oldest row that is due, ms", "Maximum", figures("DueAge")},
		{"Changes and what follows from them", "Sum", figures("Changes", "Evaluated", "Connected", "Moved", "Conflicts", "Retries")},
		{"Errors logged, changes parked, jobs that wait", "Sum", figures("LoggedErrors", "ParkedChanges", "WaitingJobs")},
		{"Calls of functions", "Sum", ofFunctions("Invocations")},
		{"Crashes and time-outs of functions", "Sum", ofFunctions("Errors")},
		{"Throttled calls of functions", "Sum", ofFunctions("Throttles")},
		{"Duration of calls, ms (95th percentile)", "p95", ofFunctions("Duration")},
		{"Tasks of jobs", "Maximum", [][]string{
			ofQueue("ApproximateNumberOfMessagesVisible", "JobQueue"), ofQueue("ApproximateNumberOfMessagesNotVisible", "JobQueue"),
			ofQueue("ApproximateNumberOfMessagesVisible", "BackfillQueue"), ofQueue("ApproximateNumberOfMessagesNotVisible", "BackfillQueue"),
			ofQueue("ApproximateNumberOfMessagesVisible", "JobDeadLetterQueue"),
		}},
		{"What SES tells of emails", "Maximum", [][]string{
			ofQueue("ApproximateNumberOfMessagesVisible", "MailQueue"), ofQueue("ApproximateNumberOfMessagesVisible", "MailDeadLetterQueue"),
		}},
		{"Age of the oldest task, s", "Maximum", [][]string{ofQueue("ApproximateAgeOfOldestMessage", "JobQueue"), ofQueue("ApproximateAgeOfOldestMessage", "BackfillQueue"), ofQueue("ApproximateAgeOfOldestMessage", "MailQueue")}},
		{"Write units of evaluations", "Sum", figures("WriteUnits")},
		{"Units of the table and its indexes", "Sum", append(ofTable("ConsumedReadCapacityUnits"), ofTable("ConsumedWriteCapacityUnits")...)},
		{"Throttled requests of the table and its indexes", "Sum", append(ofTable("ReadThrottleEvents"), ofTable("WriteThrottleEvents")...)},
	}
}

func api(metric string) []string { return []string{"AWS/ApiGateway", metric, "ApiId", "${Api}"} }

func ofFunctions(metric string) (lines [][]string) {
	for _, f := range functions() {
		lines = append(lines, []string{lambda, metric, "FunctionName", "${" + f.resource() + "}"})
	}
	return lines
}

func ofQueue(metric, resource string) []string {
	return []string{"AWS/SQS", metric, "QueueName", "${" + resource + ".QueueName}"}
}

func ofTable(metric string) [][]string {
	lines := [][]string{{"AWS/DynamoDB", metric, "TableName", "${Name}"}}
	for _, index := range rows.Indexes() {
		lines = append(lines, append(lines[0][:len(lines[0]):len(lines[0])], "GlobalSecondaryIndexName", index.Name))
	}
	return lines
}

// dashboard is the resource with the alarms on top and the graphs below, two abreast.
func dashboard(t *testing.T) string {
	t.Helper()
	const columns, height = 24, 6
	var arns []string
	for _, a := range stackAlarms() {
		arns = append(arns, "${"+a.name+".Arn}")
	}
	for _, f := range functions() {
		for _, a := range f.alarms() {
			arns = append(arns, "${"+a.name+".Arn}")
		}
	}
	widgets := []map[string]any{{
		"type": "alarm", "x": 0, "y": 0, "width": columns, "height": height,
		"properties": map[string]any{"title": "Alarms", "alarms": arns},
	}}
	for i, g := range graphs() {
		widgets = append(widgets, map[string]any{
			"type": "metric", "x": i % 2 * columns / 2, "y": height + i/2*height, "width": columns / 2, "height": height,
			"properties": map[string]any{"title": g.title, "region": "${AWS::Region}", "period": 60, "stat": g.statistic, "metrics": g.lines},
		})
	}
	var body strings.Builder
	body.WriteString("{\"widgets\": [\n")
	for i, w := range widgets {
		text, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		body.WriteString("          " + string(text))
		if i+1 < len(widgets) {
			body.WriteByte(',')
		}
		body.WriteByte('\n')
	}
	body.WriteString("          ]}")
	return `
  Dashboard:
    Type: AWS::CloudWatch::Dashboard
    Properties:
      DashboardBody: !Sub
        - |
          ` + body.String() + `
        - {Name: ` + tableName + `}
`
}
