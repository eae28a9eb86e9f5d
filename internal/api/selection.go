package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"segue/internal/odata"
	"segue/internal/rows"
	"segue/internal/sales"
)

// selection is the body of /api/connect and /api/disconnect.
type selection struct {
	SequenceId    string //nolint:revive // the member's name on the wire
	Records       []struct{ EntityName, Id string }
	SkipConnected bool
}

// result is what became of one record.
type result struct {
	EntityName       string
	Id               string  //nolint:revive // the member's name on the wire
	Status           string  // connected, already connected, disconnected, not connected, failed
	SequenceTargetId string  `json:",omitempty"` //nolint:revive // the member's name on the wire
	Error            *reason `json:",omitempty"`
}

type reason struct {
	Code    odata.Code `json:"code"`
	Message string     `json:"message"`
}

func (a *API) connect(w http.ResponseWriter, r *request) error {
	return a.selected(w, r, true, a.sales.ConnectSelection, "connected", "already connected")
}

func (a *API) disconnect(w http.ResponseWriter, r *request) error {
	return a.selected(w, r, false, a.sales.DisconnectSelection, "disconnected", "not connected")
}

type useCase func(ctx context.Context, c sales.Caller, sequence string, records []rows.Ref, skip bool) ([]sales.Outcome, error)

// selected runs a use case on a selection of records and answers one result
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
	outcomes, err := do(r.Context(), r.caller, chosen.SequenceId, refs, chosen.SkipConnected)
	if err != nil {
		return err
	}
	answer := struct{ Results []result }{}
	for _, outcome := range outcomes {
		item := result{EntityName: outcome.Record.Table, Id: outcome.Record.ID, Status: done, SequenceTargetId: outcome.Target}
		if outcome.Already {
			item.Status = already
		}
		if outcome.Err != nil {
			refused := a.refusal(r.Request, outcome.Record.ID, outcome.Err)
			item.Status, item.Error = "failed", &reason{refused.Code, refused.Message}
		}
		answer.Results = append(answer.Results, item)
	}
	return writeResult(w, answer)
}

// readSelection decodes strictly: unknown members, broken ids and text after
// the object are refused.
func readSelection(body []byte, needsSequence bool) (selection, []rows.Ref, error) {
	var chosen selection
	bad := func(format string, args ...any) (selection, []rows.Ref, error) {
		return chosen, nil, odata.Errorf(odata.InvalidArgument, format, args...)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&chosen); err != nil {
		return bad("the body is no selection {\"SequenceId\":…,\"Records\":[{\"EntityName\":…,\"Id\":…}]}: %v at byte %d", err, decoder.InputOffset())
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return bad("the body has text after the selection at byte %d", decoder.InputOffset())
	}
	if chosen.SequenceId != "" || needsSequence {
		id, err := guid(chosen.SequenceId)
		if err != nil {
			return bad("SequenceId %v", err)
		}
		chosen.SequenceId = id
	}
	refs := make([]rows.Ref, len(chosen.Records))
	for i, record := range chosen.Records {
		id, err := guid(record.Id)
		if err != nil {
			return bad("Records[%d].Id %v", i, err)
		}
		refs[i] = rows.Ref{Table: record.EntityName, ID: id}
	}
	return chosen, refs, nil
}

// guid reads an id in any letter case, with or without braces.
func guid(text string) (string, error) {
	id, err := uuid.Parse(strings.Trim(text, "{}"))
	if err != nil {
		return "", fmt.Errorf("%.40q is no GUID", text)
	}
	return id.String(), nil
}
