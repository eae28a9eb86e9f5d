package functions_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"

	"segue/internal/api"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/mailing"
	"segue/internal/sales/report"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// TestPermissions drives the functions through all that they do, on the emulator, which
// allows everything, and compares what they ask for with what template.yaml allows: no
// more and no less.
func TestPermissions(t *testing.T) {
	dynamotest.Endpoint(t) // or the whole is skipped
	used := map[string]*uses{}
	for _, function := range names() {
		used[function] = &uses{seen: map[string]bool{}}
	}
	bin := build(t)
	scripts, err := filepath.Glob("../internal/api/testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	t.Run("drive", func(t *testing.T) { // ends when its parts have ended
		drive := func(name string, on func(s *stage)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				on(newStage(t, bin, used))
			})
		}
		drive("work", func(s *stage) { s.work() })
		for _, script := range scripts {
			drive(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(s *stage) { s.play(script) })
		}
	})
	for function, allowed := range allowed(t) {
		seen := used[function].seen
		for _, use := range slices.Sorted(maps.Keys(seen)) {
			if !slices.Contains(allowed, use) {
				t.Errorf("%s does %s, which template.yaml does not allow", function, use)
			}
		}
		for _, use := range allowed {
			if !seen[use] {
				t.Errorf("%s may do %s, which it was not seen to do", function, use)
			}
		}
	}
}

// allowed is what template.yaml lets each function do with the table and the queue,
// without what Lambda does in its name.
func allowed(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Properties struct {
				PolicyDocument yaml.Node `yaml:"PolicyDocument"`
				Policies       yaml.Node `yaml:"Policies"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, function := range names() {
		role := template.Resources[strings.ToUpper(function[:1])+function[1:]+"Role"]
		var policies []struct {
			PolicyDocument struct {
				Statement []struct {
					Action   []string  `yaml:"Action"`
					Resource yaml.Node `yaml:"Resource"`
				} `yaml:"Statement"`
			} `yaml:"PolicyDocument"`
		}
		if err := role.Properties.Policies.Decode(&policies); err != nil || len(policies) != 1 {
			t.Fatalf("role of %s: %d policies, %v", function, len(policies), err)
		}
		if function == "advance" { // which has another one where emails are sent
			var mail struct {
				Statement []struct {
					Action []string `yaml:"Action"`
				} `yaml:"Statement"`
			}
			of := template.Resources["MailPolicy"].Properties.PolicyDocument
			if err := of.Decode(&mail); err != nil || len(mail.Statement) != 1 {
				t.Fatalf("who sends emails may do %+v, %v", mail, err)
			}
			all[function] = append(all[function], mail.Statement[0].Action...)
		}
		for _, statement := range policies[0].PolicyDocument.Statement {
			for _, action := range statement.Action {
				if !lambdaDoes(action) {
					all[function] = append(all[function], on(action, &statement.Resource)...)
				}
			}
		}
	}
	return all
}

// lambdaDoes reports whether it is Lambda that calls an action in the name of a function:
// it reads the stream and the queue, keeps what it gives up, and writes the logs.
func lambdaDoes(action string) bool {
	return strings.HasPrefix(action, "logs:") || strings.HasPrefix(action, "s3:") ||
		strings.Contains(action, "Stream") || action == "dynamodb:GetRecords" || action == "dynamodb:GetShardIterator" ||
		strings.HasPrefix(action, "sqs:") && action != "sqs:SendMessage"
}

// on is an action on the resources of a statement, as a recorder notes it.
func on(action string, resource *yaml.Node) []string {
	var uses []string
	switch {
	case resource.Kind == yaml.ScalarNode && resource.Value == "JobQueue.Arn":
		uses = []string{action}
	case resource.Tag == "!Sub":
		_, table, _ := strings.Cut(resource.Content[0].Value, ":table/${Name}")
		index := strings.TrimPrefix(table, "/index/")
		uses = []string{strings.TrimSpace(action + " " + index)}
	default:
		for _, each := range resource.Content {
			uses = append(uses, on(action, each)...)
		}
	}
	return uses
}

// play sends the requests of a script, and lets evaluate follow what they change. What
// is answered is compared elsewhere.
func (s *stage) play(script string) {
	s.load()
	archive, err := txtar.ParseFile(script)
	if err != nil {
		s.Fatal(err)
	}
	for _, file := range archive.Files {
		if file.Name == "answer" {
			continue
		}
		if e, function := event(s.T, string(file.Data)); function != "" {
			if a := s.function(function).respond(s.T, e); a.StatusCode >= http.StatusInternalServerError && a.StatusCode != http.StatusNotImplemented {
				s.Errorf("%s: %d %s", file.Name, a.StatusCode, a.Body)
			}
		}
	}
	s.follow()
}

// event is a request of a script as the gateway hands it over, and the function whose
// route it takes, "" for none.
func event(t *testing.T, text string) (e events.APIGatewayV2HTTPRequest, function string) {
	t.Helper()
	head, body, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	lines := strings.Split(head, "\n")
	method, target, _ := strings.Cut(lines[0], " ")
	target = strings.Replace(target, "~/", "/api/data/v9.2/", 1)
	path, query, _ := strings.Cut(target, "?")
	role, headers := "Sales Manager", map[string]string{"host": "segue.test"}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		if name == "As" {
			role = value
			continue
		}
		headers[strings.ToLower(name)] = value
	}
	e = events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: path, RawQueryString: query, Headers: headers, Body: body}
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path = method, path
	if role != "nobody" {
		e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{
				Claims: map[string]string{"sub": userID, "name": "Tester", "roles": role},
			},
		}
	}
	mux, functions := http.NewServeMux(), map[string]string{}
	for _, route := range api.Routes() {
		pattern := strings.TrimPrefix(route.Method+" ", "ANY ") + route.Path
		mux.HandleFunc(pattern, http.NotFound)
		functions[pattern] = route.Function
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://segue.test"+target, http.NoBody)
	if err != nil {
		return e, "" // a script's broken request reaches no function
	}
	_, pattern := mux.Handler(r)
	e.RouteKey = pattern
	return e, functions[pattern]
}

const (
	sequenceID = "5e900000-0000-4000-8000-000000000001" // of the fixture
	otherID    = "5e900000-0000-4000-8000-000000000002"
	deletedID  = "5e600000-0000-4000-8000-000000000003" // a segment
	teamID     = "7ea00000-0000-4000-8000-000000000001"
	userID     = "05e40000-0000-4000-8000-000000000001"
	admin      = "System Administrator"
	manager    = "Sales Manager"
	seller     = "Salesperson"
	fresh      = 1100 * time.Millisecond // until no function uses old definitions
)

// as sends a request as a user with a role, which must be answered without a refusal.
func (s *stage) as(role, request, body string) {
	s.Helper()
	e, function := event(s.T, request+"\nAs: "+role+"\n\n"+body)
	a := s.function(function).respond(s.T, e)
	if a.StatusCode >= http.StatusBadRequest || strings.Contains(a.Body, `"Error"`) {
		s.Fatalf("%s: %d %s", request, a.StatusCode, a.Body)
	}
}

// work goes through what the scripts leave out: what is done with rows of a team, the life
// of a connection, the calls that the functions behind the API make.
func (s *stage) work() {
	s.load()
	s.define()
	s.team()
	s.life()
	s.erase()
	s.mail()
	for _, taker := range []string{"evaluate", "action", "advance", "job"} {
		s.takeUp(taker)
		s.settle()
	}
	s.ended()
}

// define makes a second segment with a sequence of its own, and deletes a third segment.
func (s *stage) define() {
	s.as(manager, "POST ~/msdyn_sequences", sequence(otherID))
	s.as(manager, "PATCH ~/msdyn_sequences("+otherID+")", `{"statecode":1}`)
	const other = "5e600000-0000-4000-8000-000000000002"
	s.as(manager, "POST ~/msdyn_segments", `{"msdyn_segmentid":"`+other+`","msdyn_name":"Other","msdyn_objecttype":"lead","msdyn_isresegmentationenabled":true,
		"msdyn_entityfilter":"{\"type\":\"and\",\"items\":[{\"attribute\":\"leadqualitycode\",\"operator\":\"eq\",\"values\":[3]}]}",
		"msdyn_sequence@odata.bind":"/msdyn_sequences(`+otherID+`)"}`)
	s.as(manager, "PATCH ~/msdyn_segments("+other+")", `{"statecode":0}`)
	const related = "5e600000-0000-4000-8000-000000000004" // asked last, of every record that is in no other
	s.as(manager, "POST ~/msdyn_segments", `{"msdyn_segmentid":"`+related+`","msdyn_name":"Called","msdyn_objecttype":"lead","segue_priority":99,
		"msdyn_entityfilter":"{\"type\":\"and\",\"items\":[{\"relationship\":\"Lead_Phonecalls\",\"mode\":\"contains\",\"filter\":{\"type\":\"and\",\"items\":[]}}]}"}`)
	s.as(manager, "PATCH ~/msdyn_segments("+related+")", `{"statecode":0}`)
	s.as(manager, "POST ~/msdyn_segments", `{"msdyn_segmentid":"`+deletedID+`","msdyn_name":"Deleted","msdyn_objecttype":"lead"}`)
	s.as(manager, "DELETE ~/msdyn_segments("+deletedID+")", "")
	s.settle()
	time.Sleep(fresh)
}

// sequence is the body of one with an id.
func sequence(id string) string {
	return `{"msdyn_sequenceid":"` + id + `","msdyn_name":"Sequence","msdyn_regardingentityname":"lead",
		"msdyn_definition":"[{\"type\":\"phonecall\",\"name\":\"Call\"},{\"type\":\"email\",\"name\":\"Write\"}]"}`
}

// lead is the body of one with an id, of no segment.
func lead(id string) string {
	return `{"leadid":"` + id + `","subject":"Lead","lastname":"Lead"}`
}

// team has a seller work on rows of a team, which asks for the teams of the seller.
func (s *stage) team() {
	const owned = "1ead7000-0000-4000-8000-000000000001"
	s.as(admin, "POST ~/teams", `{"teamid":"`+teamID+`","name":"Team"}`)
	s.as(admin, "POST ~/teammemberships", `{"teamid":"`+teamID+`","systemuserid":"`+userID+`"}`)
	s.as(admin, "POST ~/leads", strings.Replace(lead(owned), "{", `{"ownerid@odata.bind":"/teams(`+teamID+`)",`, 1))
	time.Sleep(fresh)
	record, entity := `{"EntityName":"lead","Id":"`+owned+`"}`, `"RegardingEntityName":"lead","RegardingEntityId":"`+owned+`"`
	s.as(seller, "PATCH ~/leads("+owned+")", `{"subject":"Of a team"}`)
	s.as(seller, "POST /api/connect", `{"SequenceId":"`+sequenceID+`","Records":[`+record+`]}`)
	s.as(seller, "POST /api/disconnect", `{"Records":[`+record+`]}`)
	s.as(seller, "POST ~/msdyn_ConnectSequence", `{`+entity+`,"SequenceId":"`+sequenceID+`"}`)
	s.as(seller, "POST ~/msdyn_DisconnectSequence", `{`+entity+`}`)
}

// life completes the steps of a connection, closes a connected lead, and deletes one.
func (s *stage) life() {
	for n, end := range []func(lead string){
		func(id string) {
			for range 2 {
				row := s.read(rows.Ref{Table: name.Lead, ID: id})
				live := s.live(row)
				s.as(seller, "PATCH ~/msdyn_sequencetargetsteps("+s.read(live).Lookup(name.SegueCurrentstep).ID+")", `{"statuscode":2}`)
			}
		},
		func(id string) { s.as(seller, "PATCH ~/leads("+id+")", `{"statecode":2}`) },
		func(id string) { s.as(seller, "DELETE ~/leads("+id+")", "") },
	} {
		id := fmt.Sprintf("1ead8000-0000-4000-8000-%012d", n)
		s.as(seller, "POST ~/leads", lead(id))
		s.as(seller, "POST /api/connect", `{"SequenceId":"`+otherID+`","Records":[{"EntityName":"lead","Id":"`+id+`"}]}`)
		end(id)
	}
	s.settle()
}

// erase has a person erased who is on a sequence and has an activity, and whatever is
// parked about them.
func (s *stage) erase() {
	const id = "1ead9000-0000-4000-8000-000000000001"
	s.as(seller, "POST ~/leads", lead(id))
	s.as(seller, "POST /api/connect", `{"SequenceId":"`+otherID+`","Records":[{"EntityName":"lead","Id":"`+id+`"}]}`)
	s.as(seller, "POST ~/tasks", `{"subject":"Call","regardingobjectid_lead_task@odata.bind":"/leads(`+id+`)"}`)
	salestest.Park(s.T, s.db, rows.Ref{Table: name.Lead, ID: id}, "segmentation.evaluate")
	s.as(admin, "POST ~/segue_Erase", `{"Table":"lead","Id":"`+id+`"}`)
	s.as(admin, "POST ~/segue_MailEvents", `{"Events":["{\"eventType\":\"Send\",\"mail\":{\"messageId\":\"m\"}}"]}`)
	s.settle()
}

// mail has an email sent, and what its recipient and the provider do with it.
func (s *stage) mail() {
	const templateID, mailed, id = "7e3a0000-0000-4000-8000-000000000001", "5e900000-0000-4000-8000-000000000003", "1eada000-0000-4000-8000-000000000001"
	identity := s.table + ".test"
	if _, err := sesv2.NewFromConfig(dynamotest.Config(s.endpoint)).CreateEmailIdentity(s.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: &identity}); err != nil {
		s.Fatal(err)
	}
	s.as(admin, "POST ~/templates", `{"templateid":"`+templateID+`","title":"Hello","subject":"Hello","safehtml":"<p><a href='https://example.test/'>Look</a></p>"}`)
	s.as(manager, "POST ~/msdyn_sequences", `{"msdyn_sequenceid":"`+mailed+`","msdyn_name":"Mailed","msdyn_regardingentityname":"lead",
		"msdyn_definition":"[{\"type\":\"automatedemail\",\"name\":\"Write\",\"template\":\"`+templateID+`\"},{\"type\":\"task\",\"name\":\"Look\"}]"}`)
	s.as(manager, "PATCH ~/msdyn_sequences("+mailed+")", `{"statecode":1}`)
	s.as(seller, "POST ~/leads", `{"leadid":"`+id+`","subject":"Lead","lastname":"Lead","emailaddress1":"ada@`+identity+`"}`)
	s.as(seller, "POST /api/connect", `{"SequenceId":"`+mailed+`","Records":[{"EntityName":"lead","Id":"`+id+`"}]}`)
	target := s.live(s.read(rows.Ref{Table: name.Lead, ID: id}))
	send := rows.RefTo(name.SentEmail, mailing.SendID(name.SequenceTargetStepID(s.read(target).Lookup(name.SegueCurrentstep).ID)))
	s.skip()
	s.advance()
	sent := s.read(send)
	if sent == nil || sent.Text(name.SegueMessageid) == "" {
		s.Fatalf("no email was sent: %v", sent)
	}
	signed := &mailing.Mailing{Config: mailing.Config{Key: []byte(trackKey)}}
	for _, visit := range []struct {
		method string
		token  mailing.Token
	}{{"GET", mailing.Token{Act: mailing.Open, Send: name.SentEmailID(send.ID)}}, {"GET", mailing.Token{Act: mailing.Follow, Send: name.SentEmailID(send.ID)}}, {"POST", mailing.Token{Act: mailing.Unsubscribe, Send: name.SentEmailID(send.ID)}}} {
		s.as("nobody", visit.method+" "+signed.Address(visit.token), "")
	}
	told := func(mail string) events.SQSMessage {
		return events.SQSMessage{MessageId: mail, Body: `{"source":"aws.ses","detail":{"eventType":"Bounce","bounce":{"bounceType":"Permanent"},"mail":{` + mail + `}}}`}
	}
	s.invoke("notify", events.SQSEvent{Records: []events.SQSMessage{
		told(`"messageId":"m","tags":{"segue-send":["` + send.ID + `"]}`), told(`"messageId":"` + sent.Text(name.SegueMessageid) + `"`),
	}})
	if now := s.read(send); now.Time(name.SegueClickedon).IsZero() || now.Time(name.SegueBouncedon).IsZero() {
		s.Errorf("the ledger says %v", now.Values())
	}
	s.settle()
}

// takeUp has a function that runs reactions do what each of them may have to do: the
// reason is made past the functions, and only the one that is meant gets to know of it.
func (s *stage) takeUp(taker string) {
	s.Helper()
	reasons := s.reasons(taker)
	if taker == "evaluate" {
		s.follow()
		return
	}
	s.skip()
	for _, r := range reasons {
		salestest.Park(s.T, s.db, r.ref, r.handler)
	}
	s.skip()
	switch taker {
	case "action":
		for _, r := range reasons {
			s.as(admin, "POST ~/segue_Redrive", `{"Table":"`+r.ref.Table+`","Id":"`+r.ref.ID+`"}`)
		}
		s.as(admin, "POST ~/segue_Redrive", `{"All":true}`)
	case "advance":
		s.advance()
	case "job":
		s.as(admin, "POST ~/segue_Redrive", `{"All":true}`)
	}
}

// reason is a row that a reaction does something about.
type reason struct {
	ref     rows.Ref
	handler string
}

// reasons makes what a function is to take up, with rows of its own: a lead that enters a
// segment, one that moves to another with another sequence, one that enters a segment that
// is deleted, a connection to a sequence that is not active, a sequence that ends, a job
// that begins.
func (s *stage) reasons(taker string) []reason {
	s.Helper()
	n := slices.Index(names(), taker)
	id := func(kind int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012d", kind, n) }
	enters, moves, late, connected, ends, job := id(0x1ead1000), id(0x1ead2000), id(0x1ead3000), id(0x1ead4000), id(0x5e910000), id(0x70b10000)
	s.as(manager, "POST ~/msdyn_sequences", sequence(ends))
	s.as(manager, "PATCH ~/msdyn_sequences("+ends+")", `{"statecode":1}`)
	for _, each := range []string{enters, moves, late, connected} {
		s.as(manager, "POST ~/leads", lead(each))
	}
	s.as(manager, "PATCH ~/leads("+moves+")", `{"leadqualitycode":1}`)
	s.settle()
	time.Sleep(fresh)
	s.as(manager, "POST /api/connect", `{"SequenceId":"`+ends+`","Records":[{"EntityName":"lead","Id":"`+connected+`"}]}`)
	s.settle()
	list := []reason{
		{rows.Ref{Table: name.Lead, ID: enters}, "segmentation.evaluate"},
		{rows.Ref{Table: name.Lead, ID: moves}, "segmentation.evaluate"},
		{rows.Ref{Table: name.Lead, ID: late}, "segmentation.evaluate"},
		{rows.Ref{Table: name.Sequence, ID: ends}, "connection.sweep"},
		{rows.Ref{Table: name.Job, ID: job}, "job.begin"},
	}
	s.set(list[0].ref, name.Leadqualitycode, schema.Int(1))
	s.set(list[1].ref, name.Leadqualitycode, schema.Int(3))
	s.set(list[2].ref, name.MsdynSegmentid, schema.Ref(schema.Lookup{Table: name.Segment, ID: deletedID}))
	s.as(manager, "PATCH ~/msdyn_sequences("+ends+")", `{"statecode":0}`)
	s.begin(name.JobID(job))
	return list
}

// begin begins a job past the functions, which counts.
func (s *stage) begin(id name.JobID) {
	s.Helper()
	job := report.Count(s.db.Schema(), id)
	if err := s.db.Do(s.Context(), "", func(tx *rows.Tx) error { return sales.BeginJob(s.Context(), tx, job) }); err != nil {
		s.Fatal(err)
	}
}

// ended has the schedule look after a job that stands still, and delete one that ended
// long ago.
func (s *stage) ended() {
	const id = "70b00000-0000-4000-8000-000000000001"
	due := func() {
		s.set(rows.Ref{Table: name.Job, ID: id}, name.SegueDueon, schema.Time(time.Now().Add(-time.Minute)))
	}
	s.begin(id)
	s.skip()
	due()
	s.skip()
	s.advance()
	s.settle()
	due()
	s.advance()
	if left := s.read(rows.Ref{Table: name.Job, ID: id}); left != nil {
		s.Errorf("a job that ended long ago is still there: %v", left.Values())
	}
}

// read reads a row past the functions, nil for none.
func (s *stage) read(ref rows.Ref) *rows.Row {
	s.Helper()
	found, err := s.db.Get(s.Context(), ref)
	if err != nil {
		s.Fatal(err)
	}
	return found[0]
}

// live is the live target of a record that has one.
func (s *stage) live(record *rows.Row) rows.Ref {
	s.Helper()
	live, err := connection.Live(record)
	if err != nil || len(live) != 1 {
		s.Fatalf("%d live targets, %v", len(live), err)
	}
	for _, target := range live {
		return rows.RefTo(name.SequenceTarget, target)
	}
	return rows.Ref{}
}

// set changes a column of a row past the functions.
func (s *stage) set(ref rows.Ref, column string, value schema.Value) {
	s.Helper()
	if err := s.db.Do(s.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(s.Context(), ref)
		if err == nil {
			found[0].Set(column, value)
		}
		return err
	}); err != nil {
		s.Fatal(err)
	}
}
