package connection

import (
	"encoding/json"
	"fmt"

	"segue/internal/schema/name"

	"segue/internal/rows"
	"segue/internal/schema"
)

// Columns of a record that make it the guard of its connections.
const (
	liveColumn = name.SegueLive      // live connections as JSON: sequence id → target id
	connected  = name.SegueConnected // whether there is one
	entries    = name.SegueEntries   // how often the record was connected
)

// Live returns the live connections of a record: sequence id → target id.
func Live(record *rows.Row) (map[string]string, error) {
	live := map[string]string{}
	if text := record.Text(liveColumn); text != "" {
		if err := json.Unmarshal([]byte(text), &live); err != nil {
			return nil, fmt.Errorf("%v: stored %s: %w", record.Ref(), liveColumn, err)
		}
	}
	return live, nil
}

// setLive writes the live connections into the guard.
func setLive(record *rows.Row, live map[string]string) {
	record.Set(connected, schema.Bool(len(live) > 0))
	if len(live) == 0 {
		record.Set(liveColumn, schema.Null())
		return
	}
	text, _ := json.Marshal(live) //nolint:errchkjson // a map of strings always encodes; its keys are sorted
	record.Set(liveColumn, schema.Text(string(text)))
}

// freeGuard takes one connection out of the guard of a held record, nil for one
// that is gone.
func freeGuard(record *rows.Row, sequenceID, targetID string) error {
	if record == nil {
		return nil
	}
	live, err := Live(record)
	if err != nil {
		return err
	}
	if live[sequenceID] != targetID { // the connection has another target since: that one stays
		return nil
	}
	delete(live, sequenceID)
	setLive(record, live)
	return nil
}
