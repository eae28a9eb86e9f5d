package worktime

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxWindows is how many windows the working hours of a week may have: eight a day.
const MaxWindows = 7 * 8

// Window is a time that is worked each week, by the clock on the wall.
type Window struct {
	Day  time.Weekday  // on which it begins
	From time.Duration // since midnight, in whole minutes, less than 24 hours
	To   time.Duration // likewise, at most 24 hours; that of the next day if it is less than From
}

// length returns how long the clock on the wall goes in the window.
func (w Window) length() time.Duration {
	if w.To < w.From {
		return w.To + day - w.From
	}
	return w.To - w.From
}

// Hours are the working hours of a week in a time zone. The zero Hours are those of
// somebody who has set none: always.
type Hours struct {
	zone    *time.Location // nil: always
	windows []Window       // in the order of the week
	first   [8]int         // of each day in windows, and their number
}

// NewHours returns working hours in a zone. Without windows they are: never. Windows may
// touch and must not overlap.
func NewHours(zone *time.Location, windows []Window) (Hours, error) {
	if zone == nil {
		return Hours{}, errors.New("the time zone is missing")
	}
	if len(windows) > MaxWindows {
		return Hours{}, fmt.Errorf("there are %d windows; working hours have at most %d", len(windows), MaxWindows)
	}
	for i, w := range windows {
		if err := w.check(); err != nil {
			return Hours{}, fmt.Errorf("window %d: %w", i+1, err)
		}
	}
	h := Hours{zone: zone, windows: slices.Clone(windows)}
	slices.SortFunc(h.windows, func(a, b Window) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.From, b.From)) })
	for i, w := range h.windows {
		next := h.windows[(i+1)%len(h.windows)]
		between := time.Duration(next.Day-w.Day)*day + next.From - w.From
		if i == len(h.windows)-1 {
			between += 7 * day
		}
		if w.length() > between {
			return Hours{}, fmt.Errorf("the windows %s and %s overlap; each hour of a week is in one window at most", w, next)
		}
		h.first[w.Day+1] = i + 1
	}
	for d := 1; d < len(h.first); d++ {
		h.first[d] = max(h.first[d], h.first[d-1])
	}
	return h, nil
}

func (w Window) check() error {
	switch {
	case w.Day < time.Sunday || w.Day > time.Saturday:
		return fmt.Errorf("the day is %d; it is 0 (Sunday) to 6 (Saturday)", int(w.Day))
	case w.From < 0 || w.From >= day || w.From%time.Minute != 0:
		return fmt.Errorf("it begins at %s; that is a whole minute from 00:00 to 23:59", clock(w.From))
	case w.To < 0 || w.To > day || w.To%time.Minute != 0:
		return fmt.Errorf("it ends at %s; that is a whole minute from 00:00 to 24:00", clock(w.To))
	case w.From == w.To:
		return fmt.Errorf("it begins and ends at %s; a whole day is from 00:00 to 24:00", clock(w.From))
	}
	return nil
}

// String returns a window in the form of Mon 08:00-17:00.
func (w Window) String() string {
	return fmt.Sprintf("%.3s %s-%s", w.Day, clock(w.From), clock(w.To))
}

// clock returns a time of day in words: minutes if it has no others.
func clock(at time.Duration) string {
	if at < 0 || at%time.Minute != 0 {
		return at.String()
	}
	return fmt.Sprintf("%02d:%02d", int(at.Hours()), int(at.Minutes())%60)
}

func (h *Hours) always() bool { return h.zone == nil }

// Zone returns the time zone of the hours, nil for somebody who has set none.
func (h *Hours) Zone() *time.Location { return h.zone }

// location returns the zone of the hours, and UTC, whose clocks are never changed, for
// somebody who has none.
func (h *Hours) location() *time.Location {
	if h.zone == nil {
		return time.UTC
	}
	return h.zone
}

// on returns the i-th window of a day of the week, in its order.
func (h *Hours) on(weekday time.Weekday, i int) (Window, bool) {
	if h.always() {
		return Window{Day: weekday, To: day}, i == 0
	}
	if i += h.first[weekday]; i < h.first[weekday+1] {
		return h.windows[i], true
	}
	return Window{}, false
}
