package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"segue/internal/boot/stack"
	"segue/internal/schema"
)

// builtCommand works on what `sam build` has made. `make build SCHEMA=folder` and
// scripts/deploy.sh call it.
type builtCommand struct {
	Template string   `arg:"" help:"Template that was built; the functions' code is beside it." type:"existingfile"`
	Schema   string   `help:"Put the tables and columns of this folder into the template and beside the functions." type:"existingdir"`
	Deployed string   `help:"Template of the stack that it is to be deployed to: refuse to take own tables and columns away." type:"existingfile"`
	Drop     []string `help:"What may be taken away: a table, or a column as table.column."`
}

// Run implements the command. It prints the value of the template's parameter Schema.
func (c *builtCommand) Run(ctx context.Context, p *program) error {
	built, err := parseTemplate(c.Template)
	if err != nil {
		return err
	}
	if c.Schema != "" {
		if err := c.add(built); err != nil {
			return fmt.Errorf("%s: %w", c.Schema, err)
		}
	}
	var drop []string // DROP is typed by a person, with spaces and a comma at the end
	for _, name := range c.Drop {
		if name = strings.TrimSpace(name); name != "" {
			drop = append(drop, name)
		}
	}
	if c.Deployed != "" {
		deployed, err := parseTemplate(c.Deployed)
		if err != nil {
			return err
		}
		if err := stack.RefuseLoss(deployed, built, drop); err != nil {
			return errors.Join(err, p.counted(ctx, err))
		}
	} else if len(drop) > 0 {
		return errors.New("--drop is for a stack that is there: give its template, --deployed")
	}
	value, _ := built.Parameter()
	fmt.Println(value)
	return nil
}

// counted says how many rows of the stack's table use what a build takes away, or which
// command does.
func (p *program) counted(ctx context.Context, refusal error) error {
	var loss *stack.Loss
	if !errors.As(refusal, &loss) || loss.Before == nil {
		return nil
	}
	const command = "`segue schema FOLDER --was FOLDER-OF-THE-STACK --endpoint aws --dynamodb-table TABLE` counts the rows that use them"
	if p.Endpoint == "" {
		return errors.New(command)
	}
	fmt.Fprintf(os.Stderr, "Counting the rows of %s that use what would go\n", p.Table)
	losses, err := p.place().Losses(ctx, loss.Before, loss.Now)
	if err != nil {
		return fmt.Errorf("the rows of %s that use them were not counted: %w\n%s", p.Table, err, command)
	}
	if len(losses) == 0 {
		return fmt.Errorf("no row of %s uses them", p.Table)
	}
	return errors.New(strings.Join(losses, "\n"))
}

// add puts a schema folder into the build: what the template says and what the functions
// read are the same files.
func (c *builtCommand) add(built *stack.Template) error {
	folder, err := schema.ReadFolder(os.DirFS(c.Schema))
	if err != nil {
		return err
	}
	if len(folder) == 0 {
		return fmt.Errorf("no tables/*.json and no optionsets/*.json: %w", fs.ErrNotExist)
	}
	if was, err := built.Folder(); err != nil || len(was) > 0 {
		return errors.Join(fmt.Errorf("--template %s: it already contains own tables, or another version of Segue built it; build it again", c.Template), err)
	}
	if err := built.Add(folder); err != nil {
		return err
	}
	functions, err := built.FunctionFolders()
	if err != nil {
		return err
	}
	beside := filepath.Dir(c.Template)
	for _, function := range functions {
		for name, text := range folder {
			path := filepath.Join(beside, function, "schema", name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // Lambda runs as another user
				return err
			}
			if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // Lambda runs as another user
				return err
			}
		}
	}
	text, err := built.Text()
	if err != nil {
		return err
	}
	return os.WriteFile(c.Template, text, 0o644) //nolint:gosec // as sam wrote it
}

func parseTemplate(file string) (*stack.Template, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	template, err := stack.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return template, nil
}
