package api

import (
	"segue/internal/api/operation"
)

// writing is what a decoded request writes, and how it is answered.
type writing struct {
	operations []operation.Operation
	main       int // of the operations, the one that the request is about
	respond    func(outcomes []operation.Outcome) error
	explain    func(error) error // adds to a refusal what it is about; nil for nothing
}

// commit does what a request writes in one unit of work and responds: at once, or, for
// a request of a change set, when the whole set is committed.
func (a *API) commit(r *request, w writing) error {
	if r.set != nil {
		r.set.add(a, w)
		return nil
	}
	outcomes, err := a.config.Operations.Do(r.Context(), r.caller, w.operations...)
	if err != nil {
		return w.explained(err)
	}
	return w.respond(outcomes)
}

// commitOne is commit for one operation.
func (a *API) commitOne(r *request, op operation.Operation, respond func(operation.Outcome) error) error {
	return a.commit(r, writing{
		operations: []operation.Operation{op},
		respond:    func(outcomes []operation.Outcome) error { return respond(outcomes[0]) },
	})
}

// explained returns a refusal that says what it is about.
func (w writing) explained(err error) error {
	if w.explain == nil {
		return err
	}
	return w.explain(err)
}
