package ingest

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"segue/internal/entity"
	"segue/internal/excerpt"
	"segue/internal/schema"
)

// maxReasons is how many different reasons a [Report] tells apart; the rows of all
// others are counted together.
const maxReasons = 100

// Report is the outcome of an import. Read is Written and Rejected together.
type Report struct {
	Read, Written, Rejected int
	Reasons                 []Reason // that of the most rows first
	LeftOut                 []string // headers that name no column, of an import of the mapped ones only
	Warnings                []string
}

// Reason is why rows were rejected. A row that is wrong in several ways counts for each.
type Reason struct {
	Text   string
	Column string // logical name of the column that is wrong, or ""
	Value  string // that the column has no option for, or ""
	Cell   string // of the first of them, an excerpt, where it is not in Text
	Rows   int
	Line   int // of the first of them in the file
}

// problem is one thing that is wrong with a record.
type problem struct {
	field int // of the file, -1 for none
	err   error
}

// record is a record whose outcome is known.
type record struct {
	line     int // of the file, from 1: where the first wrong field, or else the record, begins
	fields   []string
	problems []problem // none: it was written
}

// ledger accounts for records in the order of the file, whatever the order in which
// their outcomes come. Those that wait for an earlier one are at most the rows in
// flight.
type ledger struct {
	layout *layout
	ids    *regexp.Regexp // what tells apart reasons that are the same
	failed func(error)    // called when the reject file cannot be written

	mu      sync.Mutex
	report  Report
	reasons map[string]*Reason
	rejects *csv.Writer // nil: they are not kept
	next    int         // number of the record that is accounted for next
	waiting map[int]record
}

func newLedger(l *layout, rejects io.Writer, failed func(error)) *ledger {
	e := &ledger{
		layout: l, failed: failed, ids: regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`),
		report: Report{LeftOut: l.leftOut}, reasons: map[string]*Reason{}, waiting: map[int]record{},
	}
	if rejects != nil {
		e.rejects = csv.NewWriter(rejects)
	}
	return e
}

// account notes the outcome of the record with that number, from 0.
func (e *ledger) account(number int, r record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting[number] = r
	for {
		r, ok := e.waiting[e.next]
		if !ok {
			return
		}
		delete(e.waiting, e.next)
		e.next++
		e.count(r)
	}
}

func (e *ledger) count(r record) {
	e.report.Read++
	if len(r.problems) == 0 {
		e.report.Written++
		return
	}
	e.report.Rejected++
	var columns, texts []string
	for _, p := range r.problems {
		reason := e.reason(r, p)
		e.group(reason)
		texts = append(texts, ownText(reason, p))
		if column := e.layout.blame(p); column != "" && !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	e.reject(r, strings.Join(columns, ", "), strings.Join(texts, "; "))
}

// reject writes a line of the reject file.
func (e *ledger) reject(r record, columns, texts string) {
	if e.rejects == nil {
		return
	}
	if e.report.Rejected == 1 {
		_ = e.rejects.Write(append([]string{"line", "column", "reason"}, e.layout.header...)) // Error below reports it
	}
	_ = e.rejects.Write(append([]string{strconv.Itoa(r.line), columns, texts}, r.fields...))
	e.rejects.Flush()
	if err := e.rejects.Error(); err != nil {
		e.failed(fmt.Errorf("write the reject file: %w", err))
	}
}

// maxCell is how many characters of a cell a [Reason] repeats.
const maxCell = 40

// reason returns a problem of a record in the words that all records with the same
// problem share.
func (e *ledger) reason(r record, p problem) Reason {
	reason := Reason{Text: e.ids.ReplaceAllString(p.err.Error(), "…"), Column: columnOf(p.err), Line: r.line}
	wrong, ofSchema := errors.AsType[*schema.Error](p.err)
	target, ofLookup := errors.AsType[*entity.TargetError](p.err)
	broken, ofFile := errors.AsType[*csv.ParseError](p.err)
	switch {
	case ofFile:
		reason.Text = brokenText(broken) // without the line
		return reason
	case ofLookup:
		reason.Text = fmt.Sprintf("%s: %s has no row with that id", target.Column, target.Target.Table)
	case !ofSchema:
		return reason
	case wrong.Rule == schema.RuleOption:
		reason.Value = wrong.Value
		reason.Text = fmt.Sprintf("%s has no option %q", wrong.Column, wrong.Value)
	case p.field >= 0 && !utf8.ValidString(r.fields[p.field]):
		reason.Text = wrong.Column + ": is not UTF-8; save the file as UTF-8 (in Excel: CSV UTF-8)"
	default:
		rule, _, _ := strings.Cut(wrong.Detail, ", has ") // how long this one is
		reason.Text = fmt.Sprintf("%s: %s", wrong.Column, rule)
	}
	if p.field >= 0 && reason.Value == "" {
		reason.Cell = excerpt.Runes(strings.ToValidUTF8(strings.TrimSpace(r.fields[p.field]), "\uFFFD"), maxCell)
	}
	if header := e.layout.blame(p); fold(header) != reason.Column {
		reason.Text += fmt.Sprintf(" (field %q)", header)
	}
	return reason
}

// brokenText says how the form of a file is broken.
func brokenText(broken *csv.ParseError) string {
	if errors.Is(broken.Err, csv.ErrQuote) {
		return `a quote (") is not closed, or stands inside a field, where it is written twice ("")`
	}
	if errors.Is(broken.Err, csv.ErrBareQuote) {
		return `a quote (") stands in a field that does not begin with one; put the field in quotes and write it twice there ("")`
	}
	return broken.Err.Error()
}

// ownText returns a problem as the reject file has it, beside the fields.
func ownText(reason Reason, p problem) string {
	if broken, ok := errors.AsType[*csv.ParseError](p.err); ok {
		return fmt.Sprintf("line %d, column %d: %s", broken.Line, broken.Column, reason.Text)
	}
	if reason.Cell != "" {
		return fmt.Sprintf("%s: %q", reason.Text, reason.Cell)
	}
	return reason.Text
}

// group counts a reason among those that are the same.
func (e *ledger) group(reason Reason) {
	if len(e.reasons) >= maxReasons && e.reasons[reason.Text] == nil {
		reason = Reason{Text: "other reasons", Line: reason.Line}
	}
	if e.reasons[reason.Text] == nil {
		e.reasons[reason.Text] = &reason
	}
	e.reasons[reason.Text].Rows++
}

// close returns the report, once all outcomes are known.
func (e *ledger) close() Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, reason := range e.reasons {
		e.report.Reasons = append(e.report.Reasons, *reason)
	}
	slices.SortFunc(e.report.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return e.report
}
