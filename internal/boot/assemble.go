package boot

import (
	"cmp"
	"context"

	"segue/internal/api/operation"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/advance"
	"segue/internal/sales/connection"
	"segue/internal/sales/generation"
	"segue/internal/sales/job"
	"segue/internal/sales/organization"
	"segue/internal/sales/principal"
	"segue/internal/sales/reaction"
	"segue/internal/sales/report"
	"segue/internal/sales/right"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Options are the settings of the domain. The zero Options suits one process with
// the default policy.
type Options struct {
	Policy    sales.Policy
	Freshness sales.Freshness // its clock is the machine's by default
	NewID     func() string   // makes the ids of rows that come without one; random by default
	Program   string          // version of the program, which parked changes are marked with; "devel" by default
	Queue     queue.Sender    // where the tasks of jobs wait; by default in this process ([Parts.Local])
	// Organization names the installation, "segue" by default; the ids of its own
	// row and of its root business unit derive from it.
	Organization string
	Rights       right.Matrix // who may do what; [right.DefaultMatrix] by default
}

// withDefaults fills in what is left out.
func (o Options) withDefaults() Options {
	if o.Freshness.Clock == nil {
		o.Freshness.Clock = Clock()
	}
	if o.NewID == nil {
		o.NewID = guid.New
	}
	o.Program = cmp.Or(o.Program, devel)
	o.Organization = cmp.Or(o.Organization, "segue")
	if o.Rights == nil {
		o.Rights = right.DefaultMatrix()
	}
	return o
}

// Parts is the domain, put together over the rows of one store.
type Parts struct {
	DB          *rows.DB
	Principals  *principal.Directory
	Entities    *entity.Entities
	Connections *connection.Connections
	Jobs        *job.Jobs
	Reactions   *reaction.Handler // takes up again what is parked
	Changes     store.Handler     // follows the change records of the store
	Advance     *advance.Advance  // takes up what is due, once a minute
	Local       *queue.Local      // holds the tasks of jobs, when they wait in this process
}

// Operations returns the executor of decoded requests.
func (p *Parts) Operations() operation.Executor {
	return operation.Executor{DB: p.DB, Entities: p.Entities, Connections: p.Connections, Redriver: p.Reactions}
}

// Redrive takes up a row, whether anything of it is parked or not; see
// [reaction.Handler.Redrive].
func (p *Parts) Redrive(ctx context.Context, table, id string) error {
	return p.Reactions.Redrive(ctx, rows.Ref{Table: table, ID: id})
}

// BeginRedrive begins a job that takes up all that is parked, if there is anything;
// begun tells.
func (p *Parts) BeginRedrive(ctx context.Context) (begun bool, err error) {
	parked, err := p.Entities.List(ctx, sales.Engine(), name.ParkedChange, query.Query{Limit: 1})
	if err != nil || len(parked.Rows) == 0 {
		return false, err
	}
	return true, p.DB.Do(ctx, "", func(tx *rows.Tx) error { return p.Reactions.BeginRedrive(ctx, tx) })
}

// parkedAPass is how many parked changes a pass over the due list takes up at most, so
// that one mistake that parks very many does not crowd out what else is due.
const parkedAPass = 100

// SetJob cancels or resumes a job, by its state.
func (p *Parts) SetJob(ctx context.Context, id string, state sales.JobState) error {
	set := map[string]schema.Value{name.SegueState: schema.Int(int64(state))}
	_, _, err := p.Entities.Update(ctx, sales.Engine(), rows.RefTo(name.Job, name.JobID(id)), set, entity.If{Exists: true})
	return err
}

// BeginCount begins a job that takes a census of all tables, which [Parts.Census]
// returns once the job is completed.
func (p *Parts) BeginCount(ctx context.Context) (name.JobID, error) {
	id := name.JobID(guid.New())
	return id, p.DB.Do(ctx, "", func(tx *rows.Tx) error { return sales.BeginJob(ctx, tx, report.Count(p.DB.Schema(), id)) })
}

// Census returns what a job of [Parts.BeginCount] counted.
func (p *Parts) Census(ctx context.Context, id name.JobID) (report.Census, error) {
	row, err := p.Entities.Retrieve(ctx, sales.Engine(), rows.RefTo(name.Job, id))
	if err != nil {
		return report.Census{}, err
	}
	return report.Result(sales.Job{Row: row})
}

// Assemble puts the domain together: which rules the rows of each table obey,
// what follows from which changes, and what jobs there are.
func Assemble(db *rows.DB, options Options) *Parts {
	options = options.withDefaults()
	principals := principal.New(db, principal.NewOrganization(options.Organization), options.Rights, options.Freshness)
	entities := entity.New(db, principals, options.NewID)
	known := generation.New(db, options.Freshness)
	connections := connection.New(db, principals, entities, options.Policy, known)
	segments := segmentation.New(db, connections, options.Policy, known)
	changes := reaction.New(db, options.Program)
	due := advance.New(db, options.Freshness.Clock)
	var local *queue.Local
	if options.Queue == nil {
		local = queue.NewLocal(options.Freshness.Clock)
		options.Queue = local
	}
	jobs := job.New(db, options.Queue, options.Freshness.Clock, job.Options{})

	var (
		records   = sales.OfTrait(name.RecordTrait)
		sequences = sales.OfTable(name.Sequence)
		targets   = sales.OfTable(name.SequenceTarget)
		steps     = sales.OfTable(name.SequenceTargetStep)
		segment   = sales.OfTable(name.Segment)
		orders    = sales.OfTable(name.SegmentAttribute)
		allJobs   = sales.OfTable(name.Job)
	)
	entities.Register(sales.OfTable(name.Organization), organization.OrganizationRules(principals))
	entities.Register(sales.OfTable(name.BusinessUnit), organization.UnitRules(principals))
	entities.Register(sales.OfTable(name.User), organization.UserRules(principals))
	entities.Register(sales.OfTable(name.Team), organization.TeamRules(principals))
	entities.Register(sales.OfTable(name.TeamMembership), organization.MembershipRules(principals))
	entities.Register(records, connections.RecordRules())
	entities.Register(sequences, connections.SequenceRules())
	entities.Register(targets, connections.TargetRules())
	entities.Register(steps, connections.StepRules())
	entities.Register(segment, segments.SegmentRules())
	entities.Register(orders, segments.OrderRules())
	entities.Register(segment, segments.RedriveRules())
	entities.Register(orders, segments.RedriveRules())
	entities.Register(allJobs, jobs.Rules())

	const inserted, modified, removed = store.Insert, store.Modify, store.Remove
	// Definitions come first: what follows decides by new ones.
	changes.Register("generation.announce", known, on(sequences, inserted, modified, removed), on(segment, inserted, modified, removed), on(orders, inserted, modified, removed))
	changes.Register("segmentation.evaluate", segments.Evaluate(), on(records, inserted, modified))
	changes.Register("segmentation.leave", segments.LeaveDeleted(), on(targets, inserted))
	changes.Register("connection.verify", connections.Verify(), on(targets, inserted))
	changes.Register("connection.sweep", connections.Sweep(), on(sequences, modified))

	changes.Register("job.begin", jobs.Begin(), on(allJobs, inserted, modified))

	due.Register(name.Job, jobs.LookAfter)

	jobs.Register(segmentation.UnlinkKind, segments.Unlink(), job.Settings{Delay: options.Freshness.For, AtOnce: 1})
	jobs.Register(connection.SweepKind, connections.SweepJob(), job.Settings{
		Delay: options.Freshness.For, Essential: "a sequence that is being deactivated or deleted ends its connections",
	})
	jobs.Register(report.CountKind, report.Counting(db), job.Settings{})
	jobs.Register(sales.RedriveKind, changes.RedriveJob(), job.Settings{Delay: options.Freshness.For})

	due.Before(changes.Wake)
	due.Register(name.ParkedChange, changes.TakeUp, advance.AtMost(parkedAPass))

	return &Parts{DB: db, Principals: principals, Entities: entities, Connections: connections, Jobs: jobs, Reactions: changes, Changes: changes.Handle, Advance: due, Local: local}
}

// on returns an interest in these kinds of changes of a subject's rows.
func on(subject sales.Subject, kinds ...store.ChangeKind) sales.Interest {
	return sales.Interest{Subject: subject, Kinds: kinds}
}
