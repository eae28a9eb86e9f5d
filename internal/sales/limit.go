package sales

import "fmt"

// The names of limits, by which clients know them (docs/domain.md §2).
const (
	ActiveSegments    = "ActiveSegments"
	ActiveSequences   = "ActiveSequences"
	SegmentConditions = "SegmentConditions"
	SequenceVersion   = "SequenceVersion"
	SelectedRecords   = "SelectedRecords"
	NamedRows         = "NamedRows"
	Absences          = "Absences"
	Holidays          = "Holidays"
	WorkListTeams     = "WorkListTeams"
)

// Use is how much of a limit is used. It is an error too: the cause of a refusal for
// which the limit is the reason.
type Use struct {
	Name       string
	Used, Most int // Used counts what was asked for, where that is what exceeds the limit
}

// Error tells the three.
func (u Use) Error() string { return fmt.Sprintf("%s is %d, the limit is %d", u.Name, u.Used, u.Most) }

// Limit returns the three, as errors about limits of all packages do.
func (u Use) Limit() (name string, most, used int) { return u.Name, u.Most, u.Used }

// nearPercent is from how much of a limit on it is worth a warning.
const nearPercent = 80

// Near reports whether the limit is nearly reached, or is.
func (u Use) Near() bool { return u.Used*100 >= u.Most*nearPercent }

// Exceeded refuses because of a limit; the text says what was counted, the limit and what
// to do.
func (u Use) Exceeded(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...), Cause: u}
}
