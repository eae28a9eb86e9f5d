// Package language reads how a definition is written (docs/domain.md §6) into the graph
// of steps by which targets go. Beside the list of Segue's own format it tells apart
// texts of others, which are kept as they are.
//
// Invariant: what Parse returns is a tree of steps of known types, each with the members
// of its type and no others; that it makes sense is left to the checks of activation.
package language

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/sales/sequence"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/strictjson"
)

// Format is the version of the language, which a definition names in its member "segue".
const Format = 1

// document is a definition as it is written.
type document struct {
	Segue int               `json:"segue"`
	Steps []json.RawMessage `json:"steps"`
}

// written is a step as it is written.
type written struct {
	ID          string                     `json:"id"`
	Type        json.RawMessage            `json:"type"`
	Subtype     string                     `json:"subtype"`
	Name        string                     `json:"name"`
	Description string                     `json:"description"`
	Wait        *duration                  `json:"wait"`
	Template    string                     `json:"template"`
	Set         map[string]json.RawMessage `json:"set"`
	Sequence    string                     `json:"sequence"`
	If          *question                  `json:"if"`
	Within      *duration                  `json:"within"`
	Early       bool                       `json:"early"`
	Yes         []json.RawMessage          `json:"yes"`
	No          []json.RawMessage          `json:"no"`
	Split       *int                       `json:"split"`
	Metric      string                     `json:"metric"`
	Until       string                     `json:"until"`
	Default     string                     `json:"default"`
	A           []json.RawMessage          `json:"a"`
	B           []json.RawMessage          `json:"b"`
}

type duration struct {
	Days  int `json:"days"`
	Hours int `json:"hours"`
}

type question struct {
	Email   []sequence.EmailResult `json:"email"`
	All     bool                   `json:"all"`
	Call    []any                  `json:"call"`
	Filter  json.RawMessage        `json:"filter"`
	Process string                 `json:"process"`
	Stages  []string               `json:"stages"`
}

// Foreign reports whether a text is no definition of ours but perhaps one of the product
// that Segue stands in for, which is published nowhere (docs/domain.md §6.1): it is kept as
// it is, and never activated.
func Foreign(text string) bool {
	if trimmed := strings.TrimSpace(text); trimmed == "" || strings.HasPrefix(trimmed, "[") {
		return false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil {
		return true
	}
	_, marked := members["segue"]
	return !marked
}

// Parse reads a definition, the steps of which docs/domain.md §6 describes:
//
//	{"segue":1,"steps":[
//	  {"type":"phonecall","name":"First call"},
//	  {"type":"condition","name":"Reached?","if":{"call":["Made"]},
//	   "yes":[{"type":"task","name":"Send the offer"}],
//	   "no":[{"type":"wait","name":"Two days","wait":{"days":2}},{"type":4210,"name":"Call again"}]}]}
//
// or only the list. After a branch the path goes on with the step after the condition.
// A step without an id gets one made of the sequence, its position and name, so
// that parsing again gives the same. The schema has the results of calls.
//
// The error is of type [Errors] and tells all that cannot be read; the definition then has
// the steps that can. What only matters to a sequence in use is left to package check.
func Parse(s *schema.Schema, id name.SequenceID, version int64, text string) (sequence.Definition, error) {
	def := sequence.Definition{Sequence: id, Version: version}
	doc := document{Segue: Format}
	var err error
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		err = strictjson.Decode([]byte(text), &doc.Steps)
	} else {
		err = strictjson.Decode([]byte(text), &doc)
	}
	switch {
	case err != nil:
		return def, Errors{{Detail: fmt.Sprintf("is not a list of steps: %v", err)}}
	case doc.Segue != Format:
		return def, Errors{{Detail: fmt.Sprintf(`has "segue":%d; this program reads version %d of the format`, doc.Segue, Format)}}
	}
	r := reader{schema: s, id: id}
	r.link(r.list(doc.Steps, place{}, 0), sequence.PathEnd)
	def.Steps = r.steps
	if len(r.errors) > 0 {
		return def, r.errors
	}
	return def, nil
}

// reader gathers the steps of a definition in the order in which they are written, and what
// is wrong with them.
type reader struct {
	schema *schema.Schema
	id     name.SequenceID
	steps  []sequence.Step
	errors Errors
	long   bool // there are more steps than are read
}

// node is a step that has been read, with those of its branches.
type node struct {
	at       sequence.Place
	branches [2][]node
}

// place is where a list is written, or a step. People count steps from 1; the ids of steps
// that have none are made of places that are counted from 0.
type place struct{ path, index string }

func (p place) step(i int) place {
	return place{fmt.Sprintf("%s%d", p.path, i+1), fmt.Sprintf("%s%d", p.index, i)}
}

func (p place) branch(name string) place {
	return place{p.path + "." + name + ".", p.path + "." + name + "."}
}

func (r *reader) list(list []json.RawMessage, at place, depth int) []node {
	if depth > sequence.MaxDepth {
		r.errors = append(r.errors, &Error{
			Path: strings.TrimSuffix(at.path, "."), Detail: fmt.Sprintf("has branches within branches %d deep; the limit is %d", depth, sequence.MaxDepth),
			limit: "SequenceDepth", most: sequence.MaxDepth, used: depth,
		})
		return nil
	}
	nodes := make([]node, 0, len(list))
	for i, text := range list {
		if len(r.steps) >= sequence.MaxPath {
			if !r.long {
				r.long, r.errors = true, append(r.errors, tooLong(len(r.steps)+1))
			}
			break
		}
		nodes = append(nodes, r.step(text, at.step(i), depth))
	}
	return nodes
}

// step reads a step and those of its branches.
func (r *reader) step(text json.RawMessage, at place, depth int) node {
	n := node{at: sequence.Place(len(r.steps))}
	step := sequence.Step{Path: at.path}
	r.steps = append(r.steps, step)
	bad := func(detail string) {
		r.errors = append(r.errors, &Error{Path: at.path, ID: step.ID, Detail: detail})
	}
	var w written
	if err := strictjson.Decode(text, &w); err != nil {
		bad(fmt.Sprintf("cannot be read: %v of it", err))
		return n
	}
	details := w.head(&step, r.id, at)
	kind, known := w.stepType()
	if !known {
		bad(strings.Join(append(details, fmt.Sprintf("has type %s; it may be %s", shorten(w.Type), strings.Join(typeNames(), ", "))), "; "))
		return n
	}
	step.Type = kind
	for _, detail := range append(details, w.misplaced(kind), w.details(&step, r.schema)) {
		if detail != "" {
			bad(detail)
		}
	}
	r.steps[n.at] = step
	for branch, list := range w.branches(kind) {
		n.branches[branch] = r.list(list, at.branch(kind.Branch(sequence.Branch(branch))), depth+1)
	}
	return n
}

// link says of each step of a list what comes next; after is what follows the list.
func (r *reader) link(list []node, after sequence.Place) {
	for i, n := range list {
		next := after
		if i+1 < len(list) {
			next = list[i+1].at
		}
		step := &r.steps[n.at]
		step.Next, step.Branches = next, [2]sequence.Place{next, next}
		if step.Type == sequence.AutoAction && step.Subtype == sequence.AdvanceToOther {
			step.Next, step.Branches = sequence.PathEnd, [2]sequence.Place{sequence.PathEnd, sequence.PathEnd}
		}
		for branch, list := range n.branches {
			if len(list) > 0 {
				step.Branches[branch] = list[0].at
				r.link(list, next)
			}
		}
	}
}

// branches returns the lists of a step's branches.
func (w written) branches(kind sequence.StepType) [2][]json.RawMessage {
	switch kind {
	case sequence.Condition:
		return [2][]json.RawMessage{w.Yes, w.No}
	case sequence.ABTest:
		return [2][]json.RawMessage{w.A, w.B}
	case sequence.Wait, sequence.AutomatedEmail, sequence.AutoAction, sequence.LinkedIn, sequence.AutomatedText, sequence.Email, sequence.PhoneCall, sequence.Task, sequence.TextMessage:
	}
	return [2][]json.RawMessage{}
}

// head reads what all steps have, and says what is wrong with it.
func (w written) head(step *sequence.Step, id name.SequenceID, at place) (wrong []string) {
	step.Name, step.Description = w.Name, w.Description
	given, ok := guid.ParseAny(w.ID)
	switch {
	case ok:
		step.ID = sequence.StepID(given)
	case w.ID == "":
		step.ID = sequence.StepID(guid.FromName(fmt.Sprintf("segue:step:%s:%s:%s", id, at.index, w.Name)))
	default:
		wrong = append(wrong, fmt.Sprintf("has id %q, which is not a GUID", excerpt.Of(w.ID)))
	}
	if len(w.Name) > sequence.MaxName || len(w.Description) > sequence.MaxText {
		wrong = append(wrong, fmt.Sprintf("has a name of more than %d or a description of more than %d bytes", sequence.MaxName, sequence.MaxText))
	}
	return wrong
}

// types are the names that a definition may use for a type, beside its number. Both
// auto actions have one number: which is meant is told by their members.
func types() map[string]sequence.StepType {
	return map[string]sequence.StepType{
		"wait": sequence.Wait, "condition": sequence.Condition, "automatedemail": sequence.AutomatedEmail, "automatedtext": sequence.AutomatedText, "abtest": sequence.ABTest,
		"updatefield": sequence.AutoAction, "advance": sequence.AutoAction,
		"linkedin": sequence.LinkedIn, "email": sequence.Email, "phonecall": sequence.PhoneCall, "task": sequence.Task, "textmessage": sequence.TextMessage,
	}
}

func typeNames() []string {
	return []string{"email", "automatedemail", "phonecall", "task", "textmessage", "automatedtext", "linkedin", "wait", "condition", "updatefield", "advance", "abtest"}
}

// stepType reads a type given by name or number.
func (w written) stepType() (sequence.StepType, bool) {
	var given string
	if json.Unmarshal(w.Type, &given) == nil {
		given = strings.ToLower(given)
		kind, ok := types()[given]
		return kind, ok && (given != "advance" || w.Set == nil) && (given != "updatefield" || w.Sequence == "")
	}
	for _, kind := range types() {
		if bytes.Equal(w.Type, fmt.Append(nil, int64(kind))) {
			return kind, true
		}
	}
	return 0, false
}

func shorten(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "missing"
	}
	return excerpt.Runes(string(raw), 40)
}

// misplaced says which member a step of this type does not have, "" for none.
func (w written) misplaced(kind sequence.StepType) string {
	condition, test := kind == sequence.Condition, kind == sequence.ABTest
	templated := kind == sequence.Email || kind == sequence.AutomatedEmail || kind == sequence.TextMessage || kind == sequence.AutomatedText
	for _, member := range []struct {
		name         string
		given, fits  bool
		explanations string
	}{
		{"wait", w.Wait != nil, kind == sequence.Wait, "put a step of type wait before it"},
		{"subtype", w.Subtype != "", kind == sequence.LinkedIn, "only a step of type linkedin has one"},
		{"template", w.Template != "", templated, "only emails and text messages have one"},
		{"set", w.Set != nil, kind == sequence.AutoAction, "only a step of type updatefield has one"},
		{"sequence", w.Sequence != "", kind == sequence.AutoAction, "only a step of type advance has one"},
		{"if", w.If != nil, condition, "put a step of type condition after it"},
		{"within", w.Within != nil, condition, "only a condition has a limit"},
		{"early", w.Early, condition, "only a condition has it"},
		{"yes", w.Yes != nil, condition, "only a condition has it"},
		{"no", w.No != nil, condition, "only a condition has it"},
		{"split", w.Split != nil, test, "only a step of type abtest has one"},
		{"metric", w.Metric != "", test, "only a step of type abtest has one"},
		{"until", w.Until != "", test, "only a step of type abtest has one"},
		{"default", w.Default != "", test, "only a step of type abtest has one"},
		{"a", w.A != nil, test, "only a step of type abtest has it"},
		{"b", w.B != nil, test, "only a step of type abtest has it"},
	} {
		if member.given && !member.fits {
			return fmt.Sprintf("has a %q though its type is %s; %s", member.name, shorten(w.Type), member.explanations)
		}
	}
	return ""
}

// details reads what steps of some types have beside the rest, and says what is wrong with it,
// "" for nothing.
func (w written) details(step *sequence.Step, s *schema.Schema) string {
	switch step.Type {
	case sequence.Wait:
		return w.wait(step)
	case sequence.LinkedIn:
		return w.linkedIn(step)
	case sequence.AutoAction:
		return w.action(step)
	case sequence.Condition:
		return w.condition(step, s)
	case sequence.ABTest:
		return w.test(step)
	case sequence.Email, sequence.AutomatedEmail, sequence.TextMessage, sequence.AutomatedText:
		return w.template(step)
	case sequence.PhoneCall, sequence.Task:
	}
	return ""
}

func (w written) wait(step *sequence.Step) string {
	if w.Wait == nil {
		return `is a wait without "wait", for example {"days":1,"hours":0}`
	}
	var err error
	if step.Wait, err = worktime.NewWait(w.Wait.Days, w.Wait.Hours); err != nil {
		return fmt.Sprintf("waits %d days and %d hours: %v", w.Wait.Days, w.Wait.Hours, err)
	}
	return ""
}

// subtypes are the names of the kinds of a LinkedIn step.
func subtypes() map[string]sequence.Subtype {
	return map[string]sequence.Subtype{"": sequence.NoSubtype, "research": sequence.LinkedInResearch, "introduced": sequence.LinkedInIntroduced, "connect": sequence.LinkedInConnect, "inmail": sequence.LinkedInMail}
}

func (w written) linkedIn(step *sequence.Step) string {
	subtype, ok := subtypes()[strings.ToLower(w.Subtype)]
	if !ok {
		return fmt.Sprintf("has subtype %q; it may be research, introduced, connect or inmail", w.Subtype)
	}
	step.Subtype = subtype
	return ""
}

func (w written) template(step *sequence.Step) string {
	if w.Template == "" {
		return ""
	}
	id, ok := guid.ParseAny(w.Template)
	if !ok {
		return fmt.Sprintf("has template %q, which is not a GUID", w.Template)
	}
	step.Template = id
	return ""
}

func (w written) action(step *sequence.Step) string {
	switch {
	case w.Set != nil && w.Sequence != "":
		return `has a "set" and a "sequence"; it does one of both`
	case w.Set == nil && w.Sequence == "":
		return `has neither a "set", for example {"leadqualitycode":1}, nor a "sequence", the id of another sequence`
	case w.Sequence != "":
		id, ok := guid.ParseAny(w.Sequence)
		if !ok {
			return fmt.Sprintf("has sequence %q, which is not a GUID", w.Sequence)
		}
		step.Subtype, step.Advance = sequence.AdvanceToOther, name.SequenceID(id)
		return ""
	case len(w.Set) != 1:
		return fmt.Sprintf("sets %d columns; it sets one", len(w.Set))
	}
	for column, value := range w.Set {
		step.Set = sequence.Assignment{Column: column, Value: value}
	}
	return ""
}

func (w written) condition(step *sequence.Step, s *schema.Schema) string {
	if w.If == nil {
		return `is a condition without "if", for example {"call":[2]}`
	}
	filter, ok := filterText(w.If.Filter)
	if !ok {
		return `has a "filter" that is neither an object nor a text`
	}
	q := &sequence.Question{Emails: w.If.Email, All: w.If.All, Filter: filter, Early: w.Early}
	given := 0
	for _, there := range []bool{len(q.Emails) > 0, len(w.If.Call) > 0, q.Filter != "", w.If.Process != "" || len(w.If.Stages) > 0} {
		if there {
			given++
		}
	}
	if given != 1 {
		return fmt.Sprintf(`asks for %d things in its "if"; it asks for one of email, call, filter, or process with stages`, given)
	}
	if q.All && len(q.Emails) == 0 {
		return `has "all" in its "if", which only a question about an email has`
	}
	for _, result := range q.Emails {
		if !slices.Contains([]sequence.EmailResult{sequence.Opened, sequence.Clicked, sequence.Downloaded, sequence.Replied}, result) {
			return fmt.Sprintf("asks whether an email is %q; it may be opened, clicked, downloaded or replied", result)
		}
	}
	if detail := w.If.calls(q, s.Table(name.PhoneCall)); detail != "" {
		return detail
	}
	if detail := w.If.stages(q); detail != "" {
		return detail
	}
	step.If = q
	if w.Within == nil {
		return ""
	}
	if len(q.Calls) > 0 {
		return "asks for the result of a call, which is known when the call is made; it has no limit"
	}
	var err error
	if step.Wait, err = worktime.NewWait(w.Within.Days, w.Within.Hours); err != nil {
		return fmt.Sprintf("has a limit of %d days and %d hours: %v", w.Within.Days, w.Within.Hours, err)
	}
	return ""
}

// calls reads the results of a call that a question asks for: status reasons of a call that
// is over, by number or label.
func (w question) calls(q *sequence.Question, calls *schema.Table) string {
	for _, given := range w.Call {
		at := slices.IndexFunc(results(calls), func(o schema.Option) bool {
			return fmt.Sprint(given) == fmt.Sprint(o.Value) || strings.EqualFold(fmt.Sprint(given), o.Label)
		})
		if at < 0 {
			var may []string
			for _, o := range results(calls) {
				may = append(may, fmt.Sprintf("%d (%s)", o.Value, o.Label))
			}
			return fmt.Sprintf("asks whether the result of a call is %v; it may be %s", given, strings.Join(may, ", "))
		}
		q.Calls = append(q.Calls, results(calls)[at].Value)
	}
	return ""
}

// results are the status reasons of calls that are over: those of the first state are of
// calls to be made.
func results(calls *schema.Table) (all []schema.Option) {
	for _, state := range calls.States[1:] {
		all = append(all, state.Statuses...)
	}
	return all
}

// stages reads a question about a business process, if it is one.
func (w question) stages(q *sequence.Question) string {
	if w.Process == "" && len(w.Stages) == 0 {
		return ""
	}
	for _, text := range append([]string{w.Process}, w.Stages...) {
		id, ok := guid.ParseAny(text)
		if !ok {
			return fmt.Sprintf("asks for the stages of a process, which are GUIDs; %q is none", text)
		}
		q.Stages = append(q.Stages, id)
	}
	if q.Process, q.Stages = q.Stages[0], q.Stages[1:]; len(q.Stages) == 0 {
		return "asks for a process without stages"
	}
	return ""
}

// filterText returns a condition that is written as text or as JSON within the definition, ""
// for none; ok is false for anything else.
func filterText(raw json.RawMessage) (text string, ok bool) {
	if len(raw) == 0 || bytes.HasPrefix(raw, []byte("{")) {
		return string(raw), true
	}
	return text, json.Unmarshal(raw, &text) == nil
}

func (w written) test(step *sequence.Step) string {
	test := &sequence.Test{Split: 50, Metric: w.Metric}
	if w.Split != nil {
		test.Split = *w.Split
	}
	if test.Split < 10 || test.Split > 90 {
		return fmt.Sprintf("splits at %d percent; it may be from 10 to 90", test.Split)
	}
	if !slices.Contains([]string{string(sequence.Opened), string(sequence.Clicked), string(sequence.Replied), sequence.MetricCompleted}, test.Metric) {
		return fmt.Sprintf("has metric %q; it may be opened, clicked, replied or completed", w.Metric)
	}
	switch strings.ToLower(w.Default) {
	case "", "a":
	case "b":
		test.Default = sequence.B
	default:
		return fmt.Sprintf("has default %q; it may be a or b", w.Default)
	}
	if w.Until != "" {
		until, err := time.Parse(time.DateOnly, w.Until)
		if err != nil {
			return fmt.Sprintf("ends on %q; a date is written as 2026-12-31", w.Until)
		}
		test.Until = until
	}
	step.Test = test
	return ""
}
