package operation

import (
	"context"

	"segue/internal/odata"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Declaration is an unbound action: what it is called, what it takes, what it
// returns and what it does.
type Declaration struct {
	Name       string
	Parameters []odata.Parameter
	Response   string // type of what it returns when that is asked for, "" for nothing

	run func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, given map[string]string) ([]Result, error)
}

// Actions lists the actions (docs/domain.md §13.1, §13.2, §13.5, §13.7).
func Actions() []Declaration {
	return []Declaration{
		{
			Name: "msdyn_ConnectSequence",
			Parameters: []odata.Parameter{
				{Name: "RegardingEntityId", Type: schema.GUID, Required: true},
				{Name: "RegardingEntityName", Type: schema.String, Required: true},
				{Name: "SequenceId", Type: schema.GUID, Required: true},
				{Name: "SegmentId", Type: schema.GUID},
				{Name: "Source", Type: schema.String},
				{Name: "WaitTime", Type: schema.String},
				{Name: "AdvancedToOtherSequenceTargetStepId", Type: schema.GUID},
			},
			Response: "msdyn_ConnectSequenceResponse",
			run:      connectSequence,
		},
		{
			Name: "msdyn_DisconnectSequence",
			Parameters: []odata.Parameter{
				{Name: "RegardingEntityId", Type: schema.GUID, Required: true},
				{Name: "RegardingEntityName", Type: schema.String, Required: true},
				{Name: "SequenceId", Type: schema.GUID},
				{Name: "SequenceTargetId", Type: schema.GUID},
			},
			run: disconnectSequence,
		},
		{
			Name: "segue_Redrive",
			Parameters: []odata.Parameter{
				{Name: "Table", Type: schema.String},
				{Name: "Id", Type: schema.GUID},
				{Name: "All", Type: schema.Boolean},
			},
			run: redrive,
		},
		{
			Name: "segue_Erase",
			Parameters: []odata.Parameter{
				{Name: "Table", Type: schema.String, Required: true},
				{Name: "Id", Type: schema.GUID, Required: true},
			},
			Response: "segue_EraseResponse",
			run:      erase,
		},
	}
}

// Find returns the action of a name.
func Find(name string) (Declaration, bool) {
	for _, declared := range Actions() {
		if declared.Name == name {
			return declared, true
		}
	}
	return Declaration{}, false
}

// recordOf is the record that connecting and disconnecting are about.
func recordOf(given map[string]string) rows.Ref {
	return rows.Ref{Table: given["RegardingEntityName"], ID: given["RegardingEntityId"]}
}

func connectSequence(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, given map[string]string) ([]Result, error) {
	delay, err := connection.WaitTime(given["WaitTime"])
	if err != nil {
		return nil, err
	}
	made, err := e.Connections.ConnectIn(ctx, tx, c, connection.Request{
		Record: recordOf(given), Sequence: name.SequenceID(given["SequenceId"]), Segment: name.SegmentID(given["SegmentId"]), Delay: delay,
	})
	return []Result{{"SequenceTargetId", string(made.Target)}}, err
}

func disconnectSequence(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, given map[string]string) ([]Result, error) {
	var err error
	if target := given["SequenceTargetId"]; target != "" {
		_, err = e.Connections.DisconnectTargetIn(ctx, tx, c, recordOf(given), name.SequenceTargetID(target), name.SequenceID(given["SequenceId"]))
	} else {
		_, err = e.Connections.DisconnectIn(ctx, tx, c, recordOf(given), name.SequenceID(given["SequenceId"]))
	}
	return nil, err
}
