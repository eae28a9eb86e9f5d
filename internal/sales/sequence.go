package sales

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"segue/internal/rows"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
)

const (
	sequenceTable = "msdyn_sequence"

	phase        = "segue_phase" // hidden column: what a sequence is going through
	deactivating = "deactivating"
	deleting     = "deleting"
)

// MaxActiveSequences is how many sequences of an organisation may be active
// (domain.md §2).
const MaxActiveSequences = 250

// States of a sequence (domain.md §4.1); the reverse of a segment's.
const (
	sequenceInactive int64 = 0
	sequenceActive   int64 = 1
)

// running is a sequence as connecting sees it. The zero running is one that is
// not there.
type running struct {
	id, name, table string
	active          bool
	definition      sequence.Definition
}

func runningOf(row *rows.Row) (running, error) {
	if row == nil || row.Text(phase) == deleting {
		return running{}, nil
	}
	run := running{
		id: row.ID, name: row.Text("msdyn_name"), table: row.Text("msdyn_regardingentityname"),
		active: row.Int("statecode") == sequenceActive,
	}
	if !run.active {
		return run, nil
	}
	var err error
	run.definition, err = sequence.Parse(row.ID, row.Int("msdyn_version"), row.Text("msdyn_definition"))
	return run, err
}

// sequence reads a sequence through the cache.
func (s *Service) sequence(ctx context.Context, id string) (running, error) {
	if run, ok := s.sequences.peek(id, s.options.Fresh, s.options.Clock()); ok {
		return run, nil
	}
	return s.sequences.load(ctx, id, s.options.Clock(), func(ctx context.Context, _ running) (running, error) {
		found, err := s.db.Get(ctx, rows.Ref{Table: sequenceTable, ID: id})
		if err != nil {
			return running{}, err
		}
		return runningOf(found[0])
	})
}

// sequenceRules are the life of a sequence (domain.md §5.1, §6.1).
type sequenceRules struct{ s *Service }

func (r sequenceRules) create(_ context.Context, _ *rows.Tx, row *rows.Row) error {
	if row.Int("statecode") != sequenceInactive {
		return refuse(Precondition, "a sequence is created inactive (statecode 0) and activated by setting statecode 1")
	}
	if err := r.s.connectable(row.Text("msdyn_regardingentityname")); err != nil {
		return err
	}
	row.Set("msdyn_version", int64(1))
	return draft(row)
}

// draft checks the structure of a definition that is not in use yet.
func draft(row *rows.Row) error {
	text := row.Text("msdyn_definition")
	if text == "" {
		row.Set("msdyn_totaltasks", nil)
		return nil
	}
	def, err := sequence.Parse(row.ID, row.Int("msdyn_version"), text)
	if err != nil {
		return invalid(err)
	}
	if n := def.Tasks(); n <= sequence.MaxSteps { // Validate refuses more at activation
		row.Set("msdyn_totaltasks", int64(n))
	}
	return nil
}

func (r sequenceRules) update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	was, is := before["statecode"], row.Int("statecode")
	if before["msdyn_regardingentityname"] != row.Text("msdyn_regardingentityname") {
		return refuse(Precondition, "the record type (msdyn_regardingentityname) of a sequence never changes")
	}
	if was == sequenceActive {
		if err := r.onlyState(row, before); err != nil {
			return err
		}
	} else if err := draft(row); err != nil {
		return err
	}
	switch {
	case was == sequenceInactive && is == sequenceActive:
		return r.activate(ctx, tx, row)
	case was == sequenceActive && is == sequenceInactive:
		row.Set(phase, deactivating)
		return r.s.leave(ctx, tx, sequenceTable, row.ID)
	}
	return nil
}

// onlyState refuses edits of an active sequence (domain.md §5.1, §18).
func (sequenceRules) onlyState(row *rows.Row, before map[string]schema.Value) error {
	after := row.Values()
	for _, c := range row.Table.Columns {
		switch c.Name {
		case "statecode", "statuscode", "ownerid", phase:
			continue
		}
		if before[c.Name] != after[c.Name] {
			return refuse(Precondition, "sequence %q is active: %s cannot change; deactivate it first (statecode 0)", row.Text("msdyn_name"), c.Name)
		}
	}
	if row.Int("statuscode") == 3 {
		return refuse(Precondition, "statuscode 3 (Revision) is not available: deactivate the sequence, edit it and activate it again")
	}
	return nil
}

// activate checks the definition and the limit. A definition that has changed
// since the last activation is the next version.
func (r sequenceRules) activate(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	if row.Text(phase) != "" {
		return &Error{Kind: Unavailable, Text: "the sequence is still ending its connections; activate it when segue has disconnected them"}
	}
	text := row.Text("msdyn_definition")
	def, err := sequence.Parse(row.ID, 0, text)
	if err == nil {
		err = def.Validate()
	}
	if err != nil {
		return invalid(err)
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	if was := row.Text("segue_digest"); was != "" && was != digest {
		if row.Int("msdyn_version") >= sequence.MaxVersion {
			return refuse(Limit, "limit reached: sequence %q is at version %d, the last one; go on with a new sequence", row.Text("msdyn_name"), sequence.MaxVersion)
		}
		row.Set("msdyn_version", row.Int("msdyn_version")+1)
	}
	row.Set("segue_digest", digest)
	row.Set("msdyn_maxstepcount", int64(len(def.Steps)))
	return r.s.enter(ctx, tx, sequenceTable, row.ID, MaxActiveSequences)
}

// remove deletes a sequence that has no connections; one that may have stays,
// out of sight, until they have ended.
func (r sequenceRules) remove(ctx context.Context, tx *rows.Tx, row *rows.Row) (keep bool, err error) {
	if row.Int("statecode") != sequenceActive && row.Text(phase) == "" {
		return false, nil
	}
	row.Set("statecode", sequenceInactive)
	row.Set("statuscode", int64(1))
	row.Set(phase, deleting)
	return true, r.s.leave(ctx, tx, sequenceTable, row.ID)
}

func (r sequenceRules) written() {
	r.s.sequences.drop()
	r.s.settle()
}

// targetRules: targets are made and ended by connecting and disconnecting.
type targetRules struct{ plainRules }

func (targetRules) update(context.Context, *rows.Tx, *rows.Row, map[string]schema.Value) error {
	return refuse(Precondition, "a sequence target changes by its steps and ends by the action msdyn_DisconnectSequence")
}

func (targetRules) remove(context.Context, *rows.Tx, *rows.Row) (bool, error) {
	return false, refuse(Precondition, "a sequence target is never deleted; the action msdyn_DisconnectSequence ends it")
}
