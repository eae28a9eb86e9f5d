package odata_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/odata"
	"segue/internal/schema"
)

type answer struct {
	Status int
	Header http.Header
	Body   string
}

func record(write func(http.ResponseWriter)) answer {
	w := httptest.NewRecorder()
	write(w)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func TestAnswers(t *testing.T) {
	const json = "application/json; odata.metadata=minimal"
	tests := []struct {
		name  string
		write func(http.ResponseWriter)
		want  answer
	}{
		{"JSON", func(w http.ResponseWriter) { odata.WriteJSON(w, 201, []byte(`{}`)) },
			answer{201, http.Header{"Odata-Version": {"4.0"}, "Content-Type": {json}}, `{}`}},
		{"created", func(w http.ResponseWriter) {
			odata.WriteNoContent(w, base+"leads("+idI+")")
		}, answer{204, http.Header{"Odata-Version": {"4.0"}, "Odata-Entityid": {base + "leads(" + idI + ")"}, "Location": {base + "leads(" + idI + ")"}}, ""}},
		{"nothing to say", func(w http.ResponseWriter) { odata.WriteNoContent(w, "") },
			answer{204, http.Header{"Odata-Version": {"4.0"}}, ""}},
		{"no such row", func(w http.ResponseWriter) {
			odata.WriteError(w, odata.Errorf(odata.ObjectDoesNotExist, "lead With Id = %s Does Not Exist", idI), nil)
		},
			answer{404, http.Header{"Odata-Version": {"4.0"}, "Content-Type": {json}},
				`{"error":{"code":"0x80040217","message":"lead With Id = ` + idI + ` Does Not Exist"}}`}},
		{"not signed in", func(w http.ResponseWriter) {
			odata.WriteError(w, odata.Errorf(odata.RequestIsNotAuthenticated, "no <token>"), nil)
		},
			answer{401, http.Header{"Odata-Version": {"4.0"}, "Content-Type": {json}, "Www-Authenticate": {"Bearer"}},
				`{"error":{"code":"0x80044302","message":"no <token>"}}`}},
		{"not signed in, issuer known", func(w http.ResponseWriter) {
			w.Header().Set("WWW-Authenticate", "Bearer authorization_uri=https://issuer")
			odata.WriteError(w, odata.Errorf(odata.AccessTokenExpired, "expired"), nil)
		}, answer{401, http.Header{"Odata-Version": {"4.0"}, "Content-Type": {json}, "Www-Authenticate": {"Bearer authorization_uri=https://issuer"}},
			`{"error":{"code":"0x8005f101","message":"expired"}}`}},
		{"come again", func(w http.ResponseWriter) {
			odata.WriteError(w, &odata.Error{Status: 503, Code: odata.CrmHTTPError, Message: "busy", RetryAfter: 7}, nil)
		}, answer{503, http.Header{"Odata-Version": {"4.0"}, "Content-Type": {json}, "Retry-After": {"7"}},
			`{"error":{"code":"0x8006088a","message":"busy"}}`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, record(test.write)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCodeStatus(t *testing.T) {
	for code, want := range map[odata.Code]int{
		odata.BadRequest: 400, odata.BadPayload: 400, odata.InvalidArgument: 400, odata.IsvAborted: 400,
		odata.RequestIsNotAuthenticated: 401, odata.ExpiredAuthTicket: 401, odata.PrivilegeDenied: 403,
		odata.ObjectDoesNotExist: 404, odata.NotSupported: 405, odata.ConcurrencyVersionMismatch: 412,
		odata.DuplicateRecord: 412, odata.Throttling: 429, odata.UnExpected: 500, odata.NotImplemented: 501,
	} {
		if got := code.Status(); got != want {
			t.Errorf("%s: status %d, want %d", code, got, want)
		}
	}
}

func TestFromSchema(t *testing.T) {
	tests := []struct {
		column string
		rule   schema.Rule
		want   odata.Code
	}{
		{"subject", schema.RuleLength, odata.StringLengthTooLong},
		{"subject", schema.RuleType, odata.BadPayload},
		{"subject", schema.RuleRequired, odata.RequiredFieldMissing},
		{"leadsourcecode", schema.RuleOption, odata.PicklistValueOutOfRange},
		{"numberofemployees", schema.RuleRange, odata.IntegerValueOutOfRange},
		{"revenue", schema.RuleRange, odata.DecimalValueOutOfRange},
		{"address1_latitude", schema.RuleRange, odata.DecimalValueOutOfRange},
		{"createdon", schema.RuleRange, odata.InvalidDateTime},
		{"estimatedclosedate", schema.RuleType, odata.InvalidDateTime},
		{"statuscode", schema.RuleStatusPair, odata.InvalidStateCodeStatusCode},
		{"createdon", schema.RuleReadOnly, odata.BadPayload},
		{"x", schema.RuleUnknown, odata.BadPayload},
		{"ownerid", schema.RuleLookupTarget, odata.BadPayload},
	}
	s := tables(t)
	for _, test := range tests {
		t.Run(test.column+" "+string(test.rule), func(t *testing.T) {
			broken := &schema.Error{Table: "lead", Column: test.column, Rule: test.rule, Detail: "wants more"}
			want := &odata.Error{Status: 400, Code: test.want, Message: broken.Error()}
			if diff := cmp.Diff(want, odata.FromSchema(s, broken)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadBody(t *testing.T) {
	tests := []struct {
		name, contentType string
		encoding          []string
		body              io.Reader
		want, fails       string
	}{
		{name: "JSON", contentType: "application/json; charset=UTF-8", body: strings.NewReader("{}"), want: "{}"},
		{name: "batch part", contentType: "application/json;type=entry", body: strings.NewReader("{}"), want: "{}"},
		{name: "no type", body: strings.NewReader("{}"), want: "{}"},
		{name: "no body, any type", contentType: "text/plain", body: strings.NewReader("")},
		{name: "other type", contentType: "application/xml", body: strings.NewReader("<a/>"), fails: "415 0x8006088a the body must be application/json, not 'application/xml'"},
		{name: "charset in another spelling", contentType: `application/json; charset="utf8"`, body: strings.NewReader("{}"), want: "{}"},
		{name: "charset that is part of UTF-8", contentType: "application/json; charset=us-ascii", body: strings.NewReader("{}"), want: "{}"},
		{name: "other charset", contentType: "application/json; charset=utf-16", body: strings.NewReader("{}"), fails: "415 0x8006088a the body must be in UTF-8, not 'utf-16'"},
		{name: "another charset than it says", contentType: "application/json", body: strings.NewReader("{\"subject\":\"\xe9\"}"), fails: "400 0x80048d19 the body is not in UTF-8: byte 12 is not part of a character"},
		{name: "not encoded, it says", encoding: []string{"", "Identity, identity"}, body: strings.NewReader("{}"), want: "{}"},
		{name: "compressed", encoding: []string{"gzip"}, body: strings.NewReader("{}"), fails: "415 0x8006088a the body must not be encoded ('gzip')"},
		{name: "encoded and compressed", encoding: []string{"identity", "identity, br"}, body: strings.NewReader("{}"), fails: "415 0x8006088a the body must not be encoded ('br')"},
		{name: "compressed to nothing", encoding: []string{"zstd"}, body: strings.NewReader(""), fails: "415 0x8006088a the body must not be encoded ('zstd')"},
		{name: "too slow", body: io.MultiReader(strings.NewReader("{"), slow{}), fails: "408 0x8006088a the body did not come in time"},
		{name: "largest", body: strings.NewReader(strings.Repeat(" ", odata.MaxBody)), want: strings.Repeat(" ", odata.MaxBody)},
		{name: "too large", body: strings.NewReader(strings.Repeat(" ", odata.MaxBody+1)), fails: "413 0x8006088a the body has more than 1048576 bytes"},
		{name: "cut off", body: io.MultiReader(strings.NewReader("{"), failing{}), fails: "400 0x8006088a the body could not be read to its end"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/", test.body)
			r.Header.Set("Content-Type", test.contentType)
			for _, encoding := range test.encoding {
				r.Header.Add("Content-Encoding", encoding)
			}
			w := httptest.NewRecorder()
			got, err := odata.ReadBody(w, r)
			if accepts := w.Header().Get("Accept-Encoding"); (accepts == "identity") != strings.Contains(test.fails, "encoded") {
				t.Errorf("it says that it accepts the encoding %q", accepts)
			}
			if failed := outcome(t, err); failed != test.fails {
				t.Fatalf("error = %q, want %q", failed, test.fails)
			}
			if err == nil && string(got) != test.want {
				t.Errorf("body = %q, want %q", got, test.want)
			}
		})
	}
}

// failing is a connection that broke.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// slow is a client that sends too little.
type slow struct{}

func (slow) Read([]byte) (int, error) {
	return 0, &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
}

func TestNextLink(t *testing.T) {
	tests := []struct {
		name, request, token string
		top                  int
		want                 string
	}{
		{"no query", base + "leads", "x", -1, base + "leads?$skiptoken=x"},
		{"options stay as they were sent", base + "leads?%24select=a%2Cb&$filter=a+eq+1&$top=5", "x", -1, base + "leads?%24select=a%2Cb&$filter=a+eq+1&$top=5&$skiptoken=x"},
		{"the token is replaced", base + "leads?$skiptoken=a/&$select=b", "x", -1, base + "leads?$select=b&$skiptoken=x"},
		{"the token is replaced, encoded", base + "leads?%24skiptoken=a", "x", -1, base + "leads?$skiptoken=x"},
		{"token in need of encoding", base + "leads?", "a/b+c=", -1, base + "leads?$skiptoken=a%2Fb%2Bc%3D"},
		{"what is left of $top", base + "leads?%24top=5&$select=b", "x", 3, base + "leads?$select=b&$top=3&$skiptoken=x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := odata.NextLink(test.request, test.token, test.top); got != test.want {
				t.Errorf("NextLink = %q, want %q", got, test.want)
			}
		})
	}
}
