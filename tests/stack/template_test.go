package stack_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
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

// statements is what the functions are allowed, by their roles.
func (r resources) statements(t *testing.T) map[string][]map[string]any {
	t.Helper()
	all := map[string][]map[string]any{}
	for _, name := range r.ofType("AWS::IAM::Role") {
		for _, policy := range r.at(t, name, "Policies").([]any) {
			for _, statement := range policy.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
				all[name] = append(all[name], statement.(map[string]any))
			}
		}
	}
	return all
}

// texts is one text or several as several. One with variables is the text alone.
func texts(node any) []string {
	switch node := node.(type) {
	case string:
		return []string{node}
	case []any:
		if _, variables := node[len(node)-1].(map[string]any); variables {
			return texts(node[0])
		}
		var all []string
		for _, each := range node {
			all = append(all, texts(each)...)
		}
		return all
	}
	return nil
}

// TestLeastPrivilege: a function has a role of its own, which lets it do what it names,
// with what this stack has. Nothing walks or deletes a table, and nothing writes the log
// of another function.
func TestLeastPrivilege(t *testing.T) {
	r := readResources(t)
	all := r.statements(t)
	const table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Name}"
	for _, name := range r.ofType("AWS::Serverless::Function") {
		title := strings.TrimSuffix(name, "Function")
		if role := r.at(t, name, "Role"); role != title+"Role.Arn" || len(all[title+"Role"]) == 0 {
			t.Errorf("%s has the role %v with %d statements", name, role, len(all[title+"Role"]))
		}
		if managed := r.at(t, title+"Role", "ManagedPolicyArns"); managed != nil {
			t.Errorf("%s has policies of AWS: %v", title+"Role", managed)
		}
	}
	for name, statements := range all {
		own := strings.TrimSuffix(name, "Role") + "Log.Arn"
		for _, statement := range statements {
			actions, resources := texts(statement["Action"]), texts(statement["Resource"])
			for _, action := range actions {
				if strings.Contains(action, "*") || action == "dynamodb:Scan" || action == "dynamodb:DeleteTable" {
					t.Errorf("%s is allowed %s", name, action)
				}
				if logs := strings.HasPrefix(action, "logs:"); logs && !slices.Equal(resources, []string{own}) {
					t.Errorf("%s is allowed %s with %v, want its own log", name, action, resources)
				}
			}
			for _, resource := range resources {
				if below, is := strings.CutPrefix(resource, table); is {
					if index := strings.HasPrefix(below, "/index/"); index && !slices.Equal(actions, []string{"dynamodb:Query"}) {
						t.Errorf("%s is allowed %v with %s, want nothing but to query it", name, actions, resource)
					}
					continue
				}
				made, _, _ := strings.Cut(strings.TrimPrefix(resource, "${"), ".")
				if r[made] == nil {
					t.Errorf("%s is allowed %v with %s, which this template does not make", name, actions, resource)
				}
			}
		}
	}
}

// TestTableIsKept: neither a mistake nor a change of the template ends the table.
func TestTableIsKept(t *testing.T) {
	r := readResources(t)
	table := r["Table"].(map[string]any)
	got := []any{
		table["DeletionPolicy"], table["UpdateReplacePolicy"], table["Condition"],
		r.at(t, "Table", "DeletionProtectionEnabled"), r.at(t, "Table", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"),
	}
	if d := cmp.Diff([]any{"Retain", "Retain", "OwnTable", true, true}, got); d != "" {
		t.Errorf("what keeps the table (-want +got):\n%s", d)
	}
}

// TestCountedLines: a line that a filter of the template counts is one that the program
// logs.
func TestCountedLines(t *testing.T) {
	r := readResources(t)
	message := regexp.MustCompile(`\$\.message = "([^"]+)"`)
	counted := map[string]bool{}
	for _, name := range r.ofType("AWS::Logs::MetricFilter") {
		if found := message.FindStringSubmatch(r.at(t, name, "FilterPattern").(string)); found != nil {
			counted[found[1]] = false
		}
	}
	if len(counted) == 0 {
		t.Fatal("no filter counts a message")
	}
	err := filepath.WalkDir("../../internal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range counted {
			counted[line] = counted[line] || strings.Contains(string(text), `slog.WarnContext(ctx, "`+line+`"`)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for line, logged := range counted {
		if !logged {
			t.Errorf("a filter counts %q, which nothing logs", line)
		}
	}
}

// TestVersionDescription: what parameters may say has room in the description of a version,
// of which Lambda takes 256 characters. A longer value is refused before anything is
// deployed.
func TestVersionDescription(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tmpl struct {
		Parameters map[string]struct {
			AllowedValues  []string `yaml:"AllowedValues"`
			AllowedPattern string   `yaml:"AllowedPattern"`
			MaxLength      int      `yaml:"MaxLength"`
			MaxValue       string   `yaml:"MaxValue"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(text, &tmpl); err != nil {
		t.Fatal(err)
	}
	r := readResources(t)
	const keyName = "12345678"
	pattern := regexp.MustCompile("^" + tmpl.Parameters["TrackKey"].AllowedPattern + "$")
	if secret := "." + strings.Repeat("s", 32); !pattern.MatchString(keyName+secret) || pattern.MatchString(keyName+"9"+secret) {
		t.Errorf("the name of a key has not up to %d characters: %v", len(keyName), pattern)
	}
	for _, function := range r.ofType("AWS::Serverless::Function") {
		longest := regexp.MustCompile(`\$\{(\w+)\}`).ReplaceAllStringFunc(texts(r.at(t, function, "VersionDescription"))[0], func(ref string) string {
			parameter := tmpl.Parameters[ref[2:len(ref)-1]]
			most := max(parameter.MaxLength, len(parameter.MaxValue))
			if ref == "${KeyName}" { // what TrackKey has before its dot
				most = len("-" + keyName)
			}
			for _, value := range parameter.AllowedValues {
				most = max(most, len(value))
			}
			if most == 0 {
				t.Errorf("%s: %s may be of any length", function, ref)
			}
			return strings.Repeat("x", most)
		})
		if len(longest) > 256 || !strings.HasPrefix(longest, "xxxxxx ") {
			t.Errorf("%s: the description of a version may have %d characters: %s", function, len(longest), longest)
		}
	}
}

// TestJobQueue: a message is not handed over again while a function may still work on
// it, and those that fail are reported one by one.
func TestJobQueue(t *testing.T) {
	r := readResources(t)
	bounds := map[string]string{}
	for event, queue := range map[string]string{"Tasks": "JobQueue", "Backfill": "BackfillQueue"} { // the second is the lane of what others must not wait behind
		if hidden, timeout := r.at(t, queue, "VisibilityTimeout").(int), r.at(t, "JobFunction", "Timeout").(int); hidden < 6*timeout {
			t.Errorf("%s: a message is hidden for %d s, want six times the %d s of the function", queue, hidden, timeout)
		}
		if got := r.at(t, queue, "RedrivePolicy", "deadLetterTargetArn"); got != "JobDeadLetterQueue.Arn" {
			t.Errorf("what %s gives up goes to %v", queue, got)
		}
		source := []any{"Events", event, "Properties"}
		if got := r.at(t, "JobFunction", append(source, "Queue")...); got != queue+".Arn" {
			t.Errorf("the event %s is on %v", event, got)
		}
		if got := texts(r.at(t, "JobFunction", append(source, "FunctionResponseTypes")...)); !slices.Contains(got, "ReportBatchItemFailures") {
			t.Errorf("the function answers %s with %v", event, got)
		}
		bounds[event], _ = r.at(t, "JobFunction", append(source, "ScalingConfig", "MaximumConcurrency")...).(string)
	}
	if want := map[string]string{"Tasks": "JobConcurrency", "Backfill": "BackfillConcurrency"}; !maps.Equal(bounds, want) {
		t.Errorf("how many tasks are worked on at the same time is %v, want %v", bounds, want)
	}
}

// TestQueuesAreWatched: for each queue that a function works on there is an alarm that tells
// when its tasks are not worked on, and the dashboard shows how old the oldest is. Tasks of
// backfills wait for one another by design, so theirs is not one of an hour, but it tells
// before what fails again and again is given up.
func TestQueuesAreWatched(t *testing.T) {
	r := readResources(t)
	above := map[string]int{}
	for _, name := range r.ofType("AWS::CloudWatch::Alarm") {
		if r.at(t, name, "MetricName") == "ApproximateAgeOfOldestMessage" {
			above[r.at(t, name, "Dimensions", 0, "Value").(string)], _ = r.at(t, name, "Threshold").(int)
		}
	}
	if d := cmp.Diff(map[string]int{"JobQueue.QueueName": 3600, "BackfillQueue.QueueName": 6 * 3600, "MailQueue.QueueName": 3600}, above); d != "" {
		t.Errorf("alarms on the age of tasks, s (-want +got):\n%s", d)
	}
	if given := r.at(t, "BackfillQueue", "RedrivePolicy", "maxReceiveCount").(int) * r.at(t, "BackfillQueue", "VisibilityTimeout").(int); given <= above["BackfillQueue.QueueName"] {
		t.Errorf("a task is given up after %d s, before the alarm", given)
	}
	body := r.at(t, "Dashboard", "DashboardBody").([]any)[0].(string)
	for queue := range above {
		if !strings.Contains(body, `"ApproximateAgeOfOldestMessage","QueueName","${`+queue+`}"`) {
			t.Errorf("the dashboard does not show the age of the tasks of %s", queue)
		}
	}
}

// TestAlarmsAreExplained: the page for operators says of each alarm what to do, and of none
// that there is not.
func TestAlarmsAreExplained(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| alarm |")
	table, _, _ = strings.Cut(table, "\n\n")
	var patterns []string
	for _, row := range strings.Split(table, "\n")[2:] {
		for name := range strings.SplitSeq(strings.Trim(strings.Split(row, "|")[1], " "), ", ") {
			patterns = append(patterns, strings.ReplaceAll(strings.ReplaceAll(name, "*X*", "*"), "\\", ""))
		}
	}
	used := map[string]bool{}
	for _, name := range readResources(t).ofType("AWS::CloudWatch::Alarm") {
		explained := false
		for _, pattern := range patterns {
			if is, err := filepath.Match(pattern, strings.TrimSuffix(name, "Alarm")); err == nil && is {
				explained, used[pattern] = true, true
			}
		}
		if !explained {
			t.Errorf("docs/operations.md does not explain %s", name)
		}
	}
	for _, pattern := range patterns {
		if !used[pattern] {
			t.Errorf("docs/operations.md explains %s, which there is not", pattern)
		}
	}
}
