package calendar_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

type values = salestest.Values

// set changes what the organization has set.
func set(t *testing.T, w *salestest.World, v values) {
	t.Helper()
	ref := rows.RefTo(name.Organization, w.Principals.Organization().ID)
	if _, _, err := w.Entities.Update(t.Context(), sales.Engine(), ref, schematest.Row(v), entity.If{Exists: true}); err != nil {
		t.Fatal(err)
	}
}

// monday is a moment of the week that the tests are in: Monday, January 5, 2026.
func monday(t *testing.T, clock string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, "2026-01-05T"+clock+":00Z")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// due returns when a step of an owner is due that waits for a day from Monday at six.
func due(t *testing.T, parts *boot.Parts, owner schema.Lookup, workingTime bool) string {
	t.Helper()
	schedule, err := parts.Calendars.Schedule(t.Context(), owner, workingTime)
	if err != nil {
		t.Fatal(err)
	}
	wait, err := worktime.NewWait(1, 0)
	if err != nil {
		t.Fatal(err)
	}
	result, err := schedule.Due(monday(t, "06:00"), wait)
	if err != nil {
		t.Fatal(err)
	}
	return result.Due.Format("Mon 15:04")
}

// absent makes an absence, hours from the midnight before Monday.
func absent(t *testing.T, w *salestest.World, owner schema.Lookup, from, to int) rows.Ref {
	t.Helper()
	at := func(hours int) time.Time { return monday(t, "00:00").Add(time.Duration(hours) * time.Hour) }
	return w.Create("segue_absence", "", values{"ownerid": owner, "segue_from": at(from), "segue_to": at(to)}).Ref()
}

// With each setting, what is stored is what counts, and a change of any of it is seen.
func TestSchedule(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	seller, team := w.User(7), w.Team(1)
	calendar := w.Create("segue_calendar", "", values{"ownerid": seller}).Ref()
	ask := func(what, want string, owner schema.Lookup, workingTime bool) {
		t.Helper()
		if got := due(t, w.Parts, owner, workingTime); got != want {
			t.Errorf("%s: due %s, want %s", what, got, want)
		}
	}
	ask("nothing set", "Tue 06:00", seller, true)
	set(t, w, values{"segue_selleravailability": true})
	ask("availability", "Tue 08:00", seller, true)
	ask("of a team", "Tue 06:00", team, true)
	ask("of one without a calendar", "Tue 06:00", w.User(8), true)
	set(t, w, values{"segue_skipnonworkingtime": true})
	ask("a day from six is one from eight", "Tue 08:00", seller, true)
	away := absent(t, w, seller, 24, 36)
	ask("Tuesday morning away", "Tue 12:00", seller, true)
	w.Update("segue_absence", away.ID, values{"segue_to": monday(t, "00:00").Add(48 * time.Hour)})
	ask("Tuesday away", "Wed 08:00", seller, true)
	holiday := w.Create("segue_holiday", "", values{"segue_date": monday(t, "00:00")}).Ref()
	ask("and Monday a holiday", "Thu 08:00", seller, true)
	ask("which is none of the wait of a sequence that counts all time", "Wed 08:00", seller, false)
	ask("a team's day begins with Tuesday", "Wed 00:00", team, true)
	w.Update("segue_calendar", calendar.ID, values{"segue_workinghours": `[{"days":["monday","friday"],"from":"09:00","to":"12:00"}]`})
	ask("other hours: Friday, then Monday", "Mon 09:00", seller, true)
	remove := func(ref rows.Ref) {
		t.Helper()
		if err := w.Entities.Delete(t.Context(), salestest.Manager(), ref, entity.If{Exists: true}); err != nil {
			t.Fatal(err)
		}
	}
	remove(holiday)
	remove(away)
	ask("neither away nor a holiday", "Fri 09:00", seller, true)
	remove(calendar)
	ask("no calendar any more", "Tue 06:00", seller, true)
	set(t, w, values{"segue_timezone": "America/New_York"})
	w.Create("segue_holiday", "", values{"segue_date": monday(t, "00:00").AddDate(0, 0, 1)})
	ask("a holiday in the organization's zone", "Wed 05:00", seller, false)
}

// While no setting asks for working time nothing is read; what was read is read again only
// when it has changed, and within Freshness where another process has changed it.
func TestScheduleReads(t *testing.T) {
	now := clock.NewManual(salestest.Now())
	fresh := sales.Freshness{For: time.Second, Clock: now}
	w := salestest.New(t, boot.Options{Freshness: fresh})
	seller := w.User(7)
	w.Create("segue_calendar", "", values{"ownerid": seller})
	ask := func(what string, owner schema.Lookup, gets, queries int, want string) {
		t.Helper()
		w.Probe.Reset()
		if got := due(t, w.Parts, owner, true); got != want {
			t.Errorf("%s: due %s, want %s", what, got, want)
		}
		if n := w.Probe.Counts(); n.Gets != gets || n.Queries != queries {
			t.Errorf("%s: %d gets and %d queries, want %d and %d", what, n.Gets, n.Queries, gets, queries)
		}
	}
	due(t, w.Parts, seller, true) // reads the settings
	ask("off", seller, 0, 0, "Tue 06:00")
	set(t, w, values{"segue_selleravailability": true})
	due(t, w.Parts, schema.Lookup{Table: "team", ID: salestest.ID("team", 1)}, true) // settings, holidays
	ask("the first of a seller", seller, 2, 1, "Tue 08:00")
	ask("warm", seller, 0, 0, "Tue 08:00")
	ask("the second seller", w.User(8), 1, 1, "Tue 06:00")
	now.Advance(time.Second)
	ask("stale: the two generations", seller, 2, 0, "Tue 08:00")

	other := *w
	other.Parts = w.Plain(boot.Options{Freshness: fresh})
	absent(t, &other, seller, 24, 36)
	ask("another process, at once", seller, 0, 0, "Tue 08:00")
	now.Advance(time.Second)
	if got := due(t, w.Parts, seller, true); got != "Tue 12:00" {
		t.Errorf("due %s after Freshness", got)
	}
	ask("warm again", seller, 0, 0, "Tue 12:00")
}

// More than are computed with are refused when they are written.
func TestTooMany(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	seller := w.User(7)
	refused := func(limit, table string, v values) {
		t.Helper()
		_, err := w.Entities.Create(t.Context(), salestest.Manager(), table, "", schematest.Row(v))
		var use sales.Use
		if !errors.Is(err, sales.Limit) || !errors.As(err, &use) || use != (sales.Use{Name: limit, Used: 1001, Most: 1000}) {
			t.Errorf("one more %s: %v", table, err)
		}
	}
	fill := func(table string, n int, v func(i int) values) {
		t.Helper()
		for first := 0; first < n; first += 50 {
			if err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
				for i := first; i < first+50; i++ {
					tx.Create(w.DB.Schema().Table(table), salestest.ID("away", i), schematest.Row(v(i)))
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	at := func(hours int) time.Time { return salestest.Now().Add(time.Duration(hours) * time.Hour) }
	absence := func(hours int) values {
		return values{"ownerid": seller, "segue_from": at(hours), "segue_to": at(hours + 1)}
	}
	fill("segue_absence", 1000, absence)
	refused("Absences", "segue_absence", absence(2000))
	w.Create("segue_absence", "", absence(-32*24)) // was over a month ago
	w.Update("segue_absence", salestest.ID("away", 3), values{"segue_to": at(5)})
	fill("segue_holiday", 1000, func(i int) values {
		return values{"segue_name": fmt.Sprint(i), "segue_date": at(24 * i).Truncate(24 * time.Hour)}
	})
	refused("Holidays", "segue_holiday", values{"segue_date": at(-48).Truncate(24 * time.Hour)})
}
