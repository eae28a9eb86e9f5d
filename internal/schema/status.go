package schema

// DefaultStatus returns the status that a row gets when it enters a state and no
// status is given; ok is false when the table has no such state.
func (t *Table) DefaultStatus(state int64) (status int64, ok bool) {
	for _, s := range t.States {
		if s.Value == state {
			return s.Statuses[0].Value, true
		}
	}
	return 0, false
}

// StateOf returns the state that a status belongs to; ok is false when the
// table has no such status.
func (t *Table) StateOf(status int64) (state int64, ok bool) {
	for _, s := range t.States {
		for _, o := range s.Statuses {
			if o.Value == status {
				return s.Value, true
			}
		}
	}
	return 0, false
}

// pairOnCreate completes a new row's state and status: each follows from the
// other, and without both the table's default state holds.
func (t *Table) pairOnCreate(row map[string]Value) error {
	if len(t.States) == 0 {
		return nil
	}
	if row[stateColumn].IsNull() && row[statusColumn].IsNull() {
		row[stateColumn] = t.Column(stateColumn).Default
	}
	return t.pair(row)
}

// pairOnUpdate adds to changes the state or status that follows. A state that
// the row is in already keeps its status.
func (t *Table) pairOnUpdate(old, changes map[string]Value) error {
	state, status := changes[stateColumn], changes[statusColumn]
	if state.IsNull() && status.IsNull() {
		return nil
	}
	if status.IsNull() && state.Equal(old[stateColumn]) {
		return nil
	}
	return t.pair(changes)
}

// pair completes a state by its default status, a status by its state, and
// refuses two that do not belong together.
func (t *Table) pair(row map[string]Value) error {
	state, hasState := row[stateColumn].Int()
	status, hasStatus := row[statusColumn].Int()
	if !hasStatus {
		status, _ = t.DefaultStatus(state)
	}
	owner, _ := t.StateOf(status)
	if hasState && owner != state {
		c := t.Column(statusColumn)
		label, _ := t.Column(stateColumn).label(state)
		return c.brokenBy(RuleStatusPair, Int(status), "does not belong to %s %d %s", stateColumn, state, label)
	}
	row[stateColumn], row[statusColumn] = Int(owner), Int(status)
	return nil
}
