// Command segue runs the whole of Segue on a laptop: the server over a file,
// demo data, imports, tokens. Its handlers and its change handler are those of
// the Lambda functions. Each subcommand has a file of its own.
//
// Size: a command is a struct of flags and what is done with them, read alone; what
// the commands share is how they find the store or the server that has it open.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"segue/internal/boot"
	"segue/internal/boot/laptop"
)

// program is the command line.
type program struct {
	Data     string           `help:"Folder of the store and the issuer's key." default:"data" type:"path"`
	Endpoint string           `help:"Use the DynamoDB at this URL in place of the file; aws is that of a deployment, with the region and the credentials of the environment."`
	Table    string           `name:"dynamodb-table" help:"Name of the table on DynamoDB." default:"segue"`
	Version  kong.VersionFlag `help:"Print the version."`

	Serve       serveCommand              `cmd:"" help:"Serve the Web API; load demo data into an empty store."`
	Demo        demoCommand               `cmd:"" help:"Load the demo data into a store that no server has open."`
	Import      importCommand             `cmd:"" help:"Load rows from a CSV file, through the server if one is running."`
	Token       tokenCommand              `cmd:"" help:"Print a bearer token of the local issuer."`
	Jwks        jwksCommand               `cmd:"" help:"Print the public keys that verify its tokens."`
	Parked      parkedCommand             `cmd:"" help:"List the changes that could not be followed."`
	Redrive     redriveCommand            `cmd:"" help:"Take up again what could not be followed."`
	Jobs        jobsCommand               `cmd:"" help:"List long work with its progress; cancel or resume a job."`
	Backfill    backfillCommand           `cmd:"" help:"Apply segments to the records that are there already."`
	Compact     compactCommand            `cmd:"" help:"Give the disk back what the store's file does not use; no server may have it open."`
	Reindex     reindexCommand            `cmd:"" help:"Bring the index keys of stored rows up to the schema, after an index was added, changed or dropped."`
	Recount     recountCommand            `cmd:"" help:"Prove the roll-up columns of a table, or the reports of sequences, against the rows that they are made of, and mend them."`
	Test        testCommand               `cmd:"" help:"Carry out the tests of sequences, each on an empty organization with a clock of its own."`
	Schema      schemaCommand             `cmd:"" help:"Check a folder of tables and columns, and list what it adds; with --was, also that no row uses what it takes away."`
	Built       builtCommand              `cmd:"" help:"Put own tables and columns into what sam build has made, or compare it with a stack; make build and make deploy do."`
	Fixture     fixtureCommand            `cmd:"" help:"Write the rows that events/*.json refer to."`
	CreateTable createTableCommand        `cmd:"" help:"Make the table on DynamoDB."`
	Completion  kongcompletion.Completion `cmd:"" help:"Print how a shell completes commands and flags."`
}

// newParser returns the parser of a command line. A mistake in it is answered with one
// line of usage.
func newParser(p *program) (*kong.Kong, error) {
	return kong.New(p, kong.Name("segue"), kong.Description("Sales sequences and segments on a laptop."),
		kong.ShortUsageOnError(), kong.Vars{"version": boot.FromEnvironment().Program})
}

// place is where the store and the issuer's key are.
func (p *program) place() laptop.Place {
	return laptop.Place{Data: p.Data, Endpoint: p.Endpoint, Table: p.Table}
}

// open boots Segue for a command that runs once.
func (p *program) open(ctx context.Context) (*laptop.App, error) {
	return p.place().Open(ctx, startLog(slog.LevelWarn))
}

// self is how a person called this program, for the commands that it tells to type.
func self() string {
	if strings.Contains(os.Args[0], "go-build") { // by go run
		return "go run ./cmd/segue"
	}
	return os.Args[0]
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var p program
	parser, err := newParser(&p)
	if err != nil {
		fail(err)
	}
	kongcompletion.Register(parser) // a shell that completes a line ends here
	command, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(&p); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "segue:", err)
	os.Exit(1)
}
