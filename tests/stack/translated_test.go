//go:build e2e

package stack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// translated is template.yaml as SAM translates it for CloudFormation, with these values
// of parameters.
func translated(t *testing.T, parameters ...string) resources {
	t.Helper()
	command := exec.CommandContext(t.Context(), "../../scripts/sam.sh", append([]string{"translate", "JwtIssuer=https://issuer.example"}, parameters...)...)
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("translate: %v\n%s", err, errs.String())
	}
	var whole struct{ Resources map[string]any }
	if err := json.Unmarshal(out, &whole); err != nil {
		t.Fatal(err)
	}
	if n := len(resources(whole.Resources).ofType(lambdaFunction)); n != len(functions()) {
		t.Fatalf("%d functions, want %d", n, len(functions()))
	}
	return whole.Resources
}

const (
	lambdaFunction = "AWS::Lambda::Function"
	lambdaAlias    = "AWS::Lambda::Alias"
	metricAlarm    = "AWS::CloudWatch::Alarm"
	filter         = "AWS::Logs::MetricFilter"
)

// names are what a value refers to: resources and parameters, each once, in order.
func names(node any) []string {
	var found []string
	switch node := node.(type) {
	case []any:
		for _, each := range node {
			found = append(found, names(each)...)
		}
	case map[string]any:
		for key, value := range node {
			switch key {
			case "Ref":
				found = append(found, value.(string))
			case "Fn::GetAtt":
				found = append(found, value.([]any)[0].(string))
			case "Fn::Sub":
				for _, name := range regexp.MustCompile(`\$\{(\w+)[}.]`).FindAllStringSubmatch(fmt.Sprint(value), -1) {
					found = append(found, name[1])
				}
				found = append(found, names(value)...)
			case "Fn::If":
				found = append(found, names(value.([]any)[1:])...)
			default:
				found = append(found, names(value)...)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// refers reports whether a part of a resource refers to another one.
func (r resources) refers(t *testing.T, resource, to string, path ...any) bool {
	t.Helper()
	return slices.Contains(names(r.at(t, resource, path...)), to)
}

// TestTranslated looks at what SAM makes of template.yaml. `make validate` runs it.
func TestTranslated(t *testing.T) {
	r := translated(t)
	t.Run("every function", r.everyFunction)
	t.Run("deployment", r.deployment)
	t.Run("time-outs", r.timeouts)
	t.Run("alarms", r.alarms)
	t.Run("parameters", r.parametersPublish)
}

// everyFunction: functions differ in what they do and may do, and in nothing that
// keeps watch over them: log, alarms, what stops a deployment.
func (r resources) everyFunction(t *testing.T) {
	first := functions()[0].resource()
	for _, f := range functions() {
		if d := cmp.Diff(r.watch(t, first), r.watch(t, f.resource())); d != "" {
			t.Errorf("what keeps watch (-%s +%s):\n%s", first, f.resource(), d)
		}
	}
}

// watch is the resources that keep watch over a function, as JSON without its name.
func (r resources) watch(t *testing.T, function string) string {
	t.Helper()
	logging := r.at(t, function, "LoggingConfig").(map[string]any)
	log := names(logging)[0]
	watchers := []any{logging, r[log], r.at(t, function+"DeploymentGroup", "AlarmConfiguration"), r.at(t, function+"DeploymentGroup", "AutoRollbackConfiguration")}
	for _, name := range r.ofType(filter) {
		if r.refers(t, name, log) && r.at(t, name, "FilterPattern") == `{ $.level = "ERROR" }` {
			watchers = append(watchers, r[name])
		}
	}
	for _, name := range r.ofType(metricAlarm) {
		if metric := r.at(t, name, "MetricName"); r.refers(t, name, function, "Dimensions") && (metric == "Errors" || metric == "Throttles") {
			watchers = append(watchers, r[name])
		}
	}
	if len(watchers) != 8 { // the four above, the count of errors, three alarms
		t.Errorf("%s has %d things that keep watch: %v", function, len(watchers), watchers)
	}
	text, err := json.MarshalIndent(watchers, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	version := names(r.at(t, function+"Aliaslive", "FunctionVersion"))[0]
	own := regexp.MustCompile(version + `|\b` + strings.TrimSuffix(function, "Function") + `(Function|Log|CanaryAlarm)`)
	return own.ReplaceAllString(string(text), "OF ONE$1")
}

// deployment: a version takes over step by step, and nothing but crashes of that
// version of that function stops it. In an emergency it takes over at once.
func (r resources) deployment(t *testing.T) {
	for _, f := range functions() {
		if group := r[f.resource()+"Aliaslive"].(map[string]any)["UpdatePolicy"]; !slices.Contains(names(group), f.resource()+"DeploymentGroup") {
			t.Errorf("%s is deployed with %v", f.resource(), group)
		}
		if alarms := names(r.at(t, f.resource()+"DeploymentGroup", "AlarmConfiguration")); !slices.Equal(alarms, []string{f.title() + "CanaryAlarm"}) {
			t.Errorf("the deployment of %s is stopped by %v", f.resource(), alarms)
		}
		version := names(r.at(t, f.resource()+"Aliaslive", "FunctionVersion"))[0]
		want := []any{
			map[string]any{"Name": "FunctionName", "Value": map[string]any{"Ref": f.resource()}},
			map[string]any{"Name": "Resource", "Value": map[string]any{"Fn::Sub": "${" + f.resource() + "}:live"}},
			map[string]any{"Name": "ExecutedVersion", "Value": map[string]any{"Fn::GetAtt": []any{version, "Version"}}},
		}
		if d := cmp.Diff(want, r.at(t, f.title()+"CanaryAlarm", "Dimensions")); d != "" {
			t.Errorf("what stops a deployment of %s looks at (-want +got):\n%s", f.resource(), d)
		}
		steps := fmt.Sprint(r.at(t, f.resource()+"DeploymentGroup", "DeploymentConfigName"))
		if linear := strings.Contains(steps, "Linear"); linear == slices.Contains(r.served(t), f.resource()) {
			t.Errorf("%s is deployed by %s", f.resource(), steps)
		}
	}
	atOnce := translated(t, "Gradual=false")
	for _, name := range atOnce.ofType(lambdaAlias) {
		if policy := atOnce[name].(map[string]any)["UpdatePolicy"]; policy != nil {
			t.Errorf("in an emergency, %s is deployed by %v", name, policy)
		}
	}
}

// served is the functions that the API calls.
func (r resources) served(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range names(r.at(t, "Api", "Body", "paths")) {
		if function, alias := strings.CutSuffix(name, "Aliaslive"); alias {
			found = append(found, function)
		}
	}
	return found
}

// timeouts: a function ends before whoever called it gives up.
func (r resources) timeouts(t *testing.T) {
	longest := map[string]int{"EvaluateFunction": 60, "AdvanceFunction": 60, "JobFunction": 60, "NotifyFunction": 25}
	for _, name := range r.served(t) {
		longest[name] = 29 // an HTTP API waits 30 s
	}
	for _, f := range functions() {
		if timeout := int(r.at(t, f.resource(), "Timeout").(float64)); longest[f.resource()] == 0 || timeout > longest[f.resource()] {
			t.Errorf("%s has %d s, want at most %d", f.resource(), timeout, longest[f.resource()])
		}
	}
}

// alarms: an alarm goes off when something is wrong in two of five minutes, so that
// what mends itself wakes nobody; where nothing mends itself, and it may be counted in one
// minute only, in one.
func (r resources) alarms(t *testing.T) {
	once := []string{"GivenUpChangesAlarm", "LostChangesAlarm", "ParkedChangesAlarm", "UndeliveredChangesAlarm"}
	for _, name := range r.ofType(metricAlarm) {
		want := []any{60., 5., 2., "GreaterThanThreshold", "notBreaching"}
		if slices.Contains(once, name) {
			want = []any{60., 1., 1., "GreaterThanThreshold", "notBreaching"}
		}
		var got []any
		for _, property := range []string{"Period", "EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "TreatMissingData"} {
			got = append(got, r.at(t, name, property))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if wakes := r.refers(t, name, "AlarmTopic", "AlarmActions"); wakes == strings.HasSuffix(name, "CanaryAlarm") {
			t.Errorf("%s wakes somebody: %v", name, wakes)
		}
	}
	for _, index := range r.at(t, "Table", "GlobalSecondaryIndexes").([]any) {
		of := index.(map[string]any)["IndexName"]
		watched := 0
		for _, name := range r.ofType(metricAlarm) {
			if dimensions := fmt.Sprint(r.at(t, name, "Dimensions")); strings.Contains(dimensions, fmt.Sprint("Name:GlobalSecondaryIndexName Value:", of)) {
				watched++
			}
		}
		if watched != 2 {
			t.Errorf("%d alarms on throttled requests of %v, want one for reads and one for writes", watched, of)
		}
	}
}

// parametersPublish: SAM makes a version of a function when what the template says
// of it changes, and does not see what a parameter says. So the description of a version
// has the parameters, and another description is another version.
func (r resources) parametersPublish(t *testing.T) {
	for _, f := range functions() {
		version := names(r.at(t, f.resource()+"Aliaslive", "FunctionVersion"))[0]
		said := names(r.at(t, version, "Description"))
		for _, name := range names(r[f.resource()].(map[string]any)["Properties"]) {
			if r[name] == nil && !slices.Contains(said, name) {
				t.Errorf("%s depends on the parameter %s, which the description of its version does not have", f.resource(), name)
			}
		}
	}
}
