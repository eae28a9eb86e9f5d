package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The parameters of both sequence actions (docs/domain.md §13.1, §13.2).
const (
	regardingID   = "RegardingEntityId"
	regardingName = "RegardingEntityName"
	sequenceID    = "SequenceId"
	targetID      = "SequenceTargetId"
	waitTime      = "WaitTime"
	segmentID     = "SegmentId"
)

// connectSequence connects a record to a sequence.
func connectSequence() Declaration {
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "msdyn_ConnectSequence", About: "Connects a record to a sequence.",
			Parameters: []call.Parameter{
				{Name: regardingID, Type: schema.GUID, Required: true},
				{Name: regardingName, Type: schema.String, Required: true},
				{Name: sequenceID, Type: schema.GUID, Required: true},
				{Name: segmentID, Type: schema.GUID},
				{Name: "Source", Type: schema.String},
				{Name: waitTime, Type: schema.String},
				{Name: "AdvancedToOtherSequenceTargetStepId", Type: schema.GUID},
			},
			Returns: call.Return{Optional: true, Type: &call.Complex{
				Name: "msdyn_ConnectSequenceResponse", Properties: []call.Property{{Name: targetID, Type: schema.GUID}},
			}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, _ rows.Ref, given call.Arguments) (Answer, error) {
			delay, err := connection.WaitTime(given.Text(waitTime))
			if err != nil {
				return Answer{}, err
			}
			made, err := e.Connections.ConnectIn(ctx, tx, c, connection.Request{
				Record: recordOf(given), Sequence: name.SequenceID(given.Text(sequenceID)), Segment: name.SegmentID(given.Text(segmentID)), Delay: delay,
			})
			return Answer{Value: call.Result{targetID: string(made.Target)}}, err
		},
	}
}

// disconnectSequence takes a record off a sequence.
func disconnectSequence() Declaration {
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "msdyn_DisconnectSequence", About: "Takes a record off a sequence.",
			Parameters: []call.Parameter{
				{Name: regardingID, Type: schema.GUID, Required: true},
				{Name: regardingName, Type: schema.String, Required: true},
				{Name: sequenceID, Type: schema.GUID},
				{Name: targetID, Type: schema.GUID},
			},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, _ rows.Ref, given call.Arguments) (_ Answer, err error) {
			sequence := name.SequenceID(given.Text(sequenceID))
			if target := given.Text(targetID); target != "" {
				_, err = e.Connections.DisconnectTargetIn(ctx, tx, c, recordOf(given), name.SequenceTargetID(target), sequence)
			} else {
				_, err = e.Connections.DisconnectIn(ctx, tx, c, recordOf(given), sequence)
			}
			return Answer{}, err
		},
	}
}

// recordOf is the record that connecting and disconnecting are about.
func recordOf(given call.Arguments) rows.Ref {
	return rows.Ref{Table: given.Text(regardingName), ID: given.Text(regardingID)}
}
