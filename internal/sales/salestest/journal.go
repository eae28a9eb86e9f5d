package salestest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"segue/internal/store"
)

// Journal is a store that keeps every committed write, so that a test can go
// through the commits of each record one by one, also when many commit at once.
type Journal struct {
	ChangeStore
	mu      sync.Mutex
	commits [][]store.Op
}

// Inner is the store around which the journal is.
func (j *Journal) Inner() ChangeStore { return j.ChangeStore }

// Write implements store.Store.
func (j *Journal) Write(ctx context.Context, ops ...store.Op) error {
	err := j.ChangeStore.Write(ctx, ops...)
	if err == nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.commits = append(j.commits, ops)
	}
	return err
}

// Broken goes through the commits of each record in the order of its versions
// and reports after which of them its guard and its live targets disagreed, or it
// had more than one live target. That a commit starts or ends a target and does
// not write the target's record is wrong too.
func (j *Journal) Broken() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var problems []string
	records, targets := map[store.Key][]commit{}, map[store.Key][]commit{}
	for _, ops := range j.commits {
		for _, op := range ops {
			switch {
			case isTarget(op.Key):
				targets[op.Key] = append(targets[op.Key], commit{ops, op})
			case isRecord(op.Key):
				records[op.Key] = append(records[op.Key], commit{ops, op})
			}
		}
	}
	for _, key := range sortedKeys(targets) {
		problems = append(problems, alone(ordered(targets[key]))...)
	}
	for _, key := range sortedKeys(records) {
		problems = append(problems, replay(key, ordered(records[key]))...)
	}
	return problems
}

// commit is a committed write and the operation in it that is about a certain row.
type commit struct {
	ops []store.Op
	row store.Op
}

func sortedKeys(commits map[store.Key][]commit) []store.Key {
	return slices.SortedFunc(maps.Keys(commits), func(a, b store.Key) int { return strings.Compare(a.SK, b.SK) })
}

// ordered is the commits of one row in the order of its versions, each of which is
// one more than the one it replaces. A row is deleted last; tests make none again.
func ordered(commits []commit) []commit {
	version := func(c commit) int64 {
		if c.row.Kind == store.OpDelete {
			return math.MaxInt64
		}
		return c.row.Item["versionnumber"].Int()
	}
	slices.SortStableFunc(commits, func(a, b commit) int { return cmp.Compare(version(a), version(b)) })
	return commits
}

// alone reports commits that changed a target without reading it, or started or
// ended it without writing its record.
func alone(commits []commit) []string {
	var problems []string
	last := "" // statecode
	for _, c := range commits {
		state := c.row.Item["statecode"].Text()
		if c.row.Kind == store.OpUpdate && state != "" {
			problems = append(problems, fmt.Sprintf("the state of target %s was changed without being read", c.row.Key.SK))
		}
		if c.row.Kind != store.OpPut || state == last {
			continue
		}
		if last = state; !slices.ContainsFunc(c.ops, func(op store.Op) bool { return isRecord(op.Key) }) {
			problems = append(problems, fmt.Sprintf("target %s went to state %s, its record was not written", c.row.Key.SK, state))
		}
	}
	return problems
}

// replay follows one record.
func replay(key store.Key, commits []commit) []string {
	var problems []string
	live := map[string]string{} // sequence → target
	for n, c := range commits {
		for _, op := range c.ops {
			if !isTarget(op.Key) || op.Kind != store.OpPut {
				continue
			}
			of := op.Item["msdyn_parentsequence"].Text()
			switch {
			case op.Item["statecode"].Text() == "0" && live[of] != "" && live[of] != op.Key.SK:
				problems = append(problems, fmt.Sprintf("record %s, commit %d: target %s started beside the live target %s", key.SK, n, op.Key.SK, live[of]))
			case op.Item["statecode"].Text() == "0":
				live[of] = op.Key.SK
			case live[of] == op.Key.SK:
				delete(live, of)
			}
		}
		record := c.row.Item
		if guard := GuardOf(record["segue_live"].Text()); !maps.Equal(guard, live) || record["segue_connected"].True() != (len(live) > 0) {
			problems = append(problems, fmt.Sprintf("record %s, commit %d: segue_live %v, segue_connected %v, live targets %v",
				key.SK, n, guard, record["segue_connected"].True(), live))
		}
		if len(live) > 1 {
			problems = append(problems, fmt.Sprintf("record %s, commit %d: live targets %v", key.SK, n, live))
		}
	}
	return problems
}

func isRecord(k store.Key) bool {
	return slices.Contains([]string{"lead", "opportunity", "account", "contact"}, tableOf(k))
}

func isTarget(k store.Key) bool { return tableOf(k) == "msdyn_sequencetarget" }

// tableOf is the table of a row's key.
func tableOf(k store.Key) string {
	name, _, _ := strings.Cut(k.PK, "#")
	return name
}
