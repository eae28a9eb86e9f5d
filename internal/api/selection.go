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

// result is the outcome for one record.
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

// connect serves POST /api/connect.
func (a *API) connect(w http.ResponseWriter, r *request) error {
	return a.serveSelection(w, r, true, a.connections.ConnectSelection, "connected", "already connected")
}

// disconnect serves POST /api/disconnect.
func (a *API) disconnect(w http.ResponseWriter, r *request) error {
	return a.serveSelection(w, r, false, a.connections.DisconnectSelection, "disconnected", "not connected")
}

// useCase connects or disconnects records and returns one outcome for each.
type useCase func(ctx context.Context, c sales.Caller, sequenceID name.SequenceID, records []rows.Ref, skip bool) ([]connection.Outcome, error)

// serveSelection runs a use case on a selection of records and responds with one
// result for each, in their order.
func (a *API) serveSelection(w http.ResponseWriter, r *request, needsSequence bool, apply useCase, done, already string) error {
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, r.URL.Path, http.MethodPost)
	}
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return err
	}
	selection, refs, err := readSelection(body, needsSequence)
	if err != nil {
		return err
	}
	outcomes, err := apply(r.Context(), r.caller, name.SequenceID(selection.SequenceID), refs, selection.SkipConnected)
	if err != nil {
		return err
	}
	response := struct{ Results []result }{}
	for _, outcome := range outcomes {
		item := result{EntityName: outcome.Record.Table, ID: outcome.Record.ID, Status: done, SequenceTargetID: string(outcome.Target)}
		if outcome.Already {
			item.Status = already
		}
		if outcome.Err != nil {
			refusal := a.refusal(r.Request, outcome.Record.ID, outcome.Err)
			item.Status, item.Error = "failed", &reason{refusal.Code, refusal.Message}
		}
		response.Results = append(response.Results, item)
	}
	text, err := json.Marshal(response)
	if err != nil {
		return fmt.Errorf("encode response: %w", err)
	}
	odata.WriteJSON(w, http.StatusOK, text)
	return nil
}

// readSelection decodes a selection strictly: unknown members, invalid ids and
// text after the object are refused.
func readSelection(body []byte, needsSequence bool) (selection, []rows.Ref, error) {
	var s selection
	invalid := func(format string, args ...any) (selection, []rows.Ref, error) {
		return s, nil, odata.Errorf(odata.InvalidArgument, format, args...)
	}
	if err := strictjson.Decode(body, &s); err != nil {
		return invalid("the body is not a selection {\"SequenceId\":…,\"Records\":[{\"EntityName\":…,\"Id\":…}]}: %v", err)
	}
	if s.SequenceID != "" || needsSequence {
		id, ok := guid.ParseAny(s.SequenceID)
		if !ok {
			return invalid("SequenceId %q is not a GUID", excerpt.Of(s.SequenceID))
		}
		s.SequenceID = id
	}
	refs := make([]rows.Ref, len(s.Records))
	for i, record := range s.Records {
		id, ok := guid.ParseAny(record.ID)
		if !ok {
			return invalid("Records[%d].Id %q is not a GUID", i, excerpt.Of(record.ID))
		}
		refs[i] = rows.Ref{Table: record.EntityName, ID: id}
	}
	return s, refs, nil
}
