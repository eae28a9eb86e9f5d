package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// Declaration is a function or an action: its signature and what it does. One of ask
// and run is there, that of its kind.
type Declaration struct {
	call.Signature

	ask func(ctx context.Context, e Executor, q Question) (Answer, error)
	run func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error)
}

// Question is a call of a function.
type Question struct {
	Name   string
	On     rows.Ref // the row that the function is bound to
	Given  call.Arguments
	Caller sales.Caller
	Base   string // URL of the service root, as the caller knows it
}

// Answer is what an operation came to: a value of the type that its signature returns,
// or rows.
type Answer struct {
	Value call.Result
	Rows  []schema.Lookup
}

// Declared lists the functions and actions (docs/webapi.md §11, docs/domain.md §13).
func Declared() []Declaration {
	return []Declaration{
		whoAmI(), retrieveVersion(), retrieveCurrentOrganization(), retrievePrincipalAccess(), me(), operators(), reportHealth(),
		discardRevision(), migrate(), cloneSequence(), checkDefinition(call.ToRow), checkDefinition(call.ToSet),
		connectSequence(), disconnectSequence(), redrive(), erase(), mailEvents(),
		qualifyLead(), closeOpportunity("WinOpportunity", true), closeOpportunity("LoseOpportunity", false),
		simulate(call.ToRow), simulate(call.ToSet), activationDiff(call.ToRow), activationDiff(call.ToSet), explain(), copySegment(),
		applyToExisting(call.ToRow), applyToExisting(call.ToSet), cancelJob(),
		previewSequence(), upNext(), runTests(), reportStatistics(), stopTest(), retryStep(), openActivity(),
		completeStep(), skipStep(), skipWait(), snoozeStep(), assignStep(), reopenStep(),
		sequenceTemplates(),
		workList(), markRecord(),
	}
}

// Registry returns the signatures of all operations.
func Registry() call.Registry {
	var registry call.Registry
	for _, declared := range Declared() {
		registry = append(registry, declared.Signature)
	}
	return registry
}

// Actions lists the actions that are bound to nothing, which have routes of their own.
func Actions() []call.Signature {
	var actions []call.Signature
	for _, signature := range Registry() {
		if signature.Kind == call.Action && signature.Binding == call.Unbound {
			actions = append(actions, signature)
		}
	}
	return actions
}

// find returns the operation of a name and kind that is called on a row, or on none.
func find(kind call.Kind, name string, on rows.Ref) (Declaration, error) {
	for _, declared := range Declared() {
		if declared.Kind == kind && declared.Name == name && (declared.Binding == call.ToRow) == (on.ID != "") {
			return declared, nil
		}
	}
	return Declaration{}, sales.Refuse(sales.Invalid, "operation %q of kind %s does not exist", name, kind)
}

// Ask calls a function. It changes nothing but what a first call of a user makes.
func (e Executor) Ask(ctx context.Context, q Question) (Answer, error) {
	declared, err := find(call.Function, q.Name, q.On)
	if err != nil {
		return Answer{}, err
	}
	if err := declared.Check(q.Given); err != nil {
		return Answer{}, sales.Refuse(sales.Invalid, "%v", err)
	}
	answer, err := declared.ask(ctx, e, q)
	return answer, sales.Public(err)
}
