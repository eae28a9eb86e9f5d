package laptop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/dynamo"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/store"
)

// schemaFolder keeps, beside the store, the files of SEGUE_SCHEMA that it was last
// opened with.
const schemaFolder = "schema"

// admitSchema refuses to open the store with a schema that takes something away which
// rows use, compared with the one that it was last opened with, and remembers the
// schema.
func (p Place) admitSchema(ctx context.Context, folder string, now *schema.Schema, s store.Store, c clock.Clock) error {
	kept := filepath.Join(p.Data, schemaFolder)
	if err := finishWrite(kept); err != nil {
		return fmt.Errorf("the schema that the store was last opened with, %s: %w", kept, err)
	}
	before, err := readFolder(kept)
	if err != nil {
		return err
	}
	given, err := readFolder(folder)
	if err != nil || given.Equal(before) {
		return err
	}
	if len(before) > 0 {
		old, err := before.Schema()
		if err != nil {
			return fmt.Errorf("the schema that the store was last opened with, %s: %w", kept, err)
		}
		reasons, err := losses(ctx, old, now, s, c)
		if err != nil {
			return err
		}
		if len(reasons) > 0 {
			return fmt.Errorf("SEGUE_SCHEMA takes away what rows use; put it back, or change these rows first:\n  %s", strings.Join(reasons, "\n  "))
		}
	}
	return writeFolder(kept, given)
}

// Losses says, before a deployment, what a schema takes away that rows of its table use,
// and how many. A store on a laptop refuses to be opened then.
func (p Place) Losses(ctx context.Context, old, now *schema.Schema) ([]string, error) {
	if p.Endpoint == "" {
		return nil, errors.New("give --endpoint: a store on this machine compares schemas by itself when it is opened")
	}
	cfg, err := p.config(ctx)
	if err != nil {
		return nil, err
	}
	table := dynamo.New(dynamodb.NewFromConfig(cfg), p.Table, rows.Indexes(), dynamo.Clock(boot.Clock()))
	return losses(ctx, old, now, table, boot.Clock())
}

// losses says, of a schema for which rows have values that would be none any more, or are
// of a table that requests would not reach as before, what they use, and how many do.
func losses(ctx context.Context, old, now *schema.Schema, s store.Store, c clock.Clock) (reasons []string, err error) {
	byTable := map[*schema.Table][]schema.Change{}
	for _, change := range old.Changes(now) {
		byTable[change.Table] = append(byTable[change.Table], change)
	}
	hidden := old.Hidden(now)
	list := query.New(rows.New(s, old, c))
	for _, t := range old.Tables() {
		changes := byTable[t]
		if now.Table(t.Name) == nil {
			changes = nil // its name says it all
		}
		found, err := lossesOf(ctx, list, t, changes, slices.Contains(hidden, t))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", t.Name, err)
		}
		reasons = append(reasons, found...)
	}
	return reasons, nil
}

// lossesOf says, for each change of a table that breaks values, how many rows have one,
// and how many the table has if it is hidden.
func lossesOf(ctx context.Context, list *query.Reader, t *schema.Table, changes []schema.Change, hidden bool) (reasons []string, err error) {
	if len(changes) == 0 && !hidden {
		return nil, nil
	}
	all, broken := 0, make([]int, len(changes))
	for row, err := range list.Each(ctx, query.Query{Table: t}) {
		if err != nil {
			return nil, err
		}
		all++
		values := row.Values()
		for i, change := range changes {
			if change.Breaks(values[change.Column.Name]) {
				broken[i]++
			}
		}
	}
	if hidden && all > 0 {
		reasons = append(reasons, fmt.Sprintf("%s is used by %d rows, and the schema does not have it, or not its set, or has Segue alone make rows", t.Name, all))
	}
	for i, change := range changes {
		what := "declares it otherwise"
		if change.Now == nil {
			what = "does not have it"
		}
		if broken[i] > 0 {
			reasons = append(reasons, fmt.Sprintf("%s.%s is used by %d rows, and the schema %s", t.Name, change.Column.Name, broken[i], what))
		}
	}
	return reasons, nil
}

// readFolder reads the schema files of a folder; there are none in one that is missing or
// has no name.
func readFolder(folder string) (schema.Folder, error) {
	if folder == "" {
		return nil, nil
	}
	return schema.ReadFolder(os.DirFS(folder))
}

// Folders beside the one that [writeFolder] replaces: what comes into its place, which
// may be there in part, and what was there, which is whole.
const (
	freshSuffix  = ".new"
	beforeSuffix = ".old"
)

// writeFolder puts files in place of those that a folder has. A kill at any moment leaves
// the folder as it was or as it will be, or moved aside as a whole, where [finishWrite]
// finds it.
func writeFolder(folder string, files schema.Folder) error {
	fresh, before := folder+freshSuffix, folder+beforeSuffix
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(before)); err != nil {
		return err
	}
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(fresh, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	if err := os.Rename(folder, before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, folder); err != nil {
		return err
	}
	return os.RemoveAll(before)
}

// finishWrite puts back what a write that was killed has moved aside: without it there
// would be nothing to compare with, and a schema could take away what rows use. What was
// to come is not taken in its place, for nobody knows of a folder whether it is whole.
func finishWrite(folder string) error {
	_, err := os.Stat(folder)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(folder+beforeSuffix, folder); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
