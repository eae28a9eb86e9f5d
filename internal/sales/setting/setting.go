// Package setting is what an organization has set for itself, in the columns of its own
// row: its time zone, the first day of its week and its fiscal year, by which dates are
// reckoned and written wherever nobody is asked for their own (docs/domain.md §9.4), limits,
// and whether the time that sellers work counts when a step is due (§6.5). A setting of
// another sort is one more column of that row and one more field here.
//
// The zones are those of the IANA time zone database. The program carries a copy, for a
// Lambda function may find none on its machine (docs/decisions/0032).
//
// Invariant: a row that is not there, and a column that is empty, have the value that a
// new row gets, so that a store of any age has settings.
package setting

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"segue/internal/filter"
	"segue/internal/filter/calendar"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/generation"
	"segue/internal/sales/segment"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Settings knows what an organization has set. It is safe for concurrent use.
type Settings struct {
	db    *rows.DB
	own   rows.Ref
	cache *generation.Cache[Values]
}

// Values is what an organization has set.
type Values struct {
	Calendar calendar.Calendar // its Zone is never nil

	ActiveSegments    int // how many segments may be active, of all record types together
	SegmentConditions int // how many conditions a segment may have

	Time worktime.Settings // for all sequences; each says for itself whether waits skip time

	Activities Activities

	Reporting bool // what becomes of connections and steps is counted, see the room statistics
}

// Activities is what is set about the activities that steps have on the timeline
// (docs/domain.md §6.7).
type Activities struct {
	Create         bool     // a step that is opened for a seller gets one
	ExceptCalls    bool     // but not a phone call
	CallCompletes  bool     // completing a phone call completes its step
	OtherCompletes bool     // and so does completing another activity
	CallStatus     int64    // status reason of calls that are completed without a result; 0: that of the table
	SkipCancels    bool     // skipping a step cancels its activity
	Phones         []string // columns of records that have phone numbers, the preferred one first
}

// usual returns what is set where there is no row.
func usual() Values {
	return Values{Calendar: calendar.Calendar{Zone: time.UTC}, ActiveSegments: segment.MaxActive, SegmentConditions: segment.MaxConditions}
}

// Scope returns what conditions may ask at a moment: the time and how dates are reckoned.
func (v Values) Scope(now time.Time) *filter.Scope {
	return &filter.Scope{Now: now, Zone: v.Calendar.Zone, Week: v.Calendar.Week, Fiscal: v.Calendar.Fiscal}
}

// New returns the settings of an organization. They are read again when any definition has
// changed ([generation.Generation]), of which a change of them is one ([Columns]).
func New(db *rows.DB, organization name.OrganizationID, known *generation.Generation) *Settings {
	return &Settings{db: db, own: rows.RefTo(name.Organization, organization), cache: generation.NewCache[Values](known, 1)}
}

// Columns returns the columns that hold settings.
func Columns() []string {
	return []string{
		name.SegueTimezone, name.Weekstartdaycode, name.Fiscalcalendarstart, name.Fiscalperiodtype, name.Fiscalyeardisplaycode,
		name.SegueMaxactivesegments, name.SegueMaxsegmentconditions, name.SegueSelleravailability, name.SegueSkipnonworkingtime,
		name.SegueCreateactivities, name.SegueExceptcalls, name.SegueCallcompletesstep, name.SegueActivitycompletesstep,
		name.SegueCallstatus, name.SegueSkipcancelsactivity, name.SeguePhonecolumns,
		name.SegueSequencereporting,
	}
}

// Get returns what is set, as it was at most [sales.Freshness] ago.
func (s *Settings) Get(ctx context.Context) (Values, error) {
	return s.cache.Get(ctx, s.own.ID, func(ctx context.Context) (Values, error) {
		found, err := s.db.Get(ctx, s.own)
		if err != nil {
			return Values{}, fmt.Errorf("read the settings of the organization: %w", err)
		}
		if found[0] == nil {
			return usual(), nil
		}
		values, err := Of(found[0])
		if err != nil {
			return Values{}, sales.BecauseOf(s.own, found[0].Version, err)
		}
		return values, nil
	})
}

// Of returns what is set in the row of an organization. Its error tells the column and the
// rule.
func Of(row schema.Columns) (Values, error) {
	zone, err := zoneOf(row.Text(name.SegueTimezone))
	if err != nil {
		return Values{}, err
	}
	fiscal, err := fiscalOf(row)
	if err != nil {
		return Values{}, err
	}
	return Values{
		Calendar:          calendar.Calendar{Zone: zone, Week: time.Weekday(row.Int(name.Weekstartdaycode)), Fiscal: fiscal},
		ActiveSegments:    cmp.Or(int(row.Int(name.SegueMaxactivesegments)), segment.MaxActive),
		SegmentConditions: cmp.Or(int(row.Int(name.SegueMaxsegmentconditions)), segment.MaxConditions),
		Time:              worktime.Settings{Availability: row.Is(name.SegueSelleravailability), SkipNonWorking: row.Is(name.SegueSkipnonworkingtime)},
		Activities:        activitiesOf(row),
		Reporting:         row.Is(name.SegueSequencereporting),
	}, nil
}

// activitiesOf returns what is set about activities.
func activitiesOf(row schema.Columns) Activities {
	return Activities{
		Create: row.Is(name.SegueCreateactivities), ExceptCalls: row.Is(name.SegueExceptcalls),
		CallCompletes: row.Is(name.SegueCallcompletesstep), OtherCompletes: row.Is(name.SegueActivitycompletesstep),
		CallStatus: row.Int(name.SegueCallstatus), SkipCancels: row.Is(name.SegueSkipcancelsactivity),
		Phones: Phones(row),
	}
}

// Phones returns the columns that the row of an organization lists as having phone numbers.
func Phones(row schema.Columns) []string {
	return strings.FieldsFunc(row.Text(name.SeguePhonecolumns), func(r rune) bool { return r == ',' || r == ' ' })
}

// zoneOf finds a time zone by its name.
func zoneOf(text string) (*time.Location, error) {
	if text == "" {
		return time.UTC, nil
	}
	zone, err := calendar.LoadZone(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name.SegueTimezone, err)
	}
	return zone, nil
}

// byEnd is the value of fiscalyeardisplaycode with which a fiscal year has the number of the
// year in which it ends; 1 is that in which it starts.
const byEnd = 2

// lastStart is the last day of a month that every month has: a fiscal year that began
// later would begin on another day in some years.
const lastStart = 28

// fiscalOf returns how the fiscal year is cut: the year of its start does not count.
func fiscalOf(row schema.Columns) (calendar.Fiscal, error) {
	fiscal := calendar.Fiscal{Periods: periods(row.Int(name.Fiscalperiodtype)), ByEnd: row.Int(name.Fiscalyeardisplaycode) == byEnd}
	if fiscal.Periods == 0 {
		return calendar.Fiscal{}, fmt.Errorf("%s is %d; it is one of 2000 (a year), 2001 (half a year), 2002 (a quarter) and 2003 (a month)",
			name.Fiscalperiodtype, row.Int(name.Fiscalperiodtype))
	}
	start := row.Time(name.Fiscalcalendarstart)
	if start.IsZero() {
		return fiscal, nil
	}
	if start.Day() > lastStart {
		return calendar.Fiscal{}, fmt.Errorf("%s is %s; a fiscal year starts on one of the first %d days of a month",
			name.Fiscalcalendarstart, start.Format(time.DateOnly), lastStart)
	}
	fiscal.Month, fiscal.Day = start.Month(), start.Day()
	return fiscal, nil
}

// periods returns how many periods a fiscal year has, by the numbers of the reference, 0
// for a type that there is not. The reference has years of thirteen periods of four weeks
// too, which are not served.
func periods(periodType int64) int {
	switch periodType {
	case 2000:
		return 1
	case 2001:
		return 2
	case 2002, 0:
		return 4
	case 2003:
		return 12
	}
	return 0
}
