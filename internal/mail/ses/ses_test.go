package ses_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"segue/internal/dynamo/dynamotest"
	"segue/internal/mail"
	"segue/internal/mail/ses"
)

func message() mail.Message {
	return mail.Message{
		ID: uuid.NewString(), From: mail.Address{Name: "Contoso Sales", Email: "sales@contoso.test"},
		To: mail.Address{Name: "Jürgen Groß", Email: "juergen@example.test"}, ReplyTo: mail.Address{Email: "seller@contoso.test"},
		Subject: "Grüße", Plain: "Guten Tag", HTML: "<p>Grüße</p>", Unsubscribe: "https://segue.test/unsubscribe",
	}
}

// The emulator of AWS takes a message, and shows it as it was sent.
func TestEmulator(t *testing.T) {
	endpoint := dynamotest.Endpoint(t)
	config := dynamotest.Config(endpoint)
	identity := "contoso-" + uuid.NewString() + ".test"
	if _, err := sesv2.NewFromConfig(config).CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: &identity}); err != nil {
		t.Fatal(err)
	}
	m := message()
	m.From.Email = "sales@" + identity
	id, err := ses.Open(config, "").Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint+"/_ministack/ses/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	type sent struct {
		MessageID         string `json:"MessageId"`
		Source            string
		To                []string
		Subject, BodyText string
		BodyHTML          string `json:"BodyHtml"`
	}
	var body struct{ Messages map[string][]sent }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	var got []sent
	for _, messages := range body.Messages {
		for _, s := range messages {
			if s.Source == m.From.String() {
				got = append(got, s)
			}
		}
	}
	want := []sent{{MessageID: id, Source: m.From.String(), To: []string{m.To.String()}, Subject: m.Subject, BodyText: m.Plain, BodyHTML: m.HTML}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// service starts an HTTP server that says the same to every request, and counts them. The
// requests that it was sent are appended to bodies.
func service(t *testing.T, status int, code string, bodies *[]string) (mail.Sender, *atomic.Int64) {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if bodies != nil {
			*bodies = append(*bodies, string(body))
		}
		if status == 0 {
			panic(http.ErrAbortHandler) // cuts the connection
		}
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"MessageId":"m1","message":"because"}`)
	}))
	t.Cleanup(server.Close)
	return ses.Open(dynamotest.Config(server.URL), "segue-events"), &requests
}

// Each attempt is one request, and only what SES has turned down is said to be not sent.
func TestFailures(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		want   error
	}{
		{429, "TooManyRequestsException", mail.ErrLater},
		{400, "LimitExceededException", mail.ErrLater},
		{400, "SendingPausedException", mail.ErrLater},
		{403, "ExpiredTokenException", mail.ErrLater},
		{400, "MessageRejected", mail.ErrRefused},
		{400, "MailFromDomainNotVerifiedException", mail.ErrRefused},
		{400, "AccountSuspendedException", mail.ErrRefused},
		{403, "AccessDeniedException", mail.ErrRefused},
		{404, "NotFoundException", mail.ErrRefused},
		{500, "InternalServiceErrorException", mail.ErrUnknown},
		{503, "ServiceUnavailable", mail.ErrUnknown},
		{0, "", mail.ErrUnknown},
	} {
		t.Run(test.code, func(t *testing.T) {
			sender, requests := service(t, test.status, test.code, nil)
			if id, err := sender.Send(t.Context(), message()); !errors.Is(err, test.want) || id != "" {
				t.Errorf("send: %q, %v, want %v", id, err, test.want)
			}
			if got := requests.Load(); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
		})
	}
}

func TestNoService(t *testing.T) {
	if _, err := ses.Open(dynamotest.Config("http://127.0.0.1:1"), "").Send(t.Context(), message()); !errors.Is(err, mail.ErrLater) {
		t.Errorf("send: %v, want %v", err, mail.ErrLater)
	}
}

func TestRequest(t *testing.T) {
	var bodies []string
	sender, _ := service(t, 200, "", &bodies)
	m := message()
	id, err := sender.Send(t.Context(), m)
	if err != nil || id != "m1" || len(bodies) != 1 {
		t.Fatalf("send: %q, %v, with %d requests", id, err, len(bodies))
	}
	type text struct{ Charset, Data string }
	type pair struct{ Name, Value string }
	type request struct {
		ConfigurationSetName string
		EmailTags            []pair
		ReplyToAddresses     []string
		Content              struct {
			Simple struct {
				Headers []pair
				Subject text
			}
		}
	}
	var got, want request
	if err := json.Unmarshal([]byte(bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	want.ConfigurationSetName, want.EmailTags, want.ReplyToAddresses = "segue-events", []pair{{mail.Tag, m.ID}}, []string{"<seller@contoso.test>"}
	want.Content.Simple.Subject = text{"UTF-8", m.Subject}
	want.Content.Simple.Headers = []pair{{"List-Unsubscribe", "<" + m.Unsubscribe + ">"}, {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
