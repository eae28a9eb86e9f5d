package api_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// resources is template.yaml as plain values. Tags such as !Ref leave their argument.
type resources map[string]any

func readResources(t *testing.T) resources {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tmpl struct {
		Resources map[string]any `yaml:"Resources"` // a named type would be that of every map in it
	}
	if err := yaml.Unmarshal(text, &tmpl); err != nil {
		t.Fatal(err)
	}
	return tmpl.Resources
}

// at follows a path of keys and positions from a resource's properties.
func (r resources) at(t *testing.T, resource string, path ...any) any {
	t.Helper()
	var node any = map[string]any(r)
	for _, step := range append([]any{resource, "Properties"}, path...) {
		switch in := node.(type) {
		case map[string]any:
			node = in[step.(string)]
		case []any:
			node = in[step.(int)]
		default:
			t.Fatalf("%s has no %v of %v", resource, step, path)
		}
	}
	return node
}

// ofType is the names of all resources of a type.
func (r resources) ofType(kind string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if r[name].(map[string]any)["Type"] == kind {
			names = append(names, name)
		}
	}
	return names
}

// TestFailureNet: what the mapping gives up lands whole in a bucket that keeps it to
// itself, and until then it is tried by age alone.
func TestFailureNet(t *testing.T) {
	r := readResources(t)
	mapping := r.at(t, "EvaluateFunction", "Events", "Changes", "Properties").(map[string]any)
	got := map[string]any{}
	for _, key := range []string{"MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "DestinationConfig", "MetricsConfig"} {
		got[key] = mapping[key]
	}
	want := map[string]any{
		"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": 43200,
		"DestinationConfig": map[string]any{"OnFailure": map[string]any{"Type": "S3", "Destination": "FailureBucket.Arn"}},
		"MetricsConfig":     map[string]any{"Metrics": []any{"EventCount"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("event source mapping (-want +got):\n%s", d)
	}
	for name, closed := range r.at(t, "FailureBucket", "PublicAccessBlockConfiguration").(map[string]any) {
		if closed != true {
			t.Errorf("FailureBucket: %s is %v", name, closed)
		}
	}
	if n := len(r.at(t, "FailureBucket", "PublicAccessBlockConfiguration").(map[string]any)); n != 4 {
		t.Errorf("FailureBucket: %d of 4 ways of public access are closed", n)
	}
	if got := r.at(t, "FailureBucket", "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "SSEAlgorithm"); got != "AES256" {
		t.Errorf("FailureBucket: encryption by %v", got)
	}
	if got := r.at(t, "FailureBucket", "LifecycleConfiguration", "Rules", 0, "ExpirationInDays"); got != 90 {
		t.Errorf("FailureBucket: objects expire after %v days", got)
	}
	allowed := map[string]any{}
	for _, statement := range r.statements(t)["EvaluateRole"] {
		for _, action := range texts(statement["Action"]) {
			if strings.HasPrefix(action, "s3:") {
				allowed[action] = statement["Resource"]
			}
		}
	}
	if d := cmp.Diff(map[string]any{"s3:PutObject": "${FailureBucket.Arn}/*", "s3:ListBucket": "FailureBucket.Arn"}, allowed); d != "" {
		t.Errorf("EvaluateRole on S3 (-want +got):\n%s", d)
	}
}

// statements is what the functions, or roles of their own, are allowed, by the
// resource that says so.
func (r resources) statements(t *testing.T) map[string][]map[string]any {
	t.Helper()
	all := map[string][]map[string]any{}
	add := func(name string, document any) {
		for _, statement := range document.(map[string]any)["Statement"].([]any) {
			all[name] = append(all[name], statement.(map[string]any))
		}
	}
	for _, name := range r.ofType("AWS::Serverless::Function") {
		if policies, own := r.at(t, name, "Policies").([]any); own {
			for _, document := range policies {
				add(name, document)
			}
		}
	}
	for _, name := range r.ofType("AWS::IAM::Role") {
		for _, policy := range r.at(t, name, "Policies").([]any) {
			add(name, policy.(map[string]any)["PolicyDocument"])
		}
	}
	return all
}

// texts is one text or several as several.
func texts(node any) []string {
	if text, one := node.(string); one {
		return []string{text}
	}
	var all []string
	for _, text := range node.([]any) {
		all = append(all, text.(string))
	}
	return all
}

// TestLeastPrivilege: a function may do what it names, with what this template makes,
// and nothing walks or deletes a table.
func TestLeastPrivilege(t *testing.T) {
	r := readResources(t)
	all := r.statements(t)
	for _, name := range r.ofType("AWS::Serverless::Function") {
		if role, _ := r.at(t, name, "Role").(string); len(all[name]) == 0 && len(all[strings.TrimSuffix(role, ".Arn")]) == 0 {
			t.Errorf("%s has no statement of its own", name)
		}
	}
	for name, statements := range all {
		for _, statement := range statements {
			for _, action := range texts(statement["Action"]) {
				if strings.Contains(action, "*") || action == "dynamodb:Scan" || action == "dynamodb:DeleteTable" {
					t.Errorf("%s is allowed %s", name, action)
				}
			}
			for _, resource := range texts(statement["Resource"]) {
				made, _, _ := strings.Cut(strings.TrimPrefix(resource, "${"), ".")
				if r[made] == nil {
					t.Errorf("%s is allowed %v with %s, which this template does not make", name, statement["Action"], resource)
				}
			}
		}
	}
}

// TestAlarms: what must wake somebody does, for every function and for what is parked,
// given up, lost or late.
func TestAlarms(t *testing.T) {
	r := readResources(t)
	got := map[string]bool{}
	for _, name := range r.ofType("AWS::CloudWatch::Alarm") {
		of := ""
		if dimensions, has := r.at(t, name, "Dimensions").([]any); has {
			of = fmt.Sprint(dimensions[0].(map[string]any)["Value"], " ")
		}
		got[fmt.Sprint(of, r.at(t, name, "MetricName"))] = true
	}
	want := map[string]bool{
		"LoggedErrors": true, "ParkedChanges": true,
		"EvaluateFunction IteratorAge": true, "EvaluateFunction DestinationDeliveryFailures": true,
		"JobQueue.QueueName ApproximateAgeOfOldestMessage": true, "JobDeadLetterQueue.QueueName ApproximateNumberOfMessagesVisible": true,
		"EvaluateFunctionChanges OnFailureDestinationDeliveredEventCount": true, "EvaluateFunctionChanges DroppedEventCount": true,
	}
	for _, name := range r.ofType("AWS::Serverless::Function") {
		want[name+" Errors"], want[name+" Throttles"] = true, true
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("alarms (-want +got):\n%s", d)
	}
	var logs []string
	for _, name := range r.ofType("AWS::Logs::MetricFilter") {
		if r.at(t, name, "FilterPattern") == `{ $.level = "ERROR" }` {
			logs = append(logs, r.at(t, name, "LogGroupName").(string))
		}
	}
	for _, name := range r.ofType("AWS::Serverless::Function") {
		log := r.at(t, name, "LoggingConfig", "LogGroup").(string)
		if !slices.Contains(logs, log) {
			t.Errorf("errors in %s, the log of %s, are not counted", log, name)
		}
	}
}

// TestJobQueue: a message is not handed over again while a function may still work on
// it, those that fail are reported one by one, and every function that queues tasks
// may.
func TestJobQueue(t *testing.T) {
	r := readResources(t)
	if hidden, timeout := r.at(t, "JobQueue", "VisibilityTimeout").(int), r.at(t, "JobFunction", "Timeout").(int); hidden < 6*timeout {
		t.Errorf("a message is hidden for %d s, want six times the %d s of the function", hidden, timeout)
	}
	if got := r.at(t, "JobQueue", "RedrivePolicy", "deadLetterTargetArn"); got != "JobDeadLetterQueue.Arn" {
		t.Errorf("what is given up goes to %v", got)
	}
	source := []any{"Events", "Tasks", "Properties"}
	if got := r.at(t, "JobFunction", append(source, "Queue")...); got != "JobQueue.Arn" {
		t.Errorf("the function is on %v", got)
	}
	if got := texts(r.at(t, "JobFunction", append(source, "FunctionResponseTypes")...)); !slices.Contains(got, "ReportBatchItemFailures") {
		t.Errorf("the function answers with %v", got)
	}
	if r.at(t, "JobFunction", append(source, "ScalingConfig", "MaximumConcurrency")...) == nil {
		t.Error("the concurrency of jobs is not bounded")
	}
	all := r.statements(t)
	for _, sender := range []string{"EvaluateRole", "AdvanceFunction", "JobRole"} {
		if !slices.ContainsFunc(all[sender], func(s map[string]any) bool {
			return slices.Contains(texts(s["Action"]), "sqs:SendMessage") && slices.Contains(texts(s["Resource"]), "JobQueue.Arn")
		}) {
			t.Errorf("%s may not queue tasks", sender)
		}
	}
}
