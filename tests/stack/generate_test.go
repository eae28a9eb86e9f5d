package stack_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"segue/internal/doctest"
)

const template = "../../template.yaml"

// TestGenerated keeps what each function has around it, and the alarms, the same for
// all of them. To change it, edit this package and run
//
//	go test ./tests/stack -run TestGenerated -update
func TestGenerated(t *testing.T) {
	var of strings.Builder
	for _, f := range functions() {
		of.WriteString(f.role())
		of.WriteString(f.log())
		for _, a := range f.alarms() {
			of.WriteString(a.yaml())
		}
	}
	doctest.Block(t, template, "functions", of.String())
	var whole strings.Builder
	for _, a := range stackAlarms() {
		whole.WriteString(a.yaml())
	}
	doctest.Block(t, template, "alarms", whole.String())
	doctest.Block(t, template, "dashboard", dashboard(t))
}

// role is the resource with the statements of a function. Without one SAM would make
// one, with managed policies that write every log and read every stream and queue.
func (f function) role() string {
	var list strings.Builder
	for _, s := range f.statements() {
		if !strings.HasPrefix(s.resource, "\n") { // one, on the same line
			s.resource = " " + s.resource
		}
		fmt.Fprintf(&list, `
              - Effect: Allow
                Action: [%s]
                Resource:%s`, strings.Join(s.actions, ", "), s.resource)
		if s.ownAccount {
			list.WriteString(`
                Condition: {StringEquals: {s3:ResourceAccount: !Ref AWS::AccountId}}`)
		}
	}
	return fmt.Sprintf(`
  %sRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Action: sts:AssumeRole
            Principal: {Service: lambda.amazonaws.com}
      Policies:
        - PolicyName: %s
          PolicyDocument:
            Version: '2012-10-17'
            Statement:%s
`, f.title(), f.name, list.String())
}

// log is the log group of a function, and the counts of lines in it. After an internal
// error a function still responds (500), so Lambda counts none. A job that no queue takes
// is tried again each minute, for ever.
func (f function) log() string {
	text := fmt.Sprintf(`
  %[1]sLog:
    Type: AWS::Logs::LogGroup
    Properties:
      RetentionInDays: !Ref LogRetentionDays
`, f.title()) + f.count("LoggedErrors", `$.level = "ERROR"`)
	if f.reacts && f.name != "evaluate" { // whose line of figures has them
		text += f.count("ParkedChanges", `$.message = "a change is parked"`)
	}
	if f.reacts {
		text += f.count("WaitingJobs", `$.message = "the queue of jobs is full or away"`)
	}
	return text
}

// count is a filter that counts lines of a function's log.
func (f function) count(metric, lines string) string {
	return fmt.Sprintf(`
  %[1]s%[2]s:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref %[1]sLog
      FilterPattern: '{ %[3]s }'
      MetricTransformations:
        - {MetricNamespace: %[4]s, MetricName: %[2]s, MetricValue: '1'}
`, f.title(), metric, lines, ownMetrics)
}

func (a alarm) yaml() string {
	var text strings.Builder
	fmt.Fprintf(&text, `
  %s:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: %s
      Namespace: %s
      MetricName: %s
`, a.name, a.description, a.namespace, a.metric)
	if len(a.dimensions) > 0 {
		text.WriteString("      Dimensions:\n")
	}
	for _, d := range a.dimensions {
		name, value, _ := strings.Cut(d, " ")
		fmt.Fprintf(&text, "        - {Name: %s, Value: %s}\n", name, value)
	}
	statistic := cmp.Or(a.statistic, "Sum")
	if strings.HasPrefix(statistic, "p") {
		fmt.Fprintf(&text, "      ExtendedStatistic: %s\n      EvaluateLowSampleCountPercentile: ignore\n", statistic)
	} else {
		fmt.Fprintf(&text, "      Statistic: %s\n", statistic)
	}
	periods, datapoints := 5, 2
	if a.once {
		periods, datapoints = 1, 1
	}
	fmt.Fprintf(&text, `      Period: 60
      EvaluationPeriods: %d
      DatapointsToAlarm: %d
      ComparisonOperator: GreaterThanThreshold
      Threshold: %d
      TreatMissingData: notBreaching
`, periods, datapoints, a.above)
	if !a.rollsBack {
		text.WriteString("      AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopic], !Ref AWS::NoValue]\n")
	}
	return text.String()
}
