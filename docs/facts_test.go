package docs_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"segue/internal/api/operation"
	"segue/internal/auth"
	"segue/internal/filter"
	"segue/internal/odata"
	"segue/internal/odata/batch"
	"segue/internal/rows"
	"segue/internal/sales/deletion"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/check"
	"segue/internal/schema"
	"segue/internal/store"
)

// TestLimits compares the limits in the documents with those of the code.
func TestLimits(t *testing.T) {
	for _, limit := range []struct {
		document, section, row string
		want                   string // must be in the row's second cell
	}{
		{"domain.md", "2", "active segments of an organization", number1000(segment.MaxActive)},
		{"domain.md", "2", "conditions of a segment, those in groups and of related rows included", number1000(segment.MaxConditions)},
		{"domain.md", "2", "groups inside each other", number1000(filter.MaxDepth)},
		{"domain.md", "2", "values of `in` and `not-in`", number1000(filter.MaxValues)},
		{"domain.md", "2", "steps of a sequence, waits not counted", number1000(sequence.MaxSteps)},
		{"domain.md", "2", "steps of a sequence, waits counted", number1000(sequence.MaxPath)},
		{"domain.md", "2", "branches within branches of a sequence", number1000(sequence.MaxDepth) + " deep"},
		{"domain.md", "2", "other sequences that a sequence leads over by \"advance\"", number1000(check.MaxChain)},
		{"domain.md", "2", "one wait", number1000(int(sequence.MaxWait/(24*time.Hour))) + " days"},
		{"domain.md", "2", "`WaitTime` of a connection", number1000(int(sequence.MaxWait/time.Minute)) + " minutes"},
		{"domain.md", "2", "version of a sequence", number1000(sequence.MaxVersion)},
		{"domain.md", "2", "one stored row", number1000(store.MaxItemBytes>>10) + " KB"},
		{"webapi.md", "15", "rows of a page", number1000(odata.MaxPageSize)},
		{"webapi.md", "15", "path, query string", number1000(odata.MaxURL) + " bytes"},
		{"webapi.md", "15", "URL in a batch", number1000(odata.MaxBatchURL) + " bytes"},
		{"webapi.md", "15", "request body", number1000(odata.MaxBody>>20) + " MB"},
		{"webapi.md", "15", "body of a batch", number1000(batch.MaxBody>>20) + " MB"},
		{"webapi.md", "15", "requests of a batch", number1000(batch.MaxRequests)},
		{"webapi.md", "15", "rows written by a change set", number1000(rows.MaxCommit)},
		{"webapi.md", "15", "rows made and bound by one body", number1000(rows.MaxCommit)},
		{"webapi.md", "15", "rows that BulkDelete names by their ids", number1000(deletion.MaxIDs)},
		{"webapi.md", "15", "targets of CreateMultiple, UpdateMultiple, UpsertMultiple", number1000(operation.MaxCreates)},
		{"webapi.md", "15", "token", number1000(auth.MaxTokenBytes>>10) + " KB"},
	} {
		cells := rowsOf(t, limit.document, limit.section)
		i := slices.IndexFunc(cells, func(row []string) bool { return row[0] == limit.row })
		switch {
		case i < 0:
			t.Errorf("docs/%s §%s has no row %q", limit.document, limit.section, limit.row)
		case !hasNumber(cells[i][1], limit.want):
			t.Errorf("docs/%s §%s: %q is %q, want %s", limit.document, limit.section, limit.row, cells[i][1], limit.want)
		}
	}
}

// number1000 writes a number as the documents do: 10,000.
func number1000(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// hasNumber reports whether text has want, which begins with a number, and not
// as a part of a longer number.
func hasNumber(text, want string) bool {
	return regexp.MustCompile(`(^|[^\d,])` + regexp.QuoteMeta(want) + `($|[^\d,])`).MatchString(text)
}

// TestStates compares the states and statuses in docs/domain.md with the
// schema.
func TestStates(t *testing.T) {
	tables, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	remark := regexp.MustCompile(` \([^)]*\)`)
	for _, test := range []struct{ section, table string }{
		{"4.1", "msdyn_sequence"},
		{"4.2", "msdyn_sequencetarget"},
		{"4.3", "msdyn_sequencetargetstep"},
		{"4.4", "msdyn_segment"},
		{"4.9", "lead"},
		{"4.10", "opportunity"},
	} {
		t.Run(test.table, func(t *testing.T) {
			text := remark.ReplaceAllString(sectionOf(t, "domain.md", test.section), "")
			for _, state := range tables.Table(test.table).States {
				var statuses []string
				for _, status := range state.Statuses {
					statuses = append(statuses, fmt.Sprint(status.Value, " ", strings.TrimSuffix(status.Label, "…")))
				}
				row := fmt.Sprintf("| %d %s | %s |", state.Value, state.Label, strings.Join(statuses, ", "))
				if !strings.Contains(text, row) {
					t.Errorf("§%s has no row %s", test.section, row)
				}
			}
		})
	}
}

// TestCodes compares the statuses of the error codes in docs/webapi.md §5 with
// the wire.
func TestCodes(t *testing.T) {
	codes := 0
	for _, row := range rowsOf(t, "webapi.md", "5") {
		status, err := strconv.Atoi(row[2])
		if err != nil {
			continue // several: the error says which
		}
		for code := range strings.SplitSeq(row[0], ", ") {
			codes++
			if got := odata.Code(code).Status(); got != status {
				t.Errorf("%s is %d, the document has %d", code, got, status)
			}
		}
	}
	if codes < 15 {
		t.Errorf("found %d codes", codes)
	}
}

// sectionOf is the text of a section, up to the next heading.
func sectionOf(t *testing.T, document, section string) string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var found strings.Builder
	in := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "### ") {
			m := heading.FindStringSubmatch(line)
			in = m != nil && m[1] == section
		}
		if in {
			found.WriteString(line)
		}
	}
	if found.Len() == 0 {
		t.Fatalf("docs/%s has no §%s", document, section)
	}
	return found.String()
}

// rowsOf is the cells of the tables of a section, without their heads.
func rowsOf(t *testing.T, document, section string) [][]string {
	t.Helper()
	var all [][]string
	head := true
	for line := range strings.Lines(sectionOf(t, document, section)) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			head = true
		case strings.HasPrefix(line, "|---"):
			head = false
		case !head:
			var cells []string
			for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
				cells = append(cells, strings.TrimSpace(cell))
			}
			all = append(all, cells)
		}
	}
	return all
}
