package worktime

import (
	"fmt"
	"strings"
	"time"

	"segue/internal/strictjson"
)

// ParseWindows reads windows in the format in which they are stored (docs/domain.md §4.15):
// a JSON array of entries, each of days and a time of those days.
func ParseWindows(text string) ([]Window, error) {
	var entries []struct {
		Days []string `json:"days"`
		From string   `json:"from"`
		To   string   `json:"to"`
	}
	if err := strictjson.Decode([]byte(text), &entries); err != nil {
		return nil, err
	}
	var windows []Window
	for i, entry := range entries {
		from, okFrom := parseClock(entry.From)
		to, okTo := parseClock(entry.To)
		switch {
		case !okFrom:
			return nil, fmt.Errorf("entry %d: from is %q; it is a time of day such as 08:00", i+1, entry.From)
		case !okTo:
			return nil, fmt.Errorf("entry %d: to is %q; it is a time of day such as 17:00, at most 24:00", i+1, entry.To)
		case len(entry.Days) == 0:
			return nil, fmt.Errorf("entry %d: days is empty; it has at least one day of the week", i+1)
		}
		for _, text := range entry.Days {
			weekday, ok := parseDay(text)
			if !ok {
				return nil, fmt.Errorf("entry %d: days has %q; a day is sunday, monday, tuesday, wednesday, thursday, friday or saturday", i+1, text)
			}
			windows = append(windows, Window{Day: weekday, From: from, To: to})
		}
	}
	return windows, nil
}

// parseClock reads a time of day of the form hh:mm, at most 24:00.
func parseClock(text string) (time.Duration, bool) {
	if text == "24:00" {
		return day, true
	}
	at, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, false
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, true
}

func parseDay(text string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(text, d.String()) {
			return d, true
		}
	}
	return 0, false
}
