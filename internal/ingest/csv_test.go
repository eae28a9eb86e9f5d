package ingest

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// rowID is a readable GUID.
func rowID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// counting makes rowID(1001), rowID(1002), …
func counting() func() string {
	n := 1000
	return func() string { n++; return rowID(n) }
}

func TestCSV(t *testing.T) {
	const bom = "\uFEFF"
	seller := schema.Lookup{Table: "systemuser", ID: rowID(7)}
	for name, test := range map[string]struct {
		file    string
		options Options
		want    map[string]values
	}{
		"logical names": {
			file: "leadid,lastname,subject,revenue\n" + rowID(1) + ",Berg,Pumps,1234567.8901\n",
			want: map[string]values{rowID(1): {"lastname": schema.Text("Berg"), "subject": schema.Text("Pumps"), "revenue": schema.Dec(decimal.RequireFromString("1234567.8901"))}},
		},
		"labels in any case, with blanks": {
			file: "LEAD, last name ,Topic,Lead Source\n{" + strings.ToUpper(rowID(1)) + "},Berg,Pumps,trade show\n",
			want: map[string]values{rowID(1): {"lastname": schema.Text("Berg"), "subject": schema.Text("Pumps"), "leadsourcecode": schema.Int(7)}},
		},
		"byte order mark before a quote, CRLF": {
			file: bom + "\"leadid\",lastname\r\n" + rowID(1) + ",Berg\r\n",
			want: map[string]values{rowID(1): {"lastname": schema.Text("Berg")}},
		},
		"semicolons, commas inside quotes": {
			file: "\"leadid\";\"lastname\";companyname\n" + rowID(1) + ";\"Berg, von\";\"A;B, C\"\n",
			want: map[string]values{rowID(1): {"lastname": schema.Text("Berg, von"), "companyname": schema.Text("A;B, C")}},
		},
		"tabs": {
			file: "leadid\tlastname\tcompanyname\n" + rowID(1) + "\tBerg, von\tA;B\n",
			want: map[string]values{rowID(1): {"lastname": schema.Text("Berg, von"), "companyname": schema.Text("A;B")}},
		},
		"a comma at the end of each line": {
			file: "leadid,lastname,\n" + rowID(1) + ",Berg,\n",
			want: map[string]values{rowID(1): {"lastname": schema.Text("Berg")}},
		},
		"quoted line breaks and quotes": {
			file: "leadid,description\n" + rowID(1) + ",\"one\r\ntwo \"\"three\"\"\"\n",
			want: map[string]values{rowID(1): {"description": schema.Text("one\ntwo \"three\"")}},
		},
		"empty cells say nothing": {
			file: "leadid,lastname,revenue,firstname\n" + rowID(1) + ",Berg,, \n",
			want: map[string]values{rowID(1): {"lastname": schema.Text("Berg")}},
		},
		"mapping": {
			file:    "leadid,Surname,Notes,Old\n" + rowID(1) + ",Berg,hello,x\n",
			options: Options{Map: map[string]string{"surname": "Last Name", "Notes": "description", "old": "-"}},
			want:    map[string]values{rowID(1): {"lastname": schema.Text("Berg"), "description": schema.Text("hello")}},
		},
		"mapping goes before the header's own meaning": {
			file:    "leadid,Topic,lastname\n" + rowID(1) + ",Pumps,Berg\n",
			options: Options{Map: map[string]string{"Topic": "description", "lastname": ""}},
			want:    map[string]values{rowID(1): {"description": schema.Text("Pumps")}},
		},
		"lookups": {
			file: "leadid,ownerid,parentaccountid\n" + rowID(1) + ",systemuser:" + rowID(7) + "," + rowID(8) + "\n",
			want: map[string]values{rowID(1): {"ownerid": schema.Ref(seller), "parentaccountid": schema.Ref(schema.Lookup{Table: "account", ID: rowID(8)})}},
		},
		"a state by its label": {
			file: "leadid,statecode,Status Reason,donotemail\n" + rowID(1) + ",disqualified,Lost,Do Not Allow\n",
			want: map[string]values{rowID(1): {"statecode": schema.Int(2), "statuscode": schema.Int(4), "donotemail": schema.Bool(true)}},
		},
		"without an id": {
			file: "lastname\nBerg\nFalk\n",
			want: map[string]values{rowID(1001): {"lastname": schema.Text("Berg")}, rowID(1002): {"lastname": schema.Text("Falk")}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &written{}
			test.options.NewID = counting()
			report, err := CSV(t.Context(), w, tables(t).Table("lead"), strings.NewReader(test.file), test.options)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]values{}
			for id, list := range w.rows {
				got[id] = list[len(list)-1]
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			if report.Written != len(test.want) || report.Rejected != 0 {
				t.Errorf("report %+v, want %d written", report, len(test.want))
			}
		})
	}
}

func TestCSVRejects(t *testing.T) {
	file := strings.Join([]string{
		"leadid,lastname,Lead Source,estimatedclosedate,parentaccountid,description",
		rowID(1) + ",Berg,Web,2026-02-30,,",
		rowID(2) + ",Berg,Telepathy,,,",
		rowID(3) + "," + strings.Repeat("x", 51) + ",,,,",
		rowID(4) + ",Berg,,,contact:" + rowID(9) + ",",
		rowID(5) + ",Berg,,,nobody,",
		rowID(6) + ",Berg,,,,\"two",
		"lines\"",
		rowID(7) + ",Berg,\"\"x,,,", // a quote in the middle
		rowID(8) + ",Berg",
		",Berg,,,,",
		rowID(9) + ",\"Falk\n\",No,,,", // the wrong field begins one line on
		rowID(10) + ",Refused,,,,",
		"Berg",
		rowID(11) + ",Berg,,,,\"never closed",
	}, "\n")
	w := &written{fail: func(_ string, v values) error {
		if v["lastname"] == schema.Text("Refused") {
			return fmt.Errorf("wrapped: %w", &schema.Error{Table: "lead", Column: "leadsourcecode", Rule: schema.RuleRequired, Detail: "must have a value"})
		}
		return nil
	}}
	var rejects strings.Builder
	report, err := CSV(t.Context(), w, tables(t).Table("lead"), strings.NewReader(file), Options{Reject: &rejects, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.rows) != 1 || w.rows[rowID(6)][0]["description"] != schema.Text("two\nlines") {
		t.Errorf("written %v, want %s alone", w.rows, rowID(6))
	}
	if report.Read != 13 || report.Written != 1 || report.Rejected != 12 || len(report.Reasons) != 11 {
		t.Errorf("report %+v", report)
	}
	want := map[string][]string{ // by line: column and a part of the reason
		"2":  {"estimatedclosedate", "2026-02-30"},
		"3":  {"Lead Source", "Telepathy"},
		"4":  {"lastname", "at most 50 characters"},
		"5":  {"parentaccountid", "must point at account"},
		"6":  {"parentaccountid", "GUID"},
		"9":  {"", `column 44: a quote (") is not closed`},
		"10": {"", "has 2 fields, the header has 6"},
		"11": {"leadid", "must have a value"},
		"13": {"Lead Source", `"No"`},
		"14": {"Lead Source", "leadsourcecode: must have a value"},
		"15": {"", "has 1 field, the header has 6"},
		"16": {"", `a quote (") is not closed`},
	}
	list := records(t, rejects.String())
	head := []string{"line", "column", "reason", "leadid", "lastname", "Lead Source", "estimatedclosedate", "parentaccountid", "description"}
	if d := cmp.Diff(head, list[0]); d != "" {
		t.Errorf("reject file's header (-want +got):\n%s", d)
	}
	for _, line := range list[1:] {
		expected, ok := want[line[0]]
		if !ok || line[1] != expected[0] || !strings.Contains(line[2], expected[1]) {
			t.Errorf("rejected %q, want %q", line, expected)
		}
		delete(want, line[0])
	}
	if len(want) > 0 {
		t.Errorf("not rejected: %v", want)
	}
	if d := cmp.Diff([]string{rowID(2), "Berg", "Telepathy", "", "", ""}, list[2][3:]); d != "" {
		t.Errorf("original fields (-want +got):\n%s", d)
	}
}

// records reads a reject file.
func records(t *testing.T, text string) [][]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1 // a broken record has the fields before the mistake
	list, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestCSVTwice(t *testing.T) {
	for name, test := range map[string]struct {
		first, second string
		key           []string
		rows          int
		warned        bool
	}{
		"id column":                    {"leadid,lastname,subject\n" + rowID(1) + ",Berg,One\n", "leadid,lastname,subject\n" + rowID(1) + ",Berg,Two\n", nil, 1, false},
		"key in another case":          {"Email Address 1,lastname,subject\na@example.com,Berg,One\n", "subject,emailaddress1,lastname\nTwo,A@Example.com ,Berg\n", []string{"emailaddress1"}, 1, false},
		"key of two in another order":  {"lastname,companyname,subject\nBerg,Oak,One\n", "companyname,lastname,subject\noak,BERG,Two\n", []string{"companyname", "Last Name"}, 1, false},
		"key that differs in one part": {"lastname,companyname,subject\nBerg,Oak,One\n", "lastname,companyname,subject\nBerg,Elm,Two\n", []string{"companyname", "lastname"}, 2, false},
		"neither":                      {"lastname,subject\nBerg,One\n", "lastname,subject\nBerg,Two\n", nil, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			importFile(t, w, test.first, test.key, test.warned)
			importFile(t, w, test.second, test.key, test.warned)
			if !test.warned {
				importFile(t, w, test.second, test.key, false)
			}
			list := w.all("lead")
			if len(list) != test.rows {
				t.Fatalf("%d leads, want %d", len(list), test.rows)
			}
			if got := list[0].Text("subject"); test.rows == 1 && got != "Two" {
				t.Errorf("subject %q, want Two", got)
			}
		})
	}
}

func importFile(t *testing.T, w world, file string, key []string, warned bool) {
	t.Helper()
	report, err := CSV(t.Context(), w.direct(), w.DB.Schema().Table("lead"), strings.NewReader(file), Options{Key: key})
	if err != nil || report.Written != 1 || len(report.Warnings) > 0 != warned {
		t.Fatalf("report %+v, error %v", report, err)
	}
}

func TestCSVEmptyKey(t *testing.T) {
	w := &written{}
	file := "lastname,companyname,emailaddress1\nBerg,,\nBerg,Oak,\n"
	report, err := CSV(t.Context(), w, tables(t).Table("lead"), strings.NewReader(file), Options{Key: []string{"companyname", "emailaddress1"}})
	want := Report{Read: 2, Written: 1, Rejected: 1, Reasons: []Reason{{Text: "must have a value: the key identifies the row", Rows: 1, Line: 2}}}
	if d := cmp.Diff(want, report); d != "" || err != nil {
		t.Errorf("error %v, report (-want +got):\n%s", err, d)
	}
}

// A file with the moments at which its rows were made can be imported again.
func TestCSVAgainWithRecordCreatedOn(t *testing.T) {
	w := newWorld(t)
	file := "Lead,Last Name,Record Created On,Import Sequence Number\n" + rowID(1) + ",Berg,2019-05-01T08:00:00Z,7\n"
	var versions []int64
	for range 2 {
		report, err := CSV(t.Context(), w.direct(), w.DB.Schema().Table("lead"), strings.NewReader(file), Options{})
		if d := cmp.Diff(Report{Read: 1, Written: 1}, report); d != "" || err != nil {
			t.Fatalf("error %v, report (-want +got):\n%s", err, d)
		}
		row := w.all("lead")[0]
		if got, want := row.Time("createdon"), time.Date(2019, 5, 1, 8, 0, 0, 0, time.UTC); !got.Equal(want) {
			t.Errorf("createdon is %v, want %v", got, want)
		}
		versions = append(versions, row.Version)
	}
	if versions[0] != versions[1] {
		t.Errorf("the second import wrote the row: version %d, then %d", versions[0], versions[1])
	}
}

// The domain says no: the rule's column is named by the file's header.
func TestCSVRejectedByTheService(t *testing.T) {
	w := newWorld(t)
	file := "leadid,Last Name,Status,Status Reason\n" + rowID(1) + ",Berg,Open,Lost\n"
	report, err := CSV(t.Context(), w.direct(), w.DB.Schema().Table("lead"), strings.NewReader(file), Options{})
	want := []Reason{{Text: `statuscode: does not belong to statecode 0 Open (field "Status Reason")`, Column: "statuscode", Cell: "Lost", Rows: 1, Line: 2}}
	if d := cmp.Diff(want, report.Reasons); d != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, d)
	}
}

func TestCSVKeepsTheOrderOfAnID(t *testing.T) {
	const lines, ids = 600, 7
	var file strings.Builder
	file.WriteString("leadid,subject\n")
	for i := range lines {
		fmt.Fprintf(&file, "%s,%d\n", rowID(i%ids), i)
	}
	w := &written{}
	report, err := CSV(t.Context(), w, tables(t).Table("lead"), strings.NewReader(file.String()), Options{})
	if err != nil || report.Written != lines {
		t.Fatalf("report %+v, error %v", report, err)
	}
	for i := range ids {
		var want, got []string
		for n := i; n < lines; n += ids {
			want = append(want, fmt.Sprint(n))
		}
		for _, v := range w.rows[rowID(i)] {
			got = append(got, fmt.Sprint(v["subject"]))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("id %d (-want +got):\n%s", i, d)
		}
	}
}

func TestCSVProgress(t *testing.T) {
	file := "\uFEFFlastname\r\nBerg\r\n\"broken\"x\r\nFalk\r\n"
	var steps []int64
	_, err := CSV(t.Context(), &written{}, tables(t).Table("lead"), strings.NewReader(file), Options{Progress: func(n int64) { steps = append(steps, n) }})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int64{19, 30, int64(len(file))}, steps); d != "" {
		t.Errorf("bytes read (-want +got):\n%s", d)
	}
}

func TestCSVStops(t *testing.T) {
	const lines = 500
	file := "lastname\n" + strings.Repeat("Berg\n", lines)
	stop := errors.New("the writer's own")
	for name, test := range map[string]struct {
		fail func(cancel func()) error
		want error
	}{
		"unavailable": {func(func()) error { return fmt.Errorf("%w: %w", ErrUnavailable, stop) }, ErrUnavailable},
		"cancelled":   {func(cancel func()) error { cancel(); return context.Canceled }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := &written{fail: func(id string, _ values) error {
				if id == rowID(1003) {
					return test.fail(cancel)
				}
				return nil
			}}
			var rejects strings.Builder
			report, err := CSV(ctx, w, tables(t).Table("lead"), strings.NewReader(file), Options{Reject: &rejects, NewID: counting()})
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), fmt.Sprintf("stopped after line %d:", report.Read+1)) {
				t.Errorf("error %v after %d lines, want %v", err, report.Read, test.want)
			}
			if report.Written != len(w.rows) || report.Rejected == 0 || report.Read != report.Written+report.Rejected {
				t.Errorf("report %+v, %d rows", report, len(w.rows))
			}
			if kept := len(records(t, rejects.String())) - 1; kept != report.Rejected {
				t.Errorf("%d lines in the reject file, want %d", kept, report.Rejected)
			}
		})
	}
}

// The end of ctx between two rows, when all of the file has been read, is told
// too: there are rows that were not written because of it.
func TestCSVCancelledAfterTheLastLine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := &written{fail: func(string, values) error { cancel(); return nil }}
	report, err := CSV(ctx, w, tables(t).Table("lead"), strings.NewReader("leadid,lastname\n"+rowID(1)+",Berg\n"+rowID(1)+",Falk\n"), Options{Workers: 1})
	if !errors.Is(err, context.Canceled) || report.Read != report.Written+report.Rejected {
		t.Errorf("report %+v, error %v", report, err)
	}
}

func TestCSVTooLong(t *testing.T) {
	file := "lastname\nBerg\n\"" + strings.Repeat("x\n", maxRecord)
	report, err := CSV(t.Context(), &written{}, tables(t).Table("lead"), strings.NewReader(file), Options{})
	if !errors.Is(err, errTooLong) || !strings.Contains(err.Error(), "after line 2:") || report.Written != 1 {
		t.Errorf("report %+v, error %v", report, err)
	}
}

// What is read is bounded by what is in flight, not by the file.
func TestCSVStreams(t *testing.T) {
	line := "Berg," + strings.Repeat("x", 1000) + "\n"
	file := &endless{head: "lastname,description\n", line: line, lines: 5_000}
	peak := 0
	w := &written{fail: func(string, values) error { return errors.New("not kept") }}
	report, err := CSV(t.Context(), w, tables(t).Table("lead"), file, Options{Progress: func(n int64) { peak = max(peak, file.given-int(n)) }})
	if err != nil || report.Rejected != file.lines {
		t.Fatalf("report %+v, error %v", report, err)
	}
	if peak > 2*readAhead {
		t.Errorf("%d bytes were read ahead, want at most %d", peak, 2*readAhead)
	}
}

// endless is a large file that is made while it is read.
type endless struct {
	head, line   string
	lines, given int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		at := e.given - len(e.head)
		switch {
		case at < 0:
			n += e.give(p[n:], e.head[e.given:])
		case at < e.lines*len(e.line):
			n += e.give(p[n:], e.line[at%len(e.line):])
		default:
			return n, io.EOF
		}
	}
	return n, nil
}

func (e *endless) give(p []byte, text string) int {
	n := copy(p, text)
	e.given += n
	return n
}

func TestCSVRejectFileFails(t *testing.T) {
	disk := errors.New("disk full")
	const lines = 5000
	file := "lastname\n" + strings.Repeat(strings.Repeat("x", 60)+"\n", lines)
	report, err := CSV(t.Context(), &written{}, tables(t).Table("lead"), strings.NewReader(file), Options{Reject: failing{disk}})
	if most := 3 * defaultWorkers * MaxCreate; !errors.Is(err, disk) || report.Read > most || len(report.Reasons) != 1 {
		t.Errorf("report %+v, error %v, want %v after at most %d of %d lines", report, err, disk, most, lines)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// What a file lacks, and what it says in its own words.
func TestCSVInOwnWords(t *testing.T) {
	file := strings.Join([]string{
		"Prospect ID,Email Address 1,Lead Source,Country,Score",
		"A-1,one@example.com,Google,Norway,3",
		"A-2,two@example.com,Referral Sites,Norway,4",
		"A-3,three@example.com,Web,Norway,5",
		"A-4,four@example.com,Carrier pigeon,Norway,6",
		"A-5,five@example.com,,Norway,7",
	}, "\n")
	options := Options{
		OnlyMapped: true, Key: []string{"Prospect ID"}, Set: map[string]string{"lastname": "unknown", "leadqualitycode": "Cold"},
		Translate: map[string]map[string]string{"leadsourcecode": {"google": "8", "REFERRAL SITES": "External Referral", "*": ""}},
	}
	w := &written{}
	for range 2 { // the ids are the same the next time
		report, err := CSV(t.Context(), w, tables(t).Table("lead"), strings.NewReader(file), options)
		if d := cmp.Diff(Report{Read: 5, Written: 5, LeftOut: []string{"Prospect ID", "Country", "Score"}}, report); d != "" || err != nil {
			t.Fatalf("error %v, report (-want +got):\n%s", err, d)
		}
	}
	want := map[string]values{
		"one@example.com": {"leadsourcecode": schema.Int(8)}, "two@example.com": {"leadsourcecode": schema.Int(3)},
		"three@example.com": {"leadsourcecode": schema.Int(8)}, "four@example.com": {}, "five@example.com": {},
	}
	for mail, v := range want {
		v["emailaddress1"], v["lastname"], v["leadqualitycode"] = schema.Text(mail), schema.Text("unknown"), schema.Int(3)
	}
	got := map[string]values{}
	for _, list := range w.rows {
		if len(list) != 2 {
			t.Errorf("a row was written %d times, want twice", len(list))
		}
		mail, _ := list[0]["emailaddress1"].Text()
		got[mail] = list[0]
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}

// All that is wrong with a row is said at once, and what is the same is counted.
func TestCSVGroupsReasons(t *testing.T) {
	var file strings.Builder
	file.WriteString("leadid,Lead Source,revenue\n")
	const lines = 400
	for n := range lines {
		source, revenue := "Google", "1"
		if n%4 == 0 {
			revenue = fmt.Sprint("much ", n)
		}
		if n%2 == 1 {
			source = "Web"
		}
		fmt.Fprintf(&file, "%s,%s,%s\n", rowID(n), source, revenue)
	}
	var rejects strings.Builder
	w := &written{fail: func(id string, _ values) error {
		if id == rowID(7) || id == rowID(9) {
			return fmt.Errorf("account %s does not exist", id)
		}
		return nil
	}}
	report, err := CSV(t.Context(), w, tables(t).Table("lead"), strings.NewReader(file.String()), Options{Reject: &rejects})
	if err != nil {
		t.Fatal(err)
	}
	want := []Reason{
		{Text: `leadsourcecode has no option "Google" (field "Lead Source")`, Column: "leadsourcecode", Value: "Google", Rows: 200, Line: 2},
		{Text: "revenue: must be a number", Column: "revenue", Cell: "much 0", Rows: 100, Line: 2},
		{Text: "account … does not exist", Rows: 2, Line: 9},
	}
	if d := cmp.Diff(want, report.Reasons); d != "" || report.Rejected != 202 || report.Written != 198 {
		t.Errorf("%d rejected, %d written, reasons (-want +got):\n%s", report.Rejected, report.Written, d)
	}
	list, before := records(t, rejects.String())[1:], 0
	for _, line := range list {
		at, err := strconv.Atoi(line[0])
		if err != nil || at <= before {
			t.Errorf("line %s comes after %d", line[0], before)
		}
		before = at
	}
	if len(list) != 202 || list[0][1] != "Lead Source, revenue" || strings.Count(list[0][2], "; ") != 1 {
		t.Errorf("%d lines, the first %q", len(list), list[0])
	}
}

// What only the service knows is said together with what the cells tell, each of it, and
// what follows from a cell that is wrong is not said at all.
func TestCSVGathersReasons(t *testing.T) {
	w := newWorld(t)
	importer := Direct{w.Entities, sales.Caller{ID: name.UserID(rowID(77)), Roles: []string{sales.SystemAdministrator}}}
	file := strings.Join([]string{
		"leadid,Lead Source,Status,Status Reason,Parent Account for lead,campaignid,Annual Revenue,",
		rowID(1) + ",Google,Open,Lost," + rowID(8) + "," + rowID(9) + ",\"1,200.50\",",
		rowID(2) + ",,Open,Lost," + rowID(8) + "," + rowID(9) + ",,",
		rowID(3) + ",,,,,,,stray",
		rowID(4) + ",Web,,,,,7,",
	}, "\n")
	for _, dry := range []bool{true, false} {
		var rejects strings.Builder
		report, err := CSV(t.Context(), importer, w.DB.Schema().Table("lead"), strings.NewReader(file), Options{DryRun: dry, Reject: &rejects})
		if err != nil {
			t.Fatal(err)
		}
		want := Report{Read: 4, Written: 1, Rejected: 3, Reasons: []Reason{
			{Text: "campaignid: campaign has no row with that id", Column: "campaignid", Cell: rowID(9), Rows: 2, Line: 2},
			{Text: `parentaccountid: account has no row with that id (field "Parent Account for lead")`, Column: "parentaccountid", Cell: rowID(8), Rows: 2, Line: 2},
			{Text: `statuscode: does not belong to statecode 0 Open (field "Status Reason")`, Column: "statuscode", Cell: "Lost", Rows: 2, Line: 2},
			{Text: `leadsourcecode has no option "Google" (field "Lead Source")`, Column: "leadsourcecode", Value: "Google", Rows: 1, Line: 2},
			{Text: `revenue: must be a number with a point before its decimals and no other separator (field "Annual Revenue")`, Column: "revenue", Cell: "1,200.50", Rows: 1, Line: 2},
			{Text: "field 8 has a value, but no name in the header", Rows: 1, Line: 4},
		}}
		if d := cmp.Diff(want, report); d != "" {
			t.Errorf("dry run %v, report (-want +got):\n%s", dry, d)
		}
		list := records(t, rejects.String())
		if got, want := list[1][1], "Lead Source, Annual Revenue, Status Reason, campaignid, Parent Account for lead"; got != want {
			t.Errorf("columns of the first line %q, want %q", got, want)
		}
	}
}

// A file in another encoding is refused in words that help.
func TestCSVOtherEncodings(t *testing.T) {
	report, err := CSV(t.Context(), &written{}, tables(t).Table("lead"), strings.NewReader("lastname,subject\nM\xfcller,Pumps\n"), Options{})
	want := []Reason{{Text: "lastname: is not UTF-8; save the file as UTF-8 (in Excel: CSV UTF-8)", Column: "lastname", Cell: "M\uFFFDller", Rows: 1, Line: 2}}
	if d := cmp.Diff(want, report.Reasons); d != "" || err != nil {
		t.Errorf("error %v, reasons (-want +got):\n%s", err, d)
	}
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		_, err := CSV(t.Context(), &written{}, tables(t).Table("lead"), strings.NewReader(mark+"l\x00a\x00s\x00t\x00\n"), Options{})
		if err == nil || !strings.Contains(err.Error(), "the file is UTF-16; save it as UTF-8") {
			t.Errorf("error %v", err)
		}
	}
}

// A cell that is wrong is not missing as well, where the system demands a value.
func TestCSVNoReasonTwice(t *testing.T) {
	w := newWorld(t)
	importer := Direct{w.Entities, sales.Caller{ID: name.UserID(rowID(77)), Roles: []string{sales.SystemAdministrator}}}
	file := "Record Type,msdyn_name\n" + strings.Repeat("x", 200) + ",Spring\n,Autumn\n"
	report, err := CSV(t.Context(), importer, w.DB.Schema().Table("msdyn_sequence"), strings.NewReader(file), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Reason{
		{Text: `msdyn_regardingentityname: must have at most 100 characters (UTF-16 code units) (field "Record Type")`, Column: "msdyn_regardingentityname", Cell: strings.Repeat("x", 39) + "…", Rows: 1, Line: 2},
		{Text: `msdyn_regardingentityname: must have a value (field "Record Type")`, Column: "msdyn_regardingentityname", Rows: 1, Line: 3},
	}
	if d := cmp.Diff(want, report.Reasons); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
}

// A row that is refused costs its batch a few more tries, and the others are made.
func TestCSVBatches(t *testing.T) {
	const lines = 1000
	var file strings.Builder
	file.WriteString("leadid,subject\n")
	for n := range lines {
		fmt.Fprintf(&file, "%s,%d\n", rowID(n), n)
	}
	for name, test := range map[string]struct {
		bad     int // rows
		creates int // at most: batches depend on how fast the file is read
	}{"none": {0, lines}, "one": {1, lines}, "many": {100, 2 * lines}} {
		t.Run(name, func(t *testing.T) {
			w := &written{fail: func(id string, _ values) error {
				for n := range test.bad {
					if id == rowID(n*7) {
						return errors.New("refused")
					}
				}
				return nil
			}}
			report, err := CSV(t.Context(), w, tables(t).Table("lead"), strings.NewReader(file.String()), Options{Workers: 1})
			if err != nil || report.Rejected != test.bad || report.Written != lines-test.bad || len(w.rows) != lines-test.bad {
				t.Errorf("report %+v, %d rows, error %v", report, len(w.rows), err)
			}
			if w.creates > test.creates {
				t.Errorf("%d batches were tried, want at most %d", w.creates, test.creates)
			}
		})
	}
}

// A dry run says what an import would say, and writes nothing.
func TestCSVDryRun(t *testing.T) {
	w := newWorld(t)
	file := "leadid,lastname,statecode,statuscode,parentaccountid\n" +
		rowID(1) + ",Berg,,,\n" + rowID(2) + ",Falk,Open,Lost,\n" + rowID(3) + ",Lind,,," + rowID(9) + "\n"
	var reports []Report
	for _, dry := range []bool{true, false} {
		importer := Direct{w.Entities, sales.Caller{ID: name.UserID(rowID(77)), Roles: []string{sales.SystemAdministrator}}}
		report, err := CSV(t.Context(), importer, w.DB.Schema().Table("lead"), strings.NewReader(file), Options{DryRun: dry})
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, report)
		if got := len(w.all("lead")); dry && got > 0 {
			t.Errorf("a dry run wrote %d leads", got)
		}
	}
	if d := cmp.Diff(reports[1], reports[0]); d != "" || reports[0].Rejected != 2 {
		t.Errorf("%d refused, the dry run differs (-import +dry):\n%s", reports[0].Rejected, d)
	}
}
