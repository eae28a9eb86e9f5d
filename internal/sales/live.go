package sales

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
)

// Columns of a record that Segue keeps (the guard).
const (
	live      = "segue_live"      // live connections as JSON: sequence id → target id
	connected = "segue_connected" // whether there is one
	entries   = "segue_entries"   // how often the record was connected
	entered   = "segue_sequence"  // sequence that its segment connected it to
	receipt   = "segue_evaluation"
	segmentID = "msdyn_segmentid"
)

const (
	targetTable = "msdyn_sequencetarget"
	stepTable   = "msdyn_sequencetargetstep"
)

// liveOf are the live connections of a record: sequence id → target id.
func liveOf(record *rows.Row) (map[string]string, error) {
	connections := map[string]string{}
	if text := record.Text(live); text != "" {
		if err := json.Unmarshal([]byte(text), &connections); err != nil {
			return nil, fmt.Errorf("%v: stored %s: %w", record.Ref(), live, err)
		}
	}
	return connections, nil
}

// setLive writes the live connections into the guard.
func setLive(record *rows.Row, connections map[string]string) {
	record.Set(connected, len(connections) > 0)
	if len(connections) == 0 {
		record.Set(live, nil)
		return
	}
	text, _ := json.Marshal(connections) //nolint:errchkjson // a map of strings always encodes; its keys are sorted
	record.Set(live, string(text))
}

// free takes one connection out of the guard of a held record, nil for one that
// is gone; a connection that has another target since stays.
func free(record *rows.Row, from, target string) error {
	if record == nil {
		return nil
	}
	connections, err := liveOf(record)
	if err != nil || connections[from] != target {
		return err
	}
	delete(connections, from)
	setLive(record, connections)
	return nil
}

// end ends live connections of a held record: all of them, or the one to a
// sequence. Targets are read together; open steps are cancelled with them. It
// answers how many it ended.
func (s *Service) end(ctx context.Context, tx *rows.Tx, record *rows.Row, event sequence.Event, only string) (int, error) {
	connections, err := liveOf(record)
	if err != nil {
		return 0, err
	}
	var refs []rows.Ref
	for _, id := range slices.Sorted(maps.Keys(connections)) {
		if only == "" || only == id {
			refs = append(refs, rows.Ref{Table: targetTable, ID: connections[id]})
			delete(connections, id)
		}
	}
	if len(refs) == 0 {
		return 0, nil
	}
	targets, err := tx.Load(ctx, refs...)
	if err != nil {
		return 0, err
	}
	for _, target := range targets {
		if target != nil {
			s.close(tx, target, event)
		}
	}
	setLive(record, connections)
	return len(refs), nil
}

// close ends a held target and cancels its open step.
func (s *Service) close(tx *rows.Tx, target *rows.Row, event sequence.Event) {
	columns, ok := sequence.End(sequence.Status(target.Int("statuscode")), event)
	if !ok {
		return
	}
	target.SetAll(columns)
	s.patchStep(tx, target, sequence.Cancelled())
}

// patchStep changes the open step of a held target without reading it.
func (s *Service) patchStep(tx *rows.Tx, target *rows.Row, set map[string]schema.Value) {
	step := target.Lookup("segue_currentstep").ID
	tx.Patch(s.db.Schema().Table(stepTable), step, set, map[string]schema.Value{"statecode": int64(0)})
}
