package ingest

import (
	"strings"
	"testing"

	"segue/internal/guid"
)

// Whatever the file: nothing panics, every record is accounted for, and what is
// written fits the schema.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("leadid,Last Name,revenue\n"+rowID(1)+",Berg,12.5\n"), "")
	f.Add([]byte("\uFEFFlastname;ownerid;\"description\"\r\nBerg;systemuser:x;\"a\r\nb\"\r\n"), "lastname")
	f.Add([]byte("Topic,statuscode\n\"x\"y,1\nz,2\n,\n"), "subject")
	f.Add([]byte("\n\n\"lastname\nBerg"), "")
	lead := tables(f).Table("lead")
	f.Fuzz(func(t *testing.T, file []byte, key string) {
		var options Options
		if key != "" {
			options.Key = []string{key}
		}
		var rejects strings.Builder
		options.Reject = &rejects
		w := &written{}
		report, err := CSV(t.Context(), w, lead, strings.NewReader(string(file)), options)
		kept := 0
		for id, list := range w.rows {
			if !guid.Canonical(id) {
				t.Errorf("id %q", id)
			}
			for _, v := range list {
				kept++
				for name, value := range v {
					if err := lead.Column(name).Check(value); err != nil || value.IsNull() {
						t.Errorf("%s = %v: %v", name, value, err)
					}
				}
			}
		}
		if report.Written != kept || report.Read != report.Written+report.Rejected {
			t.Errorf("report %+v of %d rows, error %v", report, kept, err)
		}
		if rejects.Len() > 0 && len(records(t, rejects.String())) != report.Rejected+1 {
			t.Errorf("reject file %q of report %+v", rejects.String(), report)
		}
	})
}
