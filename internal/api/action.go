package api

import (
	"net/http"

	"segue/internal/odata"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// Unbound actions.
const (
	connectSequence    = "msdyn_ConnectSequence"
	disconnectSequence = "msdyn_DisconnectSequence"
)

func actionNames() []string { return []string{connectSequence, disconnectSequence} }

// action answers the unbound actions (domain.md §13.1, §13.2).
func (a *API) action(w http.ResponseWriter, r *request) error {
	resource, err := odata.ParsePath(a.schema(), r.path, actionNames()...)
	if err != nil {
		return err
	}
	if resource.Kind != odata.Operation { // the version in the path is none
		return odata.NoSegment(r.URL.Path)
	}
	return a.act(w, r, resource.Name)
}

func (a *API) act(w http.ResponseWriter, r *request, name string) error {
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, name, http.MethodPost)
	}
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return err
	}
	if name == connectSequence {
		return a.connectSequence(w, r, body)
	}
	return a.disconnectSequence(w, r, body)
}

// about are the parameters that both actions have.
func about(sequence bool) []odata.Parameter {
	return []odata.Parameter{
		{Name: "RegardingEntityId", Type: schema.GUID, Required: true},
		{Name: "RegardingEntityName", Type: schema.String, Required: true},
		{Name: "SequenceId", Type: schema.GUID, Required: sequence},
	}
}

func (a *API) connectSequence(w http.ResponseWriter, r *request, body []byte) error {
	given, err := odata.ReadParameters(body, append(about(true),
		odata.Parameter{Name: "SegmentId", Type: schema.GUID},
		odata.Parameter{Name: "Source", Type: schema.String},
		odata.Parameter{Name: "WaitTime", Type: schema.String},
		odata.Parameter{Name: "AdvancedToOtherSequenceTargetStepId", Type: schema.GUID},
	))
	if err != nil {
		return err
	}
	delay, err := sales.WaitTime(given["WaitTime"])
	if err != nil {
		return err
	}
	made, err := a.sales.Connect(r.Context(), r.caller, sales.ConnectInput{
		Record:   rows.Ref{Table: given["RegardingEntityName"], ID: given["RegardingEntityId"]},
		Sequence: given["SequenceId"], Segment: given["SegmentId"], Delay: delay,
	})
	if err != nil {
		return err
	}
	if !r.prefer.Representation {
		odata.WriteNoContent(w, "")
		return nil
	}
	applied(w, r)
	odata.WriteJSON(w, http.StatusOK, odata.Encoder{Base: r.base}.Complex("msdyn_ConnectSequenceResponse",
		odata.Property{Name: "SequenceTargetId", Value: made.Target}))
	return nil
}

func (a *API) disconnectSequence(w http.ResponseWriter, r *request, body []byte) error {
	given, err := odata.ReadParameters(body, append(about(false), odata.Parameter{Name: "SequenceTargetId", Type: schema.GUID}))
	if err != nil {
		return err
	}
	ref := rows.Ref{Table: given["RegardingEntityName"], ID: given["RegardingEntityId"]}
	if target := given["SequenceTargetId"]; target != "" {
		_, err = a.sales.DisconnectTarget(r.Context(), r.caller, ref, target, given["SequenceId"])
	} else {
		_, err = a.sales.Disconnect(r.Context(), r.caller, ref, given["SequenceId"])
	}
	if err != nil {
		return err
	}
	odata.WriteNoContent(w, "")
	return nil
}
