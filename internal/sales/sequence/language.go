package sequence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/sales/worktime"
	"segue/internal/schema/name"
	"segue/internal/strictjson"
)

// Format is the version of the language, which a definition names in its member "segue".
const Format = 1

// document is a definition as it is written.
type document struct {
	Segue int       `json:"segue"`
	Steps []written `json:"steps"`
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
	Yes         []written                  `json:"yes"`
	No          []written                  `json:"no"`
	Split       *int                       `json:"split"`
	Metric      string                     `json:"metric"`
	Until       string                     `json:"until"`
	Default     string                     `json:"default"`
	A           []written                  `json:"a"`
	B           []written                  `json:"b"`
}

type duration struct {
	Days  int `json:"days"`
	Hours int `json:"hours"`
}

type question struct {
	Email   []EmailResult   `json:"email"`
	All     bool            `json:"all"`
	Call    []int64         `json:"call"`
	Filter  json.RawMessage `json:"filter"`
	Process string          `json:"process"`
	Stages  []string        `json:"stages"`
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
//	  {"type":"condition","name":"Reached?","if":{"call":[2]},
//	   "yes":[{"type":"task","name":"Send the offer"}],
//	   "no":[{"type":"wait","name":"Two days","wait":{"days":2}},{"type":4210,"name":"Call again"}]}]}
//
// or only the list. After a branch the path goes on with the step after the condition.
// A step without an id gets one made of the sequence, its position and name, so
// that parsing again gives the same. Errors are *DefinitionError. What only
// matters to a sequence in use is left to Validate.
func Parse(sequence name.SequenceID, version int64, text string) (Definition, error) {
	def := Definition{Sequence: sequence, Version: version}
	doc := document{Segue: Format}
	var err error
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		err = strictjson.Decode([]byte(text), &doc.Steps)
	} else {
		err = strictjson.Decode([]byte(text), &doc)
	}
	switch {
	case err != nil:
		return def, &DefinitionError{Detail: fmt.Sprintf("is not a list of steps: %v", err)}
	case doc.Segue != Format:
		return def, &DefinitionError{Detail: fmt.Sprintf(`has "segue":%d; this program reads version %d of the format`, doc.Segue, Format)}
	}
	r := reader{sequence: sequence}
	nodes, err := r.list(doc.Steps, "", 0)
	if err != nil {
		return def, err
	}
	r.link(nodes, PathEnd)
	def.Steps = r.steps
	return def, nil
}

// reader gathers the steps of a definition in the order in which they are written.
type reader struct {
	sequence name.SequenceID
	steps    []Step
}

// node is a step that has been read, with those of its branches.
type node struct {
	at       Place
	branches [2][]node
}

func (r *reader) list(list []written, prefix string, depth int) ([]node, error) {
	if depth > MaxDepth {
		return nil, &DefinitionError{Path: strings.TrimSuffix(prefix, "."), Detail: fmt.Sprintf("has branches within branches more than %d deep", MaxDepth)}
	}
	nodes := make([]node, 0, len(list))
	for i, w := range list {
		if len(r.steps) >= MaxPath {
			return nil, tooLong(len(r.steps) + 1)
		}
		step, err := w.step(r.sequence, fmt.Sprintf("%s%d", prefix, i+1), fmt.Sprintf("%s%d", prefix, i))
		if err != nil {
			return nil, err
		}
		n := node{at: Place(len(r.steps))}
		r.steps = append(r.steps, step)
		for branch, list := range w.branches(step.Type) {
			if n.branches[branch], err = r.list(list, step.Path+"."+branchName(step.Type, Branch(branch))+".", depth+1); err != nil {
				return nil, err
			}
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// link says of each step of a list what comes next; after is what follows the list.
func (r *reader) link(list []node, after Place) {
	for i, n := range list {
		next := after
		if i+1 < len(list) {
			next = list[i+1].at
		}
		step := &r.steps[n.at]
		step.Next, step.Branches = next, [2]Place{next, next}
		if step.Type == AutoAction && step.Subtype == AdvanceToOther {
			step.Next, step.Branches = PathEnd, [2]Place{PathEnd, PathEnd}
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
func (w written) branches(kind StepType) [2][]written {
	switch kind {
	case Condition:
		return [2][]written{w.Yes, w.No}
	case ABTest:
		return [2][]written{w.A, w.B}
	case Wait, AutomatedEmail, AutoAction, LinkedIn, AutomatedText, Email, PhoneCall, Task, TextMessage:
	}
	return [2][]written{}
}

// branchName is the member that holds a branch.
func branchName(kind StepType, branch Branch) string {
	if kind == ABTest {
		return [2]string{"a", "b"}[branch]
	}
	return [2]string{"yes", "no"}[branch]
}

// step reads one step; index is its path counted from 0, which ids are made of.
func (w written) step(sequence name.SequenceID, path, index string) (Step, error) {
	step := Step{Name: w.Name, Description: w.Description, Path: path}
	bad := func(format string, args ...any) (Step, error) {
		return Step{}, &DefinitionError{Path: path, ID: step.ID, Detail: fmt.Sprintf(format, args...)}
	}
	if w.ID == "" {
		step.ID = StepID(guid.FromName(fmt.Sprintf("segue:step:%s:%s:%s", sequence, index, w.Name)))
	} else if given, ok := guid.ParseAny(w.ID); ok {
		step.ID = StepID(given)
	} else {
		return bad("has id %q, which is not a GUID", w.ID)
	}
	kind, ok := w.stepType()
	if !ok {
		return bad("has type %s; it may be %s", shorten(w.Type), strings.Join(typeNames(), ", "))
	}
	step.Type = kind
	if len(w.Name) > maxName || len(w.Description) > maxText {
		return bad("has a name of more than %d or a description of more than %d bytes", maxName, maxText)
	}
	if err := w.misplaced(kind); err != "" {
		return bad("%s", err)
	}
	if err := w.details(&step); err != "" {
		return bad("%s", err)
	}
	return step, nil
}

// types are the names that a definition may use for a type, beside its number. Both
// auto actions have one number: which is meant is told by their members.
func types() map[string]StepType {
	return map[string]StepType{
		"wait": Wait, "condition": Condition, "automatedemail": AutomatedEmail, "automatedtext": AutomatedText, "abtest": ABTest,
		"updatefield": AutoAction, "advance": AutoAction,
		"linkedin": LinkedIn, "email": Email, "phonecall": PhoneCall, "task": Task, "textmessage": TextMessage,
	}
}

func typeNames() []string {
	return []string{"email", "automatedemail", "phonecall", "task", "textmessage", "automatedtext", "linkedin", "wait", "condition", "updatefield", "advance", "abtest"}
}

// stepType reads a type given by name or number.
func (w written) stepType() (StepType, bool) {
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
func (w written) misplaced(kind StepType) string {
	condition, test := kind == Condition, kind == ABTest
	templated := kind == Email || kind == AutomatedEmail || kind == TextMessage || kind == AutomatedText
	for _, member := range []struct {
		name         string
		given, fits  bool
		explanations string
	}{
		{"wait", w.Wait != nil, kind == Wait, "put a step of type wait before it"},
		{"subtype", w.Subtype != "", kind == LinkedIn, "only a step of type linkedin has one"},
		{"template", w.Template != "", templated, "only emails and text messages have one"},
		{"set", w.Set != nil, kind == AutoAction, "only a step of type updatefield has one"},
		{"sequence", w.Sequence != "", kind == AutoAction, "only a step of type advance has one"},
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
func (w written) details(step *Step) string {
	switch step.Type {
	case Wait:
		return w.wait(step)
	case LinkedIn:
		return w.linkedIn(step)
	case AutoAction:
		return w.action(step)
	case Condition:
		return w.condition(step)
	case ABTest:
		return w.test(step)
	case Email, AutomatedEmail, TextMessage, AutomatedText:
		return w.template(step)
	case PhoneCall, Task:
	}
	return ""
}

func (w written) wait(step *Step) string {
	if w.Wait == nil {
		return `is a wait without "wait", for example {"days":1,"hours":0}`
	}
	var err error
	if step.Wait, err = worktime.NewWait(w.Wait.Days, w.Wait.Hours); err != nil {
		return fmt.Sprintf("waits %d days and %d hours: %v", w.Wait.Days, w.Wait.Hours, err)
	}
	return ""
}

func (w written) linkedIn(step *Step) string {
	subtypes := map[string]Subtype{"": NoSubtype, "research": LinkedInResearch, "introduced": LinkedInIntroduced, "connect": LinkedInConnect, "inmail": LinkedInMail}
	subtype, ok := subtypes[strings.ToLower(w.Subtype)]
	if !ok {
		return fmt.Sprintf("has subtype %q; it may be research, introduced, connect or inmail", w.Subtype)
	}
	step.Subtype = subtype
	return ""
}

func (w written) template(step *Step) string {
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

func (w written) action(step *Step) string {
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
		step.Subtype, step.Advance = AdvanceToOther, name.SequenceID(id)
		return ""
	case len(w.Set) != 1:
		return fmt.Sprintf("sets %d columns; it sets one", len(w.Set))
	}
	for column, value := range w.Set {
		step.Set = Assignment{Column: column, Value: value}
	}
	return ""
}

func (w written) condition(step *Step) string {
	if w.If == nil {
		return `is a condition without "if", for example {"call":[2]}`
	}
	q := &Question{Emails: w.If.Email, All: w.If.All, Calls: w.If.Call, Filter: filterText(w.If.Filter), Early: w.Early}
	given := 0
	for _, there := range []bool{len(q.Emails) > 0, len(q.Calls) > 0, q.Filter != "", w.If.Process != "" || len(w.If.Stages) > 0} {
		if there {
			given++
		}
	}
	if given != 1 {
		return fmt.Sprintf(`asks for %d things in its "if"; it asks for one of email, call, filter, or process with stages`, given)
	}
	for _, result := range q.Emails {
		if !slices.Contains([]EmailResult{Opened, Clicked, Downloaded, Replied}, result) {
			return fmt.Sprintf("asks whether an email is %q; it may be opened, clicked, downloaded or replied", result)
		}
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

// stages reads a question about a business process, if it is one.
func (w question) stages(q *Question) string {
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

// filterText returns a condition that is written as text (FetchXML, say) or as JSON within the
// definition.
func filterText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

func (w written) test(step *Step) string {
	test := &Test{Split: 50, Metric: w.Metric}
	if w.Split != nil {
		test.Split = *w.Split
	}
	if test.Split < 10 || test.Split > 90 {
		return fmt.Sprintf("splits at %d percent; it may be from 10 to 90", test.Split)
	}
	if !slices.Contains([]string{string(Opened), string(Clicked), string(Replied), "completed"}, test.Metric) {
		return fmt.Sprintf("has metric %q; it may be opened, clicked, replied or completed", w.Metric)
	}
	switch strings.ToLower(w.Default) {
	case "", "a":
	case "b":
		test.Default = B
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
