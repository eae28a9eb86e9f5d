package connection

import (
	"encoding/json"
	"fmt"

	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// LiveConnections are the live connections of a record, as its row guards them in
// the hidden column segue_live (JSON).
type LiveConnections map[name.SequenceID]name.SequenceTargetID

// Live reads the live connections of a record.
func Live(record *rows.Row) (LiveConnections, error) {
	live := LiveConnections{}
	if text := record.Text(name.SegueLive); text != "" {
		if err := json.Unmarshal([]byte(text), &live); err != nil {
			return nil, fmt.Errorf("%v: stored %s: %w", record.Ref(), name.SegueLive, err)
		}
	}
	return live, nil
}

// DropGuard empties the guard of a held record that nobody can connect any more, when what
// it guards cannot be read. Whoever does that ends the targets by [Connections.EndTarget].
func DropGuard(record *rows.Row) { setLive(record, nil) }

// setLive writes the live connections into the guard.
func setLive(record *rows.Row, live LiveConnections) {
	record.Set(name.SegueConnected, schema.Bool(len(live) > 0))
	if len(live) == 0 {
		record.Set(name.SegueLive, schema.Null())
		return
	}
	text, _ := json.Marshal(live) //nolint:errchkjson // a map of strings always encodes; its keys are sorted
	record.Set(name.SegueLive, schema.Text(string(text)))
}

// FreeGuard takes one connection out of the guard of a held record, nil for one
// that is gone.
func FreeGuard(record *rows.Row, sequenceID name.SequenceID, targetID name.SequenceTargetID) error {
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
