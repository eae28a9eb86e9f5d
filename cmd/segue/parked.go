package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"segue/internal/boot"
	"segue/internal/boot/laptop"
	"segue/internal/embed"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/reaction"
	"segue/internal/schema/name"
)

// parkedCommand lists the changes that could not be followed.
type parkedCommand struct {
	Server string `help:"List them through the server at this URL; when left out, the one that has the store open, if there is one."`
}

// Run implements the command.
func (c *parkedCommand) Run(ctx context.Context, p *program) error {
	work, err := p.failures(ctx, c.Server)
	if err != nil {
		return err
	}
	err = printParked(ctx, work)
	return errors.Join(err, work.close())
}

func printParked(ctx context.Context, work failures) error {
	n := 0
	for change, err := range work.parked(ctx) {
		if err != nil {
			return err
		}
		n++
		fmt.Printf("%s %s  %s, %d tries by %s, the next at %s: %s\n", change.Table, change.ID, change.Handler, change.Tries,
			change.Program, change.Due.Format(time.RFC3339), change.Reason)
	}
	if n == 0 {
		fmt.Println("nothing is parked")
	}
	return nil
}

// parkedChange is a row of the table of parked changes, as the Web API has it.
type parkedChange struct {
	Table   string    `json:"segue_table"`
	ID      string    `json:"segue_rowid"`
	Handler string    `json:"segue_handler"`
	Reason  string    `json:"segue_reason"`
	Tries   int64     `json:"segue_tries"`
	Program string    `json:"segue_program"`
	Due     time.Time `json:"segue_dueon"`
}

// failures is what the commands do to what is parked and to jobs, on the store itself
// or through a server.
type failures interface {
	parked(ctx context.Context) iter.Seq2[parkedChange, error]
	redrive(ctx context.Context, table, id string) error
	redriveAll(ctx context.Context, table string) error // "" for what is parked, of all tables
	jobs(ctx context.Context) iter.Seq2[jobRow, error]
	setJob(ctx context.Context, id string, state sales.JobState) error
	job(ctx context.Context, id string) (jobRow, error)
	backfill(ctx context.Context, segment, table string) (job string, err error) // one of the two is ""
	work(ctx context.Context, done func() (bool, error)) error                   // on jobs, unless others do, until done
	settle(ctx context.Context) error
	close() error
}

// failures returns the way to the store: through the server at a URL, if there is one,
// or that which has the store open, else on the store itself.
func (p *program) failures(ctx context.Context, url string) (failures, error) {
	if url == "" {
		app, err := p.open(ctx)
		if err == nil {
			return direct{app, p.Endpoint == laptop.AWS}, nil
		}
		if !errors.Is(err, embed.ErrInUse) {
			return nil, err
		}
	}
	server, err := p.server(ctx, url, "Operator")
	return served{server}, err
}

// direct works on the store itself.
type direct struct {
	laptop   *laptop.App
	deployed bool // functions of a deployment work on it too
}

func (d direct) close() error { return d.laptop.Close() }

func (d direct) parked(ctx context.Context) iter.Seq2[parkedChange, error] {
	return listed(ctx, d, name.ParkedChange, func(row *rows.Row) parkedChange {
		change := reaction.Parked{Row: row}
		return parkedChange{
			Table: change.Subject().Table, ID: change.Subject().ID, Handler: change.Handler(),
			Reason: change.Reason(), Tries: change.Tries(), Program: change.Program(), Due: row.Time(name.SegueDueon),
		}
	})
}

// listed reads all rows of a table on the store itself, each by of.
func listed[T any](ctx context.Context, d direct, table string, of func(*rows.Row) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for token := ""; ; {
			page, err := d.laptop.Entities.List(ctx, sales.Engine(), table, query.Query{Limit: 1000, Token: token})
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, row := range page.Rows {
				if !yield(of(row), nil) {
					return
				}
			}
			if token = page.Token; token == "" {
				return
			}
		}
	}
}

// served works through a server.
type served struct{ *remote }

func (served) close() error { return nil }

func (s served) parked(ctx context.Context) iter.Seq2[parkedChange, error] {
	return pages[parkedChange](ctx, s, name.ParkedChange)
}

// setOf is the entity set of a table.
func setOf(table string) (string, error) {
	tables, err := boot.FromEnvironment().Tables()
	if err != nil {
		return "", err
	}
	return tables.Table(table).Set, nil
}

// pages reads all rows of a table through a server.
func pages[T any](ctx context.Context, s served, table string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		path, err := setOf(table)
		if err != nil {
			yield(none, err)
			return
		}
		for path != "" {
			var page struct {
				Value []T
				Next  string `json:"@odata.nextLink"`
			}
			if err := s.get(ctx, path, &page); err != nil {
				yield(none, err)
				return
			}
			for _, row := range page.Value {
				if !yield(row, nil) {
					return
				}
			}
			path = page.Next
		}
	}
}
