package api

import (
	"bytes"
	"cmp"
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
	outcomes, err := do(r.Context(), r.caller, chosen.SequenceID, refs, chosen.SkipConnected)
	if err != nil {
		return err
	}
	answer := struct{ Results []result }{}
	for _, outcome := range outcomes {
		item := result{EntityName: outcome.Record.Table, ID: outcome.Record.ID, Status: done, SequenceTargetID: outcome.Target}
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
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&chosen); err != nil {
		return bad("the body is no selection {\"SequenceId\":…,\"Records\":[{\"EntityName\":…,\"Id\":…}]}: %s", fault(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return bad("the body has text after the selection at byte %d", decoder.InputOffset())
	}
	if chosen.SequenceID != "" || needsSequence {
		id, err := guid(chosen.SequenceID)
		if err != nil {
			return bad("SequenceId %v", err)
		}
		chosen.SequenceID = id
	}
	refs := make([]rows.Ref, len(chosen.Records))
	for i, record := range chosen.Records {
		id, err := guid(record.ID)
		if err != nil {
			return bad("Records[%d].Id %v", i, err)
		}
		refs[i] = rows.Ref{Table: record.EntityName, ID: id}
	}
	return chosen, refs, nil
}

// fault says what is wrong with a body without Go's names for it.
func fault(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("%s cannot be of type %s, at byte %d", cmp.Or(e.Field, "it"), e.Value, e.Offset)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("%v at byte %d", e, e.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// guid reads an id in any letter case, with or without braces.
func guid(text string) (string, error) {
	id, err := uuid.Parse(strings.Trim(text, "{}"))
	if err != nil {
		return "", fmt.Errorf("%.40q is no GUID", text)
	}
	return id.String(), nil
}
