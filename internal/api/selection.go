package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/odata"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/schema/name"
	"segue/internal/strictjson"
)

// selection is the body of /api/connect and /api/disconnect.
type selection struct {
	SequenceID string `json:"SequenceId"`
	Records    []struct {
		EntityName string
		ID         string `json:"Id"`
	}
	SkipConnected bool
}

// result is what became of one record.
type result struct {
	EntityName       string
	ID               string  `json:"Id"`
	Status           string  // connected, already connected, disconnected, not connected, failed
	SequenceTargetID string  `json:"SequenceTargetId,omitempty"`
	Error            *reason `json:",omitempty"`
}

type reason struct {
	Code    odata.Code `json:"code"`
	Message string     `json:"message"`
}

func (a *API) connect(w http.ResponseWriter, r *request) error {
	return a.selected(w, r, true, a.connections.ConnectSelection, "connected", "already connected")
}

func (a *API) disconnect(w http.ResponseWriter, r *request) error {
	return a.selected(w, r, false, a.connections.DisconnectSelection, "disconnected", "not connected")
}

type useCase func(ctx context.Context, c sales.Caller, sequenceID name.SequenceID, records []rows.Ref, skip bool) ([]connection.Outcome, error)

// selected runs a use case on a selection of records and returns one result
// for each, in their order.
func (a *API) selected(w http.ResponseWriter, r *request, needsSequence bool, do useCase, done, already string) error {
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, r.URL.Path, http.MethodPost)
	}
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return err
	}
	chosen, refs, err := readSelection(body, needsSequence)
	if err != nil {
		return err
	}
	outcomes, err := do(r.Context(), r.caller, name.SequenceID(chosen.SequenceID), refs, chosen.SkipConnected)
	if err != nil {
		return err
	}
	answer := struct{ Results []result }{}
	for _, outcome := range outcomes {
		item := result{EntityName: outcome.Record.Table, ID: outcome.Record.ID, Status: done, SequenceTargetID: string(outcome.Target)}
		if outcome.Already {
			item.Status = already
		}
		if outcome.Err != nil {
			refused := a.refusal(r.Request, outcome.Record.ID, outcome.Err)
			item.Status, item.Error = "failed", &reason{refused.Code, refused.Message}
		}
		answer.Results = append(answer.Results, item)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	odata.WriteJSON(w, http.StatusOK, text)
	return nil
}

// readSelection decodes strictly: unknown members, broken ids and text after
// the object are refused.
func readSelection(body []byte, needsSequence bool) (selection, []rows.Ref, error) {
	var chosen selection
	bad := func(format string, args ...any) (selection, []rows.Ref, error) {
		return chosen, nil, odata.Errorf(odata.InvalidArgument, format, args...)
	}
	if err := strictjson.Decode(body, &chosen); err != nil {
		return bad("the body is not a selection {\"SequenceId\":…,\"Records\":[{\"EntityName\":…,\"Id\":…}]}: %v", err)
	}
	if chosen.SequenceID != "" || needsSequence {
		id, ok := guid.Parse(chosen.SequenceID)
		if !ok {
			return bad("SequenceId %q is not a GUID", excerpt.Of(chosen.SequenceID))
		}
		chosen.SequenceID = id
	}
	refs := make([]rows.Ref, len(chosen.Records))
	for i, record := range chosen.Records {
		id, ok := guid.Parse(record.ID)
		if !ok {
			return bad("Records[%d].Id %q is not a GUID", i, excerpt.Of(record.ID))
		}
		refs[i] = rows.Ref{Table: record.EntityName, ID: id}
	}
	return chosen, refs, nil
}
