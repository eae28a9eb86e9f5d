package calendar

import (
	"context"
	"fmt"
	"time"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/generation"
	"segue/internal/sales/setting"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// MaxCached is how many sellers' calendars a process keeps, those that were used last.
const MaxCached = 5000

// past is how long absences count after their end: waits begin when something happens, which
// is looked at a little later, and after an outage much later.
const past = 31 * 24 * time.Hour

// Calendars knows when sellers work. It is safe for concurrent use.
type Calendars struct {
	db       *rows.DB
	lists    *query.Reader
	settings *setting.Settings
	known    *generation.Generation
	sellers  *generation.Cache[worktime.Calendar]
	holidays *generation.Cache[worktime.Holidays] // by the organization's zone
}

// New returns the calendars of an organization. What was read of them stands until the
// generation of calendars changes ([generation.Calendars]), which every write of one does.
func New(db *rows.DB, settings *setting.Settings, known *generation.Generation) *Calendars {
	return &Calendars{
		db: db, lists: query.New(db), settings: settings, known: known,
		sellers: generation.NewCache[worktime.Calendar](known, MaxCached), holidays: generation.NewCache[worktime.Holidays](known, 1),
	}
}

// Schedule returns what the due times of an owner's steps are computed with, as it was at
// most [sales.Freshness] ago. workingTime is what the sequence says of its waits
// (msdyn_iswaittimecomputationenabledatsequencelevel): time that is not worked is skipped
// where the organization and the sequence say so. While no setting asks for working time, no
// calendar is read, and the schedule is the zero one. A team has no calendar and works
// always, except on holidays, as a seller does who has none.
func (c *Calendars) Schedule(ctx context.Context, owner schema.Lookup, workingTime bool) (worktime.Schedule, error) {
	set, err := c.settings.Get(ctx)
	if err != nil {
		return worktime.Schedule{}, err
	}
	settings := set.Time
	settings.SkipNonWorking = settings.SkipNonWorking && workingTime
	if settings == (worktime.Settings{}) {
		return worktime.Schedule{}, nil
	}
	schedule := worktime.Schedule{Settings: settings}
	zone := set.Calendar.Zone
	if schedule.Holidays, err = c.holidays.Get(ctx, zone.String(), func(ctx context.Context) (worktime.Holidays, error) {
		return c.readHolidays(ctx, zone)
	}); err != nil {
		return worktime.Schedule{}, fmt.Errorf("read the holidays: %w", err)
	}
	if owner.Table != name.User {
		return schedule, nil
	}
	if schedule.Seller, err = c.sellers.Get(ctx, owner.ID, func(ctx context.Context) (worktime.Calendar, error) {
		return c.readSeller(ctx, owner)
	}); err != nil {
		return worktime.Schedule{}, fmt.Errorf("read when %s %s works: %w", owner.Table, owner.ID, err)
	}
	return schedule, nil
}

// Zone returns the time zone of a user: that of the user's calendar, or else that of the
// organization.
func (c *Calendars) Zone(ctx context.Context, user schema.Lookup) (*time.Location, error) {
	set, err := c.settings.Get(ctx)
	if err != nil {
		return nil, err
	}
	seller, err := c.sellers.Get(ctx, user.ID, func(ctx context.Context) (worktime.Calendar, error) {
		return c.readSeller(ctx, user)
	})
	if err != nil {
		return nil, fmt.Errorf("read the calendar of %v: %w", user, err)
	}
	if zone := seller.Hours.Zone(); zone != nil {
		return zone, nil
	}
	return set.Calendar.Zone, nil
}

// readSeller reads the calendar and the absences of a user.
func (c *Calendars) readSeller(ctx context.Context, owner schema.Lookup) (seller worktime.Calendar, err error) {
	if seller.Hours, err = c.readHours(ctx, owner); err != nil {
		return worktime.Calendar{}, err
	}
	var spans []worktime.Span
	for row, err := range c.lists.Each(ctx, c.absencesOf(owner)) {
		if err != nil {
			return worktime.Calendar{}, err
		}
		spans = append(spans, worktime.Span{From: row.Time(name.SegueFrom), To: row.Time(name.SegueTo)})
		if len(spans) > worktime.MaxAbsences {
			break // which is refused below, however many more there are
		}
	}
	if seller.Absences, err = worktime.NewAbsences(spans); err != nil {
		return worktime.Calendar{}, sales.InvalidInput(err)
	}
	return seller, nil
}

// readHours reads the working hours of a user: always, for one without a calendar.
func (c *Calendars) readHours(ctx context.Context, owner schema.Lookup) (worktime.Hours, error) {
	key := c.db.Schema().Table(name.Calendar).Key([]string{name.SegueSellerid})
	row, err := c.db.Begin("").FindKey(ctx, rows.KeyRef{Table: name.Calendar, Key: key, Values: map[string]schema.Value{name.SegueSellerid: schema.Ref(owner)}})
	if row == nil || err != nil {
		return worktime.Hours{}, err
	}
	hours, err := hoursOf(row)
	return hours, sales.BecauseOf(row.Ref(), row.Version, sales.InvalidInput(err))
}

// since is when absences ended that count.
func (c *Calendars) since() time.Time { return c.db.Now().Add(-past) }

// absencesOf asks for the absences of a user that count.
func (c *Calendars) absencesOf(owner schema.Lookup) query.Query {
	return query.Query{Table: c.db.Schema().Table(name.Absence), Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: name.Ownerid, Operator: filter.Eq, Values: []schema.Value{schema.Ref(owner)}},
		&filter.Condition{Column: name.SegueTo, Operator: filter.Gt, Values: []schema.Value{schema.Time(c.since())}},
	}}}
}

func (c *Calendars) readHolidays(ctx context.Context, zone *time.Location) (worktime.Holidays, error) {
	var dates []time.Time
	for row, err := range c.lists.Each(ctx, query.Query{Table: c.db.Schema().Table(name.Holiday)}) {
		if err != nil {
			return worktime.Holidays{}, err
		}
		dates = append(dates, row.Time(name.SegueDate))
		if len(dates) > worktime.MaxHolidays {
			break // likewise
		}
	}
	holidays, err := worktime.NewHolidays(zone, dates)
	return holidays, sales.InvalidInput(err)
}
