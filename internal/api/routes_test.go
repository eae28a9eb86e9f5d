package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"segue/internal/api"
	"segue/internal/rows"
	"segue/internal/store"
)

// template is what the tests read of template.yaml. Tags such as !Ref leave
// their argument.
type template struct {
	Resources map[string]struct {
		Type       string `yaml:"Type"`
		Properties struct {
			CodeURI string           `yaml:"CodeUri"`
			Events  map[string]event `yaml:"Events"`
			Cors    struct {
				AllowMethods  []string `yaml:"AllowMethods"`
				AllowHeaders  []string `yaml:"AllowHeaders"`
				ExposeHeaders []string `yaml:"ExposeHeaders"`
				MaxAge        int      `yaml:"MaxAge"`
			} `yaml:"CorsConfiguration"`
			Indexes []struct {
				Name string `yaml:"IndexName"`
				Keys []struct {
					Attribute string `yaml:"AttributeName"`
					Type      string `yaml:"KeyType"`
				} `yaml:"KeySchema"`
			} `yaml:"GlobalSecondaryIndexes"`
		} `yaml:"Properties"`
	} `yaml:"Resources"`
}

// event is what invokes a function.
type event struct {
	Type       string `yaml:"Type"`
	Properties struct {
		Method        string   `yaml:"Method"`
		Path          string   `yaml:"Path"`
		Stream        []string `yaml:"Stream"` // of the stack's own table, or of another
		Schedule      string   `yaml:"ScheduleExpression"`
		ResponseTypes []string `yaml:"FunctionResponseTypes"`
		Auth          struct {
			Authorizer string `yaml:"Authorizer"`
		} `yaml:"Auth"`
	} `yaml:"Properties"`
}

func readTemplate(t *testing.T) template {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tmpl template
	if err := yaml.Unmarshal(text, &tmpl); err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// events are the events of each function by its folder's name.
func (tmpl template) events() map[string][]event {
	functions := map[string][]event{}
	for _, resource := range tmpl.Resources {
		if resource.Type == "AWS::Serverless::Function" {
			name := filepath.Base(resource.Properties.CodeURI)
			functions[name] = []event{}
			for _, e := range resource.Properties.Events {
				functions[name] = append(functions[name], e)
			}
		}
	}
	return functions
}

// routes are "function: METHOD /path" for each route of the template.
func (tmpl template) routes() []string {
	var routes []string
	for function, events := range tmpl.events() {
		for _, e := range events {
			if e.Type == "HttpApi" {
				routes = append(routes, function+": "+e.Properties.Method+" "+e.Properties.Path)
			}
		}
	}
	slices.Sort(routes)
	return routes
}

// TestRoutes: template.yaml has the routes of the API and no other. "Any
// method" is spelled out there, for a preflight request must stay the gateway's.
func TestRoutes(t *testing.T) {
	tmpl := readTemplate(t)
	var methods []string
	for _, resource := range tmpl.Resources {
		methods = append(methods, resource.Properties.Cors.AllowMethods...)
	}
	var want []string
	for _, route := range api.Routes() {
		path := strings.ReplaceAll(route.Path, "...}", "+}")
		on := []string{route.Method}
		if route.Method == "ANY" {
			on = methods
		}
		for _, method := range on {
			want = append(want, route.Function+": "+method+" "+path)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, tmpl.routes()); diff != "" || len(methods) == 0 {
		t.Errorf("routes in template.yaml (-api.Routes +template):\n%s", diff)
	}
}

// TestOpenRoutes: what recipients of emails reach needs no token, and nothing else goes
// without.
func TestOpenRoutes(t *testing.T) {
	for function, events := range readTemplate(t).events() {
		for _, e := range events {
			if open := e.Properties.Auth.Authorizer == "NONE"; open != (function == "track") {
				t.Errorf("%s %s %s goes without a token: %v", function, e.Properties.Method, e.Properties.Path, open)
			}
		}
	}
}

// TestFunctions: a function has a folder, an event, an expectation, a place in
// the template, and a handler if it serves HTTP; the others have events of one type.
func TestFunctions(t *testing.T) {
	var want []string
	functions := readTemplate(t).events()
	for name, invokedBy := range functions {
		want = append(want, name)
		if (handlerOf(name) != nil) != httpOnly(invokedBy) || handlerOf(name) == nil && !ofOneType(invokedBy) {
			t.Errorf("%s: has an HTTP handler: %v, events %+v", name, handlerOf(name) != nil, invokedBy)
		}
	}
	slices.Sort(want)
	for _, pattern := range []string{"functions/*/main.go", "events/*.json", "events/expected/*.json"} {
		if diff := cmp.Diff(want, names(t, pattern)); diff != "" {
			t.Errorf("%s (-template.yaml +files):\n%s", pattern, diff)
		}
	}
	if !streams(functions["evaluate"]) {
		t.Errorf("evaluate does not read the table's stream with partial answers: %+v", functions["evaluate"])
	}
	if e := functions["advance"]; len(e) != 1 || e[0].Type != "ScheduleV2" || e[0].Properties.Schedule != "rate(1 minute)" {
		t.Errorf("advance is not called every minute: %+v", e)
	}
}

// handlerOf is the handler of a function's routes, nil for one without.
func handlerOf(function string) func(*api.API) http.Handler {
	for _, route := range api.Routes() {
		if route.Function == function {
			return route.Handler
		}
	}
	return nil
}

// streams says that the table's stream alone invokes a function, with
// partial-batch answers.
func streams(list []event) bool {
	return len(list) == 1 && list[0].Type == "DynamoDB" &&
		slices.Equal(list[0].Properties.Stream, []string{"OwnTable", "Table.StreamArn", "TableStreamArn"}) &&
		slices.Contains(list[0].Properties.ResponseTypes, "ReportBatchItemFailures")
}

func httpOnly(list []event) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(e event) bool { return e.Type != "HttpApi" })
}

func ofOneType(list []event) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(e event) bool { return e.Type != list[0].Type })
}

// names are the functions that files are named after.
func names(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob("../../" + pattern)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		if name == "main.go" {
			name = filepath.Base(filepath.Dir(path))
		}
		if name != "fixture" {
			found = append(found, name)
		}
	}
	return found
}

// TestEventRoutes: the event of an HTTP function came in by one of its routes.
func TestEventRoutes(t *testing.T) {
	routes := readTemplate(t).routes()
	for _, function := range names(t, "functions/*/main.go") {
		if handlerOf(function) == nil {
			continue
		}
		var e events.APIGatewayV2HTTPRequest
		readJSON(t, function+".json", &e)
		if !slices.Contains(routes, function+": "+e.RouteKey) {
			t.Errorf("events/%s.json has the route %q; there is %q", function, e.RouteKey, routes)
		}
		sent := e.RequestContext.HTTP
		if method, _, _ := strings.Cut(e.RouteKey, " "); sent.Method != method || sent.Path != e.RawPath || e.RequestContext.RouteKey != e.RouteKey {
			t.Errorf("events/%s.json contradicts itself: %s %s came in by %s with path %s", function, sent.Method, sent.Path, e.RouteKey, e.RawPath)
		}
		if e.Body != "" && !json.Valid([]byte(e.Body)) {
			t.Errorf("events/%s.json has a body that is no JSON: %s", function, e.Body)
		}
	}
}

// TestTemplateIndexes: the table is deployed with the indexes that rows uses.
func TestTemplateIndexes(t *testing.T) {
	var got []store.Index
	for _, index := range readTemplate(t).Resources["Table"].Properties.Indexes {
		if len(index.Keys) != 2 || index.Keys[0].Type != "HASH" || index.Keys[1].Type != "RANGE" {
			t.Fatalf("index %s has the keys %+v", index.Name, index.Keys)
		}
		got = append(got, store.Index{Name: index.Name, PK: index.Keys[0].Attribute, SK: index.Keys[1].Attribute})
	}
	if diff := cmp.Diff(rows.Indexes(), got); diff != "" {
		t.Errorf("indexes in template.yaml (-rows +template):\n%s", diff)
	}
}
