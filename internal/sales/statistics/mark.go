package statistics

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"segue/internal/rows"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// Counts are sums by what they are of and by kind: of connections by status and by reason, of a
// step, by its key, and of a test.
type Counts map[string]map[string]int64

// What counts are of, besides steps. Keys of steps are longer.
const (
	ofTargets = "t" // by status
	ofReasons = "r" // of connections that have ended, by reason
)

// secondsOf is the kind of the count of a step that adds up how long it was open; the others are
// its statuses.
const secondsOf = "t"

// add adds to a count.
func (c Counts) add(of, kind string, n int64) {
	if c[of] == nil {
		c[of] = map[string]int64{}
	}
	if c[of][kind] += n; c[of][kind] == 0 {
		delete(c[of], kind)
	}
	if len(c[of]) == 0 {
		delete(c, of)
	}
}

// addAll adds other counts, n times.
func (c Counts) addAll(other Counts, n int64) {
	for of, kinds := range other {
		for kind, count := range kinds {
			c.add(of, kind, n*count)
		}
	}
}

// readCounts reads stored counts.
func readCounts(row *rows.Row) (Counts, error) {
	c := Counts{}
	if row == nil {
		return c, nil
	}
	if err := json.Unmarshal([]byte(row.Text(name.SegueValues)), &c); err != nil {
		return nil, fmt.Errorf("%v: stored %s: %w", row.Ref(), name.SegueValues, err)
	}
	return c, nil
}

// keyOf is the key of a step in counts and marks, which are to be small: 48 bits of a hash.
func keyOf(id sequence.StepID) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// mark is as what a connection and its steps are counted.
type mark struct {
	Version int64              `json:"v,omitempty"`
	Status  sequence.Status    `json:"s,omitempty"` // 0 while only steps of it are counted
	Reason  sequence.Reason    `json:"r,omitempty"`
	Steps   map[int64]stepMark `json:"n,omitempty"` // by position, of which each step of a connection has its own
	Won     []string           `json:"w,omitempty"` // keys of the tests whose metric it has met
}

// stepMark is as what a step is counted.
type stepMark struct {
	Key     string              `json:"k"`
	Version int64               `json:"v"`
	Status  sequence.StepStatus `json:"s"`
	Seconds int64               `json:"t,omitempty"` // it was open, if it was completed or skipped
	Facts   string              `json:"f,omitempty"` // what the recipient of its email did, see factsOf
	Picks   map[string]string   `json:"p,omitempty"` // branches drawn on the way to it, by the keys of tests
}

// readMark reads the mark in a row, which may be nil.
func readMark(row *rows.Row) (mark, error) {
	m := mark{}
	if row != nil {
		if err := json.Unmarshal([]byte(row.Text(name.SegueValues)), &m); err != nil {
			return m, fmt.Errorf("%v: stored %s: %w", row.Ref(), name.SegueValues, err)
		}
	}
	if m.Steps == nil {
		m.Steps = map[int64]stepMark{}
	}
	return m, nil
}

// clone is a mark that can be changed.
func (m mark) clone() mark {
	m.Steps, m.Won = maps.Clone(m.Steps), slices.Clone(m.Won)
	return m
}

// setTarget takes over what a target is.
func (m *mark) setTarget(target sequence.Target) {
	m.Version, m.Status, m.Reason = target.Version(), target.Status(), 0
	if !m.Status.Live() {
		m.Reason = sequence.Reason(target.Row.Int(name.MsdynDeactivatereason))
	}
}

// setStep takes over what a step is; facts is what is known of its email.
func (m *mark) setStep(row *rows.Row, facts string) {
	step := sequence.TargetStep{Row: row}
	position := step.Position()
	s := stepMark{Key: keyOf(position.Step), Version: position.Version, Status: step.Status(), Facts: facts}
	if s.Version == 0 { // made when steps did not keep it
		s.Version = m.Version
	}
	if done := row.Time(name.MsdynCompletedon); s.Status != sequence.StepOpen && !done.IsZero() {
		s.Seconds = max(0, int64(done.Sub(row.Time(rows.CreatedOn)).Seconds()))
	}
	for test, branch := range step.Picks() {
		if s.Picks == nil {
			s.Picks = map[string]string{}
		}
		s.Picks[keyOf(test)] = sequence.ABTest.Branch(branch)
	}
	m.Steps[int64(position.Passed)] = s
	if s.Status == sequence.StepOpen { // an open step is the last one: what was after it has been taken back
		maps.DeleteFunc(m.Steps, func(passed int64, _ stepMark) bool { return passed > int64(position.Passed) })
	}
}

// counts is what the mark adds up to, by version.
func (m mark) counts() map[int64]Counts {
	all := map[int64]Counts{}
	of := func(version int64) Counts {
		if all[version] == nil {
			all[version] = Counts{}
		}
		return all[version]
	}
	if m.Status != 0 {
		of(m.Version).add(ofTargets, strconv.FormatInt(int64(m.Status), 10), 1)
		if !m.Status.Live() {
			of(m.Version).add(ofReasons, strconv.FormatInt(int64(m.Reason), 10), 1)
		}
	}
	for _, s := range m.Steps {
		c := of(s.Version)
		c.add(s.Key, strconv.FormatInt(int64(s.Status), 10), 1)
		c.add(s.Key, secondsOf, s.Seconds)
		for test, branch := range s.Picks {
			c.add(test, branch, 1)
			if slices.Contains(m.Won, test) {
				c.add(test, wonBy(branch), 1)
			}
		}
	}
	return all
}

// wonBy is the kind of the count of the records that took a branch and met the metric.
func wonBy(branch string) string { return branch + "!" }
