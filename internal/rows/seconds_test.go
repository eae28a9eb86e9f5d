package rows

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segue/internal/schema"
)

// Moments are read as package time reads them, or are refused as it refuses them.
func TestParseSeconds(t *testing.T) {
	for _, text := range []string{
		"", "2026", "2026-02-29", "2024-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-12-31", "0000-01-01", "2026/01/01", "2026-1-011",
		"2026-03-01T10:30:00Z", "2026-03-01T24:00:00Z", "2026-03-01T10:60:00Z", "2026-03-01T10:30:60Z", "2026-03-31T23:59:59Z", "2026-03-01t10:30:00Z", "2026-03-01 10:30:00Z",
		"2026-03-01T10:30:00z", "2026-03-01T10:30:00+01:00", "2026-03-01T10:30:00.5Z", "2026-03-01T10:30:0:Z", "2026-03-01T1T:30:00Z", "2026-03-01T10:30:000", "99999-03-01T10:30:0Z",
	} {
		checkSeconds(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		part := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
		text := fmt.Sprintf("%04d-%02d-%02d", part("year", 9999), part("month", 14), part("day", 33))
		checkSeconds(t, text)
		checkSeconds(t, text+fmt.Sprintf("T%02d:%02d:%02dZ", part("hour", 25), part("minute", 61), part("second", 61)))
	})
}

func checkSeconds(t rapid.TB, text string) {
	for _, kind := range []schema.Type{schema.Date, schema.DateTime} {
		c := &schema.Column{Type: kind}
		want, wantErr := time.Parse(layout(c), text)
		got, err := parseSeconds(c, text)
		if (err == nil) != (wantErr == nil) || err == nil && got != want.Unix() {
			t.Errorf("%s %q: got %d, %v, want %d, %v", kind, text, got, err, want.Unix(), wantErr)
		}
	}
}
