package job

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// taskSet is the open tasks of a job, a bit for each task.
type taskSet []byte

// openTasks reads the open tasks of a job; before the first is done they are all
// tasks, and nothing is stored.
func openTasks(job sales.Job) (taskSet, error) {
	done, all := job.Tasks()
	text := job.Row.Text(name.SegueOpen)
	if text == "" {
		set := make(taskSet, (all+7)/8)
		for task := int64(0); task < all && done == 0; task++ {
			set[task/8] |= 1 << (task % 8)
		}
		return set, nil
	}
	set, err := base64.StdEncoding.DecodeString(text)
	if err != nil || int64(len(set)) != (all+7)/8 {
		return nil, fmt.Errorf("%v: stored %s: it does not fit %d tasks: %w", job.Row.Ref(), name.SegueOpen, all, err)
	}
	return set, nil
}

func (t taskSet) has(task int) bool {
	return task >= 0 && task/8 < len(t) && t[task/8]&(1<<(task%8)) != 0
}

func (t taskSet) remove(task int) { t[task/8] &^= 1 << (task % 8) }

func (t taskSet) list() []int {
	var tasks []int
	for task := range len(t) * 8 {
		if t.has(task) {
			tasks = append(tasks, task)
		}
	}
	return tasks
}

// value is the set as openTasks reads it.
func (t taskSet) value() schema.Value {
	return schema.Text(base64.StdEncoding.EncodeToString(t))
}

// errOtherVersion marks a job of another version of the program, which is left to it.
var errOtherVersion = errors.New("it is a job of another version of the program")

// known returns what the job does and goes through, if this version knows both.
func (s *Jobs) known(job sales.Job) (kind, []sales.Scan, error) {
	k, ok := s.kinds[job.Kind()]
	if !ok {
		return kind{}, nil, fmt.Errorf("%v: %w: this version has no kind %q of jobs", job.Row.Ref(), errOtherVersion, job.Kind())
	}
	scans, err := job.Scans()
	if err != nil {
		return kind{}, nil, err
	}
	for _, scan := range scans {
		if !hasScan(s.db.Schema(), scan) {
			return kind{}, nil, fmt.Errorf("%v: %w: this version has no table %q with an index %q", job.Row.Ref(), errOtherVersion, scan.Table, scan.Index)
		}
	}
	return k, scans, nil
}

// hasScan reports whether there is the table of a scan, and its index.
func hasScan(tables *schema.Schema, scan sales.Scan) bool {
	t := tables.Table(scan.Table)
	return t != nil && (scan.Index == "" || slices.ContainsFunc(t.Indexes, func(x *schema.Index) bool { return x.Name == scan.Index }))
}

// find returns where the rows of a task are, of a job that is known.
func find(tables *schema.Schema, job sales.Job, scans []sales.Scan, task int) (place, error) {
	for _, scan := range scans {
		n := scan.Tasks()
		if task >= n {
			task -= n
			continue
		}
		t := tables.Table(scan.Table)
		if scan.IDs != nil {
			return placeOf(t, scan), nil
		}
		all, pointing, err := partitions(t, scan, job.Subject())
		if err != nil {
			return place{}, err
		}
		shard, digit := scan.Digit(task)
		return place{table: t, partition: all[shard].Within(digit), pointing: pointing}, nil
	}
	return place{}, fmt.Errorf("the job has no task %d", task)
}

// partitions returns the shards of a table, or of its index of the rows that point at
// the subject. A packed index may have others' rows there too: pointing tells which are
// meant, nil for all.
func partitions(t *schema.Table, scan sales.Scan, subject rows.Ref) (all []rows.Partition, pointing func(*rows.Row) bool, err error) {
	if scan.Index == "" {
		return rows.ListPartitions(t), nil, nil
	}
	for _, x := range t.Indexes {
		// The keys of a packed index do not begin with the digits of ids, by which tasks are cut.
		if x.Name != scan.Index || x.Shards == scan.Single || len(x.Partition) != 1 || x.Packed && !scan.Single {
			continue
		}
		to := schema.Lookup{Table: subject.Table, ID: subject.ID}
		all, ok := rows.IndexPartitions(t, x, map[string]schema.Value{x.Partition[0]: schema.Ref(to)})
		if !ok {
			continue
		}
		if x.Packed {
			pointing = func(row *rows.Row) bool { return row.Lookup(x.Partition[0]) == to }
		}
		return all, pointing, nil
	}
	return nil, nil, fmt.Errorf("%s has no index %q with shards: %t, of what points at a row", t.Name, scan.Index, !scan.Single)
}
