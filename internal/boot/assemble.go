package boot

import (
	"cmp"
	"context"
	"time"

	"segue/internal/api/operation"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/activity"
	"segue/internal/sales/advance"
	"segue/internal/sales/authoring"
	"segue/internal/sales/backfill"
	"segue/internal/sales/calendar"
	"segue/internal/sales/connection"
	"segue/internal/sales/deletion"
	"segue/internal/sales/erasure"
	"segue/internal/sales/generation"
	"segue/internal/sales/health"
	"segue/internal/sales/job"
	"segue/internal/sales/link"
	"segue/internal/sales/mailing"
	"segue/internal/sales/migration"
	"segue/internal/sales/organization"
	"segue/internal/sales/pipeline"
	"segue/internal/sales/preview"
	"segue/internal/sales/principal"
	"segue/internal/sales/progress"
	"segue/internal/sales/reaction"
	"segue/internal/sales/reindex"
	"segue/internal/sales/report"
	"segue/internal/sales/retention"
	"segue/internal/sales/right"
	"segue/internal/sales/rollup"
	"segue/internal/sales/run"
	"segue/internal/sales/segmentation"
	"segue/internal/sales/setting"
	"segue/internal/sales/simulation"
	"segue/internal/sales/statistics"
	"segue/internal/sales/tracking"
	"segue/internal/sales/view"
	"segue/internal/sales/worklist"
	"segue/internal/sales/workqueue"
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
	Aside     queue.Sender    // where the tasks of long jobs wait, so that those of others need not wait for them; by default in a lane beside theirs
	// NoTimeToLive says that the store does not delete expired rows by itself, so that a
	// job has to.
	NoTimeToLive bool
	// Organization names the installation, "segue" by default; the ids of its own
	// row and of its root business unit derive from it.
	Organization string
	Rights       right.Matrix   // who may do what; [right.DefaultMatrix] by default
	Mail         mailing.Config // how emails are sent; not at all by default
	MaxExamined  int            // rows that a request may examine; [query.MaxExamined] by default
	AtOnce       int            // changed and due rows that are worked on at the same time; [sales.AtOnce] by default
}

// withDefaults fills in what is left out.
func (o Options) withDefaults() Options {
	o.AtOnce = cmp.Or(o.AtOnce, sales.AtOnce)
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
	if o.Mail.Sender == nil {
		o.Mail.Missing = cmp.Or(o.Mail.Missing, "there is no transport")
	}
	o.MaxExamined = cmp.Or(o.MaxExamined, query.MaxExamined)
	return o
}

// Parts is the domain, put together over the rows of one store.
type Parts struct {
	DB          *rows.DB
	Settings    *setting.Settings
	Calendars   *calendar.Calendars
	Principals  *principal.Directory
	Entities    *entity.Entities
	Sequences   *authoring.Sequences
	Migration   *migration.Migration
	Connections *connection.Connections
	Progress    *progress.Progress
	Worklist    *worklist.Worklist
	Jobs        *job.Jobs
	Erasures    *erasure.Erasures
	Deletion    *deletion.Deletion
	Backfill    *backfill.Backfill
	Pipeline    *pipeline.Pipeline
	Simulation  *simulation.Simulation
	Previews    *preview.Previews
	Queues      *workqueue.Queues
	Rehearse    operation.Rehearse // carries out the tests of sequences; nil, by default, where that is not served
	Segments    *segmentation.Segmentation
	Reactions   *reaction.Handler  // takes up again what is parked
	Changes     store.Handler      // follows the change records of the store
	Advance     *advance.Advance   // takes up what is due, once a minute
	Expiry      *retention.Sweeper // deletes what is kept no longer, where the store does not
	Mailing     *mailing.Mailing   // the emails of sequences
	Health      *health.Monitor    // counts what is worked on
	Rollups     *rollup.Rollups    // columns that are made of rows around theirs
	Statistics  *statistics.Statistics
	Local       *queue.Local // holds the tasks of jobs, when they wait in this process
}

// Operations returns the executor of decoded requests.
func (p *Parts) Operations() operation.Executor {
	return operation.Executor{
		DB: p.DB, Settings: p.Settings, Entities: p.Entities, Connections: p.Connections, Principals: p.Principals,
		Pipeline: p.Pipeline, Redriver: p.Reactions, Eraser: p.Erasures, Mailing: p.Mailing, Deletion: p.Deletion, Backfill: p.Backfill, Simulation: p.Simulation, Segments: p.Segments,
		Sequences: p.Sequences, Migration: p.Migration, Statistics: p.Statistics,
		Previews: p.Previews, Rehearse: p.Rehearse, Progress: p.Progress, Queues: p.Queues, Worklist: p.Worklist,
		Health: p.Health, Quotas: p.quotas,
	}
}

// quotas returns the limits of which people are told how much is used.
func (p *Parts) quotas(ctx context.Context) ([]sales.Quota, error) {
	segments, err := p.Segments.ActiveSegments(ctx)
	return []sales.Quota{authoring.ActiveSequences(), segments}, err
}

// Redrive takes up a row, whether anything of it is parked or not; see
// [reaction.Handler.Redrive].
func (p *Parts) Redrive(ctx context.Context, table, id string) error {
	return p.Reactions.Redrive(ctx, rows.Ref{Table: table, ID: id})
}

// BeginRedrive begins a job that takes up all that is parked, if there is anything, or
// all rows of a table; begun tells.
func (p *Parts) BeginRedrive(ctx context.Context, table string) (begun bool, err error) {
	if table == "" {
		parked, err := p.Entities.List(ctx, sales.Engine(), name.ParkedChange, query.Query{Limit: 1})
		if err != nil || len(parked.Rows) == 0 {
			return false, err
		}
	}
	return true, p.DB.Do(ctx, "", func(tx *rows.Tx) error { return p.Reactions.BeginRedrive(ctx, tx, table) })
}

// parkedAPass is how many parked changes a pass over the due list takes up at most, so
// that one mistake that parks very many does not crowd out what else is due.
const parkedAPass = 100

// recordsAPass is how many records of a table a pass over the due list decides again at
// most: a date that begins may make very many due at once, and they must leave time for
// what else is due.
const recordsAPass = 10 * advance.PerSecond

// stepsAPass is how many steps of the system a pass over the due list does at most: most of
// what it has time for.
const stepsAPass = 40 * advance.PerSecond

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

// BeginReindex begins a job that brings the index keys of these tables' rows up to the
// schema.
func (p *Parts) BeginReindex(ctx context.Context, tables []string) error {
	job := reindex.Tables(tables)
	return p.DB.Do(ctx, "", func(tx *rows.Tx) error { return sales.BeginJob(ctx, tx, job) })
}

// BeginRecount begins a job that proves and mends the roll-up columns of a table.
func (p *Parts) BeginRecount(ctx context.Context, table string) (name.JobID, error) {
	job, err := p.Rollups.Recount(table)
	if err != nil {
		return "", err
	}
	return job.ID, p.DB.Do(ctx, "", func(tx *rows.Tx) error { return sales.BeginJob(ctx, tx, job) })
}

// BeginStatistics begins a job that counts again what became of all connections.
func (p *Parts) BeginStatistics(ctx context.Context) (id name.JobID, err error) {
	return id, p.DB.Do(ctx, "", func(tx *rows.Tx) error {
		id, err = p.Statistics.RecountIn(ctx, tx)
		return err
	})
}

// StatisticsFound returns what a job of [Parts.BeginStatistics] has found; ok is false for one
// that is not completed.
func (p *Parts) StatisticsFound(ctx context.Context, id name.JobID) (found statistics.Differences, ok bool, err error) {
	row, err := p.Entities.Retrieve(ctx, sales.Engine(), rows.RefTo(name.Job, id))
	if err != nil {
		return found, false, err
	}
	return statistics.Result(sales.Job{Row: row})
}

// Differences returns what a job of [Parts.BeginRecount] has found; ok is false for one
// that is not completed.
func (p *Parts) Differences(ctx context.Context, id name.JobID) (found rollup.Differences, ok bool, err error) {
	row, err := p.Entities.Retrieve(ctx, sales.Engine(), rows.RefTo(name.Job, id))
	if err != nil {
		return found, false, err
	}
	return rollup.Result(sales.Job{Row: row})
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
// what follows from which changes, what is due, and what jobs there are.
func Assemble(db *rows.DB, options Options) *Parts {
	options = options.withDefaults()
	principals := principal.New(db, principal.NewOrganization(options.Organization), options.Rights, options.Freshness)
	known := generation.New(db, options.Freshness, generation.Definitions)
	times := generation.New(db, options.Freshness, generation.Calendars)
	settings := setting.New(db, principals.Organization().ID, known)
	entities := entity.New(db, principals, settings, options.NewID)
	entities.Bound(options.MaxExamined)
	sequences := authoring.New(db, entities, known)
	calendars := calendar.New(db, settings, times)
	activities := activity.New(db, settings)
	connections := connection.New(db, principals, entities, options.Policy, sequences, calendars, activities)
	var local *queue.Local
	if options.Queue == nil {
		local = queue.NewLocal(options.Freshness.Clock)
		options.Queue, options.Aside = local, local.Aside()
	}
	changes := reaction.New(db, options.Program)
	segments := segmentation.New(db, connections, sequences, options.Policy, known, settings)
	park := func(ctx context.Context, record rows.Ref, failure error) error {
		return changes.Park(ctx, segmentation.EvaluateReaction, record, failure)
	}
	a := assembly{
		Parts: &Parts{
			DB: db, Settings: settings, Calendars: calendars, Principals: principals, Entities: entities, Sequences: sequences, Connections: connections,
			Jobs:      job.New(db, options.Queue, options.Freshness.Clock, job.Options{}),
			Reactions: changes, Changes: changes.Handle, Advance: advance.New(db, options.Freshness.Clock), Local: local,
			Expiry: retention.New(db, options.Policy.Retention > 0), Erasures: erasure.New(db, connections, options.NewID), Deletion: deletion.New(db, entities, options.NewID),
			Pipeline: pipeline.New(entities, principals), Simulation: simulation.New(db, entities, segments), Segments: segments, Health: health.New(db, options.Freshness.Clock),
			Backfill:   backfill.New(db, segments, park, options.NewID),
			Rollups:    rollup.New(db),
			Statistics: statistics.New(db, settings, sequences, options.NewID),
			Mailing:    mailing.New(db, settings, connections, options.Policy.Retention, options.Mail),
			Migration:  migration.New(db, principals, sequences, options.NewID),
			Previews:   preview.New(db, entities, calendars, sequences),
			Queues:     workqueue.New(db, entities, principals, calendars),
		},
		runs:  run.New(db, segments),
		known: known,
		times: times,
		park:  park,
	}
	a.Progress = progress.New(progress.Parts{
		DB: db, Principals: principals, Entities: entities, Settings: settings, Sequences: sequences, Calendars: calendars, Connections: connections, Mailing: a.Mailing, Activities: activities,
	})
	a.Advance.SendTo(options.Queue)
	a.Advance.AtOnce(options.AtOnce)
	a.Reactions.AtOnce(options.AtOnce)
	a.Worklist = worklist.New(worklist.Parts{Entities: entities, Sequences: sequences, Progress: a.Progress})
	if options.Aside != nil {
		a.Jobs.SetAside(options.Aside)
	}
	a.rules()
	a.reactions()
	a.due()
	if options.NoTimeToLive {
		a.Advance.Before(a.Expiry.Daily)
	}
	a.jobs(options.Freshness.For)
	return a.Parts
}

// assembly is parts that are being put together.
type assembly struct {
	*Parts
	runs  *run.Runs
	known *generation.Generation // of definitions
	times *generation.Generation // of calendars
	park  segmentation.Park      // keeps a record that a job cannot evaluate
}

// rules registers what the rows of each table obey beyond the schema.
func (a assembly) rules() {
	a.Entities.Register(sales.OfTable(name.Organization), organization.OrganizationRules(a.Principals, a.known))
	a.Entities.Register(sales.OfTable(name.BusinessUnit), organization.UnitRules(a.Principals))
	a.Entities.Register(sales.OfTable(name.User), organization.UserRules(a.Principals))
	a.Entities.Register(sales.OfTable(name.Team), organization.TeamRules(a.Principals))
	a.Entities.Register(sales.OfTable(name.TeamMembership), organization.MembershipRules(a.Principals))
	a.Entities.Register(sales.OfTrait(name.RecordTrait), a.Connections.RecordRules())
	a.Entities.Register(sales.OfTrait(name.RecordTrait), a.Segments.ReceiptRules())
	a.Entities.Register(sales.OfTrait(name.RecordTrait), erasure.Rules())
	a.Entities.Register(sales.OfTrait(name.ActivityTrait), erasure.ActivityRules())
	a.Entities.Register(sales.OfTrait(name.ActivityTrait), a.Progress.ActivityRules())
	a.Entities.Register(sales.OfTable(name.Sequence), a.Sequences.Rules())
	a.Entities.Register(sales.OfTable(name.SequenceTarget), a.Connections.TargetRules())
	a.Entities.Register(sales.OfTable(name.SequenceTargetStep), a.Progress.StepRules())
	a.Entities.Register(sales.OfTable(name.Segment), a.Segments.SegmentRules())
	a.Entities.Register(sales.OfTable(name.Segment), a.Simulation.FindingRules())
	a.Entities.Register(sales.OfTable(name.SegmentAttribute), a.Segments.OrderRules())
	a.Entities.Register(sales.OfTable(name.Segment), a.Segments.RedriveRules())
	a.Entities.Register(sales.OfTable(name.SegmentAttribute), a.Segments.RedriveRules())
	a.Entities.Register(sales.OfTable(name.Organization), a.Segments.RedriveRules())
	a.Entities.Register(sales.OfTable(name.SalesRoutingRun), run.Rules())
	a.Entities.Register(sales.OfTable(name.Job), a.Jobs.Rules())
	a.Entities.Register(sales.OfTable(name.Calendar), a.Calendars.Rules())
	a.Entities.Register(sales.OfTable(name.Absence), a.Calendars.AbsenceRules())
	a.Entities.Register(sales.OfTable(name.Holiday), a.Calendars.HolidayRules())
	a.Entities.Register(sales.OfTable(name.EmailTemplate), a.Mailing.TemplateRules())
	a.Entities.Register(sales.OfTable(name.Email), a.Mailing.ReplyRules())
	a.Entities.Register(sales.OfTable(name.SuppressedAddress), mailing.SuppressionRules())
	a.Entities.Register(sales.OfTable(name.View), view.Rules(a.DB.Schema()))
	a.Entities.Register(sales.OfTable(name.SavedView), view.Rules(a.DB.Schema()))
}

// reactions registers what follows from which changes.
func (a assembly) reactions() {
	const inserted, modified, removed = store.Insert, store.Modify, store.Remove
	var (
		records   = sales.OfTrait(name.RecordTrait)
		sequences = sales.OfTable(name.Sequence)
		targets   = sales.OfTable(name.SequenceTarget)
		segments  = sales.OfTable(name.Segment)
		orders    = sales.OfTable(name.SegmentAttribute)
		settings  = sales.OfTable(name.Organization)
	)
	// Definitions come first: what follows decides by new ones.
	a.Reactions.Register("generation.announce", a.known, on(sequences, inserted, modified, removed), on(segments, inserted, modified, removed), on(orders, inserted, modified, removed), on(settings, inserted, modified, removed))
	a.Reactions.Register("calendar.announce", a.times, on(sales.OfTable(name.Calendar), inserted, modified, removed),
		on(sales.OfTable(name.Absence), inserted, modified, removed), on(sales.OfTable(name.Holiday), inserted, modified, removed))
	// Links come before what goes by them.
	var linked []sales.Interest
	for _, t := range link.Tables(a.DB.Schema()) {
		linked = append(linked, on(sales.OfTable(t.Name), inserted, modified, removed))
	}
	a.Reactions.Register("link.keep", sales.Follow(link.New(a.DB).Follow), linked...)
	a.Reactions.Register(segmentation.EvaluateReaction, a.runs.Watch(a.Segments.Evaluate()), on(records, inserted, modified))
	var related []sales.Interest
	for _, table := range a.Segments.RelatedTables() {
		related = append(related, on(table, inserted, modified, removed))
	}
	a.Reactions.Register(segmentation.RelateReaction, a.Segments.Relate(), related...)
	var counted []sales.Interest
	for _, table := range a.Rollups.Tables() {
		counted = append(counted, on(table, inserted, modified, removed))
	}
	a.Reactions.Register(rollup.CountReaction, a.Rollups.Count(), counted...)
	a.Reactions.Register("run.write", a.runs.Reaction(), on(records, inserted, modified, removed))
	a.Reactions.Register("segmentation.leave", a.Segments.LeaveDeleted(), on(targets, inserted))
	a.Reactions.Register("connection.verify", a.Connections.Verify(), on(targets, inserted))
	a.Reactions.Register("connection.sweep", a.Connections.Sweep(), on(sequences, modified))
	var tracked []sales.Interest
	for _, t := range a.DB.Schema().Tables() {
		if t.Track {
			tracked = append(tracked, on(sales.OfTable(t.Name), inserted, modified, removed))
		}
	}
	a.Reactions.Register("tracking.log", tracking.New(a.DB).Reaction(), tracked...)
	a.Reactions.Register("mailing.end", a.Mailing.EndReaction(), on(sales.OfTable(name.SentEmail), modified))
	a.Reactions.Register("progress.run", a.Progress.Opened(), on(sales.OfTable(name.SequenceTargetStep), inserted))
	a.Reactions.Register("progress.record", a.Progress.RecordChanged(), on(records, modified))
	a.Reactions.Register("progress.email", a.Progress.EmailChanged(), on(sales.OfTable(name.SentEmail), modified))
	// A target changes with a step of it, in one transaction, so its own changes need not be told.
	a.Reactions.Register("statistics.count", a.Statistics.Reaction(), on(targets, inserted),
		on(sales.OfTable(name.SequenceTargetStep), inserted, modified), on(sales.OfTable(name.SentEmail), modified))
	a.Reactions.Register("job.begin", a.Jobs.Begin(), on(sales.OfTable(name.Job), inserted, modified))
}

// due registers what is done with rows that are due.
func (a assembly) due() {
	a.Advance.Register(name.Job, a.Health.Due(a.Jobs.LookAfter))
	a.Advance.Before(a.Reactions.Wake)
	a.Advance.Register(name.ParkedChange, a.Health.Due(a.Reactions.TakeUp), advance.AtMost(parkedAPass))
	a.Advance.Register(name.Recount, a.Health.Due(a.Rollups.TakeUp), advance.AtMost(recordsAPass))
	a.Advance.Register(name.Experiment, a.Health.Due(a.Statistics.TakeUp), advance.AtMost(recordsAPass))
	a.Advance.Register(name.SequenceTargetStep, a.Health.Due(a.Progress.TakeUp), advance.AtMost(stepsAPass), advance.Away(progress.Anywhere))
	for _, t := range a.DB.Schema().Tables() {
		if t.Is(name.RecordTrait) {
			a.Advance.Register(t.Name, a.Health.Due(a.Segments.TakeUp(a.park)), advance.AtMost(recordsAPass))
		}
	}
}

// jobs registers the kinds of jobs; fresh is how long a process may use old definitions.
func (a assembly) jobs(fresh time.Duration) {
	a.Jobs.Register(segmentation.UnlinkKind, a.Segments.Unlink(), job.Settings{Delay: fresh, AtOnce: 1})
	a.Jobs.Register(segmentation.RelateKind, a.Segments.RelateJob(a.park), job.Settings{Delay: fresh})
	a.Jobs.Register(connection.SweepKind, a.Connections.SweepJob(), job.Settings{
		Delay: fresh, Essential: "a sequence that is being deactivated or deleted ends its connections",
	})
	a.Jobs.Register(erasure.Kind, a.Erasures.Job(), job.Settings{
		Delay: fresh, AtOnce: 1, Essential: "what is left of an erased person goes",
	})
	a.Jobs.Register(migration.Kind, a.Migration.Job(), job.Settings{Delay: fresh})
	a.Jobs.Register(deletion.Kind, a.Deletion.Job(), job.Settings{})
	a.Jobs.Register(entity.CascadeKind, a.Deletion.CascadeJob(), job.Settings{Delay: fresh, Essential: "what points at a deleted row goes with it"})
	a.Jobs.Register(retention.Kind, a.Expiry.Job(), job.Settings{AtOnce: 1})
	a.Jobs.Register(report.CountKind, report.Counting(a.DB), job.Settings{})
	a.Jobs.Register(reindex.Kind, reindex.Work(a.DB, link.New(a.DB).Keep), job.Settings{Delay: fresh})
	// Most records stay as they are: a call goes by its time, and saves what it did once.
	a.Jobs.RegisterImages(backfill.Kind, a.Backfill.Job(), job.Settings{Delay: fresh, Aside: true, Rows: 100_000, Chunk: 500})
	a.Jobs.Register(run.Kind, a.runs.Job(), job.Settings{Delay: fresh, Essential: "the runs of a deleted or erased record go"})
	a.Jobs.Register(rollup.Kind, a.Rollups.Job(), job.Settings{Delay: fresh})
	a.Jobs.Register(statistics.Kind, a.Statistics.Job(), job.Settings{Delay: fresh})
	a.Jobs.Register(sales.RedriveKind, a.Reactions.RedriveJob(), job.Settings{Delay: fresh})
}

// on returns an interest in these kinds of changes of a subject's rows.
func on(subject sales.Subject, kinds ...store.ChangeKind) sales.Interest {
	return sales.Interest{Subject: subject, Kinds: kinds}
}
