package salestest

import (
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
	commits := map[store.Key][][]store.Op{} // of each record
	last := map[string]string{}             // statecode of each target in the latest commit seen
	for _, ops := range j.sorted() {
		record := recordOf(ops)
		problems = append(problems, alone(ops, record, last)...)
		if record != nil {
			commits[record.Key] = append(commits[record.Key], ops)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(commits), func(a, b store.Key) int { return strings.Compare(a.SK, b.SK) }) {
		problems = append(problems, replay(key, commits[key])...)
	}
	return problems
}

// alone reports targets that a commit changed without being read, or started or
// ended without writing their record.
func alone(ops []store.Op, record *store.Op, last map[string]string) []string {
	var problems []string
	for _, op := range ops {
		if !isTarget(op.Key) {
			continue
		}
		state := op.Item["statecode"].Text()
		if op.Kind == store.OpUpdate && state != "" {
			problems = append(problems, fmt.Sprintf("the state of target %s was changed without being read", op.Key.SK))
		}
		if op.Kind == store.OpPut && state != last[op.Key.SK] {
			if last[op.Key.SK] = state; record == nil {
				problems = append(problems, fmt.Sprintf("target %s went to state %s, its record was not written", op.Key.SK, state))
			}
		}
	}
	return problems
}

// sorted is the commits in the order of their versions, which is that of the
// commits of each row: a version is always larger than the one it replaces.
func (j *Journal) sorted() [][]store.Op {
	version := func(ops []store.Op) int64 {
		for _, op := range ops {
			if op.Kind != store.OpDelete {
				return op.Item["versionnumber"].Int()
			}
		}
		return math.MaxInt64 // a row deleted alone; tests make none again
	}
	sorted := slices.Clone(j.commits)
	slices.SortStableFunc(sorted, func(a, b []store.Op) int {
		switch va, vb := version(a), version(b); {
		case va < vb:
			return -1
		case va > vb:
			return 1
		}
		return 0
	})
	return sorted
}

// replay follows one record.
func replay(key store.Key, commits [][]store.Op) []string {
	var problems []string
	live := map[string]string{} // sequence → target
	for n, ops := range commits {
		for _, op := range ops {
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
		record := recordOf(ops)
		if guard := GuardOf(record.Item["segue_live"].Text()); !maps.Equal(guard, live) || record.Item["segue_connected"].True() != (len(live) > 0) {
			problems = append(problems, fmt.Sprintf("record %s, commit %d: segue_live %v, segue_connected %v, live targets %v",
				key.SK, n, guard, record.Item["segue_connected"].True(), live))
		}
		if len(live) > 1 {
			problems = append(problems, fmt.Sprintf("record %s, commit %d: live targets %v", key.SK, n, live))
		}
	}
	return problems
}

// recordOf is the write of a record among ops, nil when there is none.
func recordOf(ops []store.Op) *store.Op {
	for i, op := range ops {
		switch tableOf(op.Key) {
		case "lead", "opportunity", "account", "contact":
			return &ops[i]
		}
	}
	return nil
}

func isTarget(k store.Key) bool { return tableOf(k) == "msdyn_sequencetarget" }

// tableOf is the table of a row's key.
func tableOf(k store.Key) string {
	name, _, _ := strings.Cut(k.PK, "#")
	return name
}
