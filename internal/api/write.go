package api

import (
	"errors"
	"net/http"
	"slices"

	"segue/internal/api/operation"
	"segue/internal/entity"
	"segue/internal/odata"
	"segue/internal/odata/payload"
	"segue/internal/rows"
	"segue/internal/sales/deletion"
	"segue/internal/schema"
)

// plan is the operations that a body stands for, in the order in which rows can point at
// each other.
type plan struct {
	api        *API
	operations []operation.Operation
}

// create plans a new row with all that is nested in its body, and returns the position of
// its operation.
func (p *plan) create(t *schema.Table, input odata.Input) (at int, id string) {
	op := operation.Create{Table: t.Name, ID: input.ID, Values: input.Values, Links: linksOf(input.Binds)}
	for _, related := range input.Nested {
		if !related.Many {
			_, id := p.create(related.Table, related.Rows[0])
			op.Values[related.Column.Name] = schema.RefTo(related.Table.Name, id)
		}
	}
	if op.ID == "" {
		op.ID = p.api.entities.NewID(t.Name, op.Values)
	}
	at = len(p.operations)
	p.operations = append(p.operations, op)
	to := schema.RefTo(t.Name, op.ID)
	for _, related := range input.Nested {
		if !related.Many {
			continue
		}
		for _, row := range related.Rows {
			row.Values[related.Column.Name] = to
			p.create(related.Table, row)
		}
		for _, ref := range related.Refs {
			target := targetOf(ref.Table, ref.Key)
			p.operations = append(p.operations, operation.Update{
				Ref: target.Ref, Key: target.Key, If: entity.If{Exists: true},
				Values: map[string]schema.Value{related.Column.Name: to},
			})
		}
	}
	return at, op.ID
}

// targetOf returns the target of a row of a table with a key of a URL.
func targetOf(t *schema.Table, key odata.Key) operation.Target {
	if key.Alternate == nil {
		return operation.Target{Ref: rows.Ref{Table: t.Name, ID: key.ID}}
	}
	return operation.Target{Key: &rows.KeyRef{Table: t.Name, Key: key.Alternate, Values: key.Values}}
}

// linksOf returns the lookups that a body binds by alternate keys.
func linksOf(binds map[string]odata.Reference) operation.Links {
	links := operation.Links{}
	for column, to := range binds {
		links[column] = *targetOf(to.Table, to.Key).Key
	}
	return links
}

// createInput creates the row of a body, with what is nested in it, in one unit of work.
func (a *API) createInput(w http.ResponseWriter, r *request, t *schema.Table, input odata.Input, query odata.Query) error {
	if n := input.Count(); n > rows.MaxCommit {
		return odata.Errorf(odata.BadPayload, "the body creates and binds %d rows; the limit is %d", n, rows.MaxCommit).Exceeds("WrittenRows", rows.MaxCommit, n)
	}
	p := plan{api: a}
	at, _ := p.create(t, input)
	return a.commit(r, writing{operations: p.operations, main: at, respond: func(outcomes []operation.Outcome) error {
		return a.respondWritten(w, r, outcomes[at], query)
	}})
}

// multiple serves the actions that write rows of a table together: all, or none.
func (a *API) multiple(w http.ResponseWriter, r *request, resource odata.Resource) error {
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, resource.Name, http.MethodPost)
	}
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return err
	}
	targets, err := a.bodies(r).Targets(resource.Table, resource.Name, body, operation.MaxCreates)
	if err != nil {
		return err
	}
	p, first, main := plan{api: a}, make([]int, len(targets)), make([]int, len(targets))
	for i, target := range targets {
		first[i] = len(p.operations)
		if main[i], err = p.target(r, resource, target); err != nil {
			return odata.InTarget(i, err)
		}
	}
	if len(p.operations) > rows.MaxCommit {
		return odata.Errorf(odata.InvalidArgument, "Targets create and bind %d rows; the limit is %d", len(p.operations), rows.MaxCommit).
			Exceeds("WrittenRows", rows.MaxCommit, len(p.operations))
	}
	explain := func(err error) error { return a.inTarget(first, err) }
	return a.commit(r, writing{operations: p.operations, explain: explain, respond: func(outcomes []operation.Outcome) error {
		if resource.Name != odata.CreateMultiple {
			odata.WriteNoContent(w, "")
			return nil
		}
		ids := make([]string, len(main))
		for i, at := range main {
			ids[i] = outcomes[at].Row.ID
		}
		odata.WriteJSON(w, http.StatusOK, payload.Encoder{Base: r.base}.IDs(ids))
		return nil
	}})
}

// target plans what an action does to one of its targets, and returns the position of its
// operation.
func (p *plan) target(r *request, resource odata.Resource, target odata.Input) (at int, err error) {
	if resource.Name == odata.CreateMultiple {
		at, _ = p.create(resource.Table, target)
		return at, nil
	}
	key, err := p.api.bodies(r).Key(resource.Table, target)
	if err == nil {
		err = target.Flat()
	}
	if err != nil {
		return 0, err
	}
	to := targetOf(resource.Table, key)
	at = len(p.operations)
	p.operations = append(p.operations, operation.Update{
		Ref: to.Ref, Key: to.Key, Values: target.Values, Links: linksOf(target.Binds), NewID: target.ID,
		If: entity.If{Exists: resource.Name == odata.UpdateMultiple},
	})
	return at, nil
}

// inTarget says which of several targets was refused; first is the position of the first operation
// of each.
func (a *API) inTarget(first []int, err error) error {
	refused, ok := errors.AsType[*operation.RefusedError](err)
	if !ok {
		return err
	}
	public := a.translate(refused)
	if public.Status >= http.StatusInternalServerError {
		return err
	}
	next, _ := slices.BinarySearch(first, refused.Index+1) // the target after it
	return odata.InTarget(next-1, public)
}

// bulkDelete serves POST BulkDelete: it begins a job that deletes the rows of a query.
func (a *API) bulkDelete(w http.ResponseWriter, r *request) error {
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, odata.BulkDelete, http.MethodPost)
	}
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return err
	}
	given, err := a.bodies(r).Deletion(body, a.config.Clock.Now())
	if err != nil {
		return err
	}
	op := operation.BulkDelete{Job: a.config.Operations.Deletion.NewID(), Request: deletion.Request{
		Name: given.JobName, Table: given.Table.Name, IDs: given.IDs, Where: given.Where,
	}}
	return a.commitOne(r, op, func(operation.Outcome) error {
		odata.WriteJSON(w, http.StatusOK, payload.Encoder{Base: r.base}.Job(string(op.Job)))
		return nil
	})
}
