//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

const (
	data        = "/api/data/v9.2/"
	manager     = "Sales Manager"
	soon        = 20 * time.Second
	aMinute     = 130 * time.Second // until a schedule of one minute has done something
	killedLeads = 30                // that arrive while functions are killed, from id(100) on
	fromShow    = `"lastname":"Visitor","leadsourcecode":7`
)

// The stack of template.yaml, deployed with SAM to the emulator, driven over its HTTP
// API by users of an RSA issuer: nothing of the template is left out.
func TestCloud(t *testing.T) {
	s := deploy(t)
	due := salestest.Park(t, s.laptop.DB, rows.Ref{Table: name.Lead, ID: id(900)}, "segmentation.evaluate")
	s.part("nobody without a token", s.refused)
	s.part("the first request and those after it", s.times)
	s.part("a lead comes to its first step", s.story)
	s.part("what no reaction follows", s.unfollowed)
	s.part("clients from npm and PyPI", s.clients)
	s.part("functions are killed", s.killed)
	// Before anything else takes up what is parked.
	s.part("what is due", func() {
		s.eventually("the schedule has not taken up what is due", aMinute, func() bool { return s.lookup(due) == nil })
		s.works("AdvanceFunction", "AdvanceFunctionMinute")
	})
	s.part("a change that cannot be followed", s.poison)
	s.part("the stack has its tag", s.tagged)
	s.part("runbook: protect", s.protected)
	s.part("runbook: an outage", s.outage)
	s.part("runbook: a person is erased", s.erased)
	s.part("runbook: a segment is applied to a lead that is there", s.backfilled)
	s.part("runbook: tasks that were given up", s.purged)
	s.part("an email comes back", s.bounced)
	s.part("an email is sent, read and comes back", s.mailed)
	s.part("a segment is deleted", s.deleted)
	s.complete()
	s.books.all(t, followedHere, followedApart)
	t.Logf("%d steps driven", s.steps)
}

// TestRunbooks follows the runbooks that deploy another version, which takes minutes:
// `make runbooks`.
func TestRunbooks(t *testing.T) {
	s := deploy(t)
	s.part("a lead comes to its first step", s.story)
	s.part("an upgrade with a column and an index", s.upgrade)
	s.part("a restored table", s.restored)
	s.books.all(t, followedApart, followedHere)
	t.Logf("%d steps driven", s.steps)
}

// The runbooks that [TestCloud] follows, and those that [TestRunbooks] does.
const (
	followedHere  = "protect outage redrive erase backfill purge"
	followedApart = "reindex restore follow"
)

func id(n int) string { return fmt.Sprintf("1ead0000-0000-4000-8000-%012d", n) }

// lookup reads a row, nil when it is not there.
func (s *stack) lookup(ref rows.Ref) *rows.Row {
	s.Helper()
	found, err := s.laptop.DB.Get(s.Context(), ref)
	if err != nil {
		s.Fatal(err)
	}
	return found[0]
}

// member reports whether a lead is in the segment and on its sequence.
func (s *stack) member(lead string) bool {
	s.Helper()
	row := s.lookup(rows.Ref{Table: name.Lead, ID: lead})
	return row != nil && row.Lookup(name.MsdynSegmentid).ID == segment && row.Is(name.SegueConnected)
}

func (s *stack) refused() {
	for what, token := range map[string]string{"none": "", "another audience's": s.token("other", manager), "no token": "x"} {
		s.steps++
		if answer := (client{s.T, s.url, token}).do("GET", data+"leads", "", http.StatusUnauthorized); answer["value"] != nil {
			s.Errorf("a caller whose token is %s got %v", what, answer)
		}
	}
	s.do("Salesperson", "POST", data+"msdyn_segments", `{"msdyn_name":"x","msdyn_objecttype":"lead"}`, http.StatusForbidden)
}

// story is the README's: a sequence, a segment, a lead, its first step, the next one.
func (s *stack) story() {
	s.do(manager, "POST", data+"msdyn_sequences", `{"msdyn_sequenceid":"`+sequence+`","msdyn_name":"Trade show","msdyn_regardingentityname":"lead",
		"msdyn_definition":"[{\"type\":\"phonecall\",\"name\":\"Call\"},{\"type\":\"email\",\"name\":\"Follow up\"}]"}`, http.StatusNoContent)
	s.do(manager, "PUT", data+"msdyn_sequences("+sequence+")/msdyn_name", `{"value":"Trade shows"}`, http.StatusNoContent)
	s.do(manager, "PATCH", data+"msdyn_sequences("+sequence+")", `{"statecode":1}`, http.StatusNoContent)
	s.do(manager, "POST", data+"msdyn_segments", `{"msdyn_segmentid":"`+segment+`","msdyn_name":"Trade shows","msdyn_objecttype":"lead",
		"msdyn_entityfilter":"{\"type\":\"and\",\"items\":[{\"attribute\":\"leadsourcecode\",\"operator\":\"eq\",\"values\":[7]}]}",
		"msdyn_sequence@odata.bind":"/msdyn_sequences(`+sequence+`)"}`, http.StatusNoContent)
	s.do(manager, "PATCH", data+"msdyn_segments("+segment+")", `{"statecode":0}`, http.StatusNoContent)
	s.do("Salesperson", "POST", data+"contacts", `{"lastname":"Example"}`, http.StatusNoContent) // whose changes have a filter of their own
	s.do("Salesperson", "GET", "/api/openapi.json", "", http.StatusOK)

	s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+id(1)+`","subject":"Sixty machines",`+fromShow+`}`, http.StatusNoContent)
	list := data + "msdyn_sequencetargets?$filter=" + strings.ReplaceAll("_msdyn_target_value eq "+id(1)+" and statecode eq 0", " ", "%20")
	step := func() (called, stepID string) {
		live, _ := s.do("Salesperson", "GET", list, "", http.StatusOK)["value"].([]any)
		if len(live) != 1 {
			return "", ""
		}
		target, _ := live[0].(map[string]any)
		return fmt.Sprint(target["msdyn_currentstepname"]), fmt.Sprint(target["_segue_currentstep_value"])
	}
	s.eventually("the lead has no first step", soon, func() bool { called, _ := step(); return called == "Call" })
	s.works("EvaluateFunction", "EvaluateFunctionChanges")
	s.do("Salesperson", "POST", data+"leads("+id(1)+")/Microsoft.Dynamics.CRM.Mark", `{"Followed":true}`, http.StatusNoContent)
	s.eventually("the call is not in the work list", soon, func() bool {
		items, _ := s.do("Salesperson", "GET", data+"segue_WorkList(Filter='Followed')", "", http.StatusOK)["Items"].([]any)
		return len(items) == 1
	})
	// Reporting is off, so nothing is counted.
	if report := s.do(manager, "GET", data+"msdyn_sequences("+sequence+")/Microsoft.Dynamics.CRM.Statistics()", "", http.StatusOK); report["Reporting"] != false {
		s.Errorf("the statistics are %v", report)
	}
	_, first := step()
	act := func(action, body string) {
		s.do("Salesperson", "POST", data+"msdyn_sequencetargetsteps("+first+")/Microsoft.Dynamics.CRM."+action, body, http.StatusOK)
	}
	act("Complete", `{"Outcome":"Made"}`)
	act("Reopen", `{}`)
	if next, _ := s.do("Salesperson", "GET", data+"segue_UpNext(Record=@r)?@r=%7B%22@odata.id%22:%22leads("+id(1)+")%22%7D", "", http.StatusOK)["Connections"].([]any); len(next) != 1 {
		s.Errorf("the lead is told to be on %d sequences, want 1", len(next))
	}
	s.do("Salesperson", "PATCH", data+"msdyn_sequencetargetsteps("+first+")", `{"statuscode":2}`, http.StatusNoContent)
	if called, _ := step(); called != "Follow up" {
		s.Errorf("after the first step is completed the lead is at %q", called)
	}
	s.do("Salesperson", "HEAD", data+"leads("+id(1)+")", "", http.StatusOK)
	s.do("Salesperson", "POST", "/api/disconnect", `{"Records":[{"EntityName":"lead","Id":"`+id(1)+`"}]}`, http.StatusOK)
	s.do("Salesperson", "POST", "/api/connect", `{"SequenceId":"`+sequence+`","Records":[{"EntityName":"lead","Id":"`+id(1)+`"}]}`, http.StatusOK)
	s.do("Salesperson", "POST", data+"msdyn_DisconnectSequence", `{"RegardingEntityName":"lead","RegardingEntityId":"`+id(1)+`"}`, http.StatusNoContent)
	s.do("Salesperson", "POST", data+"msdyn_ConnectSequence", `{"RegardingEntityName":"lead","RegardingEntityId":"`+id(1)+`","SequenceId":"`+sequence+`"}`, http.StatusNoContent)
	s.do("Salesperson", "DELETE", data+"leads("+id(1)+")", "", http.StatusNoContent)
}

// clients are those that TestClients drives a laptop with: they do the same here, and
// the largest scenario gets the same answers.
func (s *stack) clients() {
	run := func(clients ...string) {
		s.steps += runClients(s.T, s.secure, s.token("segue", manager), clients, "SEGUE_GATEWAY=1", "SEGUE_CA="+s.ca)
	}
	want, _ := clientsOnMakeRun(s.T, "127.0.0.1:8056", "dynamics-web-api")
	s.asked = new(requests)
	run("dynamics-web-api")
	if diff := cmp.Diff(want, s.asked.once()); diff != "" {
		s.Errorf("requests and answers (-make run +deployed):\n%s", diff)
	}
	run("dataverse-ify", "odata-client", "odata-csdl", "odata-query", "ojs", "samples", "dataverse-webapi", "xrm-webapi", "dataverse-sdk")
}

// killed kills functions while leads arrive: a request that got no answer is sent
// again, as a client would, and every lead that was accepted is evaluated once.
func (s *stack) killed() {
	token := s.token("segue", "Salesperson")
	stop := make(chan struct{})
	var killer, writers sync.WaitGroup
	kills := 0
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(300 * time.Millisecond):
				kills += killFunctions(s.T, s.Endpoint)
			}
		}
	})
	for n := range killedLeads {
		writers.Go(func() {
			for try := range 50 {
				if status := patchLead(s, token, id(100+n)); status == http.StatusNoContent {
					return
				} else if try == 49 {
					s.Errorf("lead %d: %d in the end", n, status)
				}
				time.Sleep(200 * time.Millisecond)
			}
		})
	}
	writers.Wait()
	time.Sleep(time.Second) // of kills while changes are followed
	close(stop)
	killer.Wait()
	s.steps += killedLeads
	if kills < 3 {
		s.Errorf("%d functions were killed only", kills)
	}
	for n := range killedLeads {
		s.eventually(fmt.Sprintf("lead %d is not in its segment", n), soon, func() bool { return s.member(id(100 + n)) })
		if n := s.lookup(rows.Ref{Table: name.Lead, ID: id(100 + n)}).Int(name.SegueEntries); n != 1 {
			s.Errorf("a lead was connected %d times", n)
		}
	}
}

// patchLead makes a lead, and returns the status, 0 for none.
func patchLead(s *stack, token, lead string) int {
	r, err := http.NewRequestWithContext(s.Context(), "PATCH", s.url+data+"leads("+lead+")", strings.NewReader(`{"subject":"Killed",`+fromShow+`}`))
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close() // it is empty, or an error that the status tells
	return answer.StatusCode
}

// killFunctions kills the processes that the emulator runs functions in, and returns
// how many there were.
func killFunctions(t *testing.T, endpoint string) (n int) {
	t.Helper()
	home := os.Getenv("SEGUE_CACHE")
	if home == "" {
		home = filepath.Join(root(t), ".cache")
	}
	text, err := os.ReadFile(filepath.Join(home, "emulator", strings.TrimPrefix(endpoint, "http://")+".pid"))
	if err != nil {
		t.Error(err)
		return 0
	}
	out, _ := exec.Command("pgrep", "-f", "-P", strings.TrimSpace(string(text)), "bootstrap").Output() // it fails when there is none
	for _, pid := range strings.Fields(string(out)) {
		if number, err := strconv.Atoi(pid); err == nil && syscall.Kill(number, syscall.SIGKILL) == nil {
			n++
		}
	}
	return n
}

// setConditions changes what the segment asks for past its rules, and another segment by
// them, so that the functions read the segments again.
func (s *stack) setConditions(text string) {
	s.Helper()
	err := s.laptop.DB.Do(s.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(s.Context(), rows.Ref{Table: name.Segment, ID: segment})
		if err == nil {
			found[0].Set(name.MsdynEntityfilter, schema.Text(text))
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	s.do(manager, "POST", data+"msdyn_segments", `{"msdyn_name":"Other","msdyn_objecttype":"lead"}`, http.StatusNoContent)
	time.Sleep(2 * time.Second) // a process may use old definitions for one
}

// poison: a change that no try mends waits where it can be seen, and holds up no other;
// it is taken up by the command, by the action, and with all others.
func (s *stack) poison() {
	sound := s.lookup(rows.Ref{Table: name.Segment, ID: segment}).Text(name.MsdynEntityfilter)
	s.setConditions(`{"type":"and","items":[{"attribute":"new_gone","operator":"null"}]}`)
	for n := 200; n < 203; n++ {
		s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+id(n)+`","subject":"Poison",`+fromShow+`}`, http.StatusNoContent)
	}
	s.do("Salesperson", "POST", data+"opportunities", `{"name":"Of another type"}`, http.StatusNoContent)
	list := ""
	s.eventually("the changes are not parked", soon, func() bool {
		list = s.segue("parked")
		return strings.Count(list, "segmentation.evaluate") >= 3
	})
	for n := 200; n < 203; n++ {
		if !strings.Contains(list, id(n)) || !strings.Contains(list, "new_gone") {
			s.Errorf("lead %d is not parked with its reason:\n%s", n, list)
		}
	}
	s.setConditions(sound)
	s.segue("redrive", "--table", name.Lead, "--id", id(200))
	s.eventually("the command has not taken up the change", soon, func() bool { return s.member(id(200)) })
	s.do("System Administrator", "POST", data+"segue_Redrive", `{"Table":"lead","Id":"`+id(201)+`"}`, http.StatusNoContent)
	s.eventually("the action has not taken up the change", soon, func() bool { return s.member(id(201)) })
	s.do("System Administrator", "POST", data+"segue_Redrive", `{"All":true}`, http.StatusNoContent)
	s.eventually("the change is not taken up with all others", soon, func() bool { return s.member(id(202)) })
}

// backfilled: a lead that no segment had when it came gets the one that was made later, by
// tasks of the queue for that and of no other.
func (s *stack) backfilled() {
	const lead, later = "1ead0000-0000-4000-8000-000000000430", "5e600000-0000-4000-8000-000000000430"
	s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+lead+`","subject":"There already","lastname":"Visitor","leadsourcecode":8}`, http.StatusNoContent)
	time.Sleep(2 * time.Second) // longer than it takes to follow a change
	s.do(manager, "POST", data+"msdyn_segments", `{"msdyn_segmentid":"`+later+`","msdyn_name":"Later","msdyn_objecttype":"lead",
		"msdyn_entityfilter":"{\"type\":\"and\",\"items\":[{\"attribute\":\"leadsourcecode\",\"operator\":\"eq\",\"values\":[8]}]}"}`, http.StatusNoContent)
	s.do(manager, "PATCH", data+"msdyn_segments("+later+")", `{"statecode":0}`, http.StatusNoContent)
	member := func() bool {
		return s.lookup(rows.Ref{Table: name.Lead, ID: lead}).Lookup(name.MsdynSegmentid).ID == later
	}
	back := s.away("JobFunctionBackfill")
	s.do(manager, "POST", data+"msdyn_segments("+later+")/Microsoft.Dynamics.CRM.ApplyToExisting", `{}`, http.StatusOK)
	time.Sleep(4 * time.Second) // longer than a job takes to begin
	if member() {
		s.Error("the lead got its segment while nothing worked on the queue")
	}
	back()
	s.eventually("the lead does not get its segment", time.Minute, member)
	s.works("JobFunctionBackfill")
	if said := s.follow("backfill", ""); !strings.Contains(said, "completed") {
		s.Errorf("backfill says %s", said)
	}
}

// bounced has the provider tell that an email of a step has come back: the connection ends. The
// row of the ledger is one that sending would have left.
func (s *stack) bounced() {
	lead := id(460)
	s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+lead+`","emailaddress1":"ada@example.com",`+fromShow+`}`, http.StatusNoContent)
	s.eventually("the lead is not in its segment", soon, func() bool { return s.member(lead) })
	live, err := connection.Live(s.lookup(rows.Ref{Table: name.Lead, ID: lead}))
	if err != nil {
		s.Fatal(err)
	}
	target := s.lookup(rows.RefTo(name.SequenceTarget, live[sequence]))
	step := target.Lookup(name.SegueCurrentstep)
	send := string(mailing.SendID(name.SequenceTargetStepID(step.ID)))
	err = s.laptop.DB.Do(s.Context(), "", func(tx *rows.Tx) error {
		tx.Create(tx.Schema().Table(name.SentEmail), send, map[string]schema.Value{
			name.SegueStep: schema.Ref(step), name.SegueTarget: schema.RefTo(name.SequenceTarget, target.ID),
			name.SegueSendstate: schema.Int(1), name.SegueRecipient: schema.Text("ada@example.com"),
		})
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	event := `{"eventType":"Bounce","mail":{"messageId":"m-1","timestamp":"2026-01-02T03:00:00.000Z","tags":{"segue-send":["` + send + `"]}},` +
		`"bounce":{"bounceType":"Permanent","timestamp":"2026-01-02T03:01:00.500Z","bouncedRecipients":[{"emailAddress":"ada@example.com","diagnosticCode":"550 nobody"}]}}`
	body, err := json.Marshal(map[string][]string{"Events": {event}})
	if err != nil {
		s.Fatal(err)
	}
	s.do(sales.SystemAdministrator, "POST", data+"segue_MailEvents", string(body), http.StatusNoContent)
	s.eventually("the connection does not end", soon, func() bool {
		ended := s.lookup(target.Ref())
		return ended.Int(name.Statecode) == 1 && ended.Int(name.MsdynDeactivatereason) == 7
	})
}

// mailed: the schedule sends the email of a step, its recipient opens it, follows its link and
// unsubscribes without a token, and SES tells that it has come back, which ends the connection.
func (s *stack) mailed() {
	const template, offers, link = "7e3a0000-0000-4000-8000-000000000470", "5e900000-0000-4000-8000-000000000470", "https://www.example.test/offer"
	lead := id(470)
	s.shell("aws sesv2 create-email-identity --email-identity example.test")
	s.do(sales.SystemAdministrator, "POST", data+"templates", `{"templateid":"`+template+`","title":"Offer","subject":"An offer","safehtml":"<p><a href='`+link+`'>Look</a></p>"}`, http.StatusNoContent)
	s.do(manager, "POST", data+"msdyn_sequences", `{"msdyn_sequenceid":"`+offers+`","msdyn_name":"Offers","msdyn_regardingentityname":"lead",
		"msdyn_definition":"[{\"type\":\"automatedemail\",\"name\":\"Offer\",\"template\":\"`+template+`\"},{\"type\":\"task\",\"name\":\"Look\"}]"}`, http.StatusNoContent)
	s.do(manager, "PATCH", data+"msdyn_sequences("+offers+")", `{"statecode":1}`, http.StatusNoContent)
	s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+lead+`","subject":"Mailed","lastname":"Example","emailaddress1":"grace@example.test"}`, http.StatusNoContent)
	s.do("Salesperson", "POST", "/api/connect", `{"SequenceId":"`+offers+`","Records":[{"EntityName":"lead","Id":"`+lead+`"}]}`, http.StatusOK)
	live, err := connection.Live(s.lookup(rows.Ref{Table: name.Lead, ID: lead}))
	if err != nil {
		s.Fatal(err)
	}
	target := s.lookup(rows.RefTo(name.SequenceTarget, live[offers]))
	send := mailing.SendID(name.SequenceTargetStepID(target.Lookup(name.SegueCurrentstep).ID))
	ledger := func(column string) bool {
		row := s.lookup(rows.RefTo(name.SentEmail, send))
		return row != nil && !row.Time(column).IsZero()
	}
	s.eventually("the email is not sent", aMinute, func() bool { return ledger(name.SegueSenton) })
	s.visit("GET", mailing.Token{Act: mailing.Open, Send: send}, http.StatusOK, "")
	s.visit("GET", mailing.Token{Act: mailing.Follow, Send: send}, http.StatusFound, link)
	s.visit("POST", mailing.Token{Act: mailing.Unsubscribe, Send: send}, http.StatusOK, "")
	if !ledger(name.SegueOpenedon) || !ledger(name.SegueClickedon) || !ledger(name.SegueUnsubscribedon) {
		s.Errorf("what the recipient did is not noted: %v", s.lookup(rows.RefTo(name.SentEmail, send)).Values())
	}
	s.tellBySES(`{"eventType":"Bounce","bounce":{"bounceType":"Permanent","timestamp":"2026-01-02T03:01:00.500Z","bouncedRecipients":[{"emailAddress":"grace@example.test"}]},` +
		`"mail":{"messageId":"m-2","timestamp":"2026-01-02T03:00:00.000Z","tags":{"ses:configuration-set":["` + s.Set + `"],"segue-send":["` + string(send) + `"]}}}`)
	s.eventually("the connection does not end", soon, func() bool {
		return s.lookup(target.Ref()).Int(name.MsdynDeactivatereason) == 7
	})
	s.works("NotifyFunction", "NotifyFunctionEvents")
}

// tellBySES has the stack's rule take an event of SES. The emulator lets nobody but its own
// services say that they are AWS, and its SES says nothing. So it is asked whether the rule
// would take the event, and then the rule takes it from another source.
func (s *stack) tellBySES(event string) {
	s.Helper()
	said := s.shell("EVENT='" + event + "'\n" + `
RULE=$(aws cloudformation describe-stack-resource --stack-name segue --logical-resource-id MailRule --query StackResourceDetail.PhysicalResourceId --output text)
RULE=${RULE##*[/|]}
PATTERN=$(aws events describe-rule --name "$RULE" --query EventPattern --output text)
aws events test-event-pattern --event-pattern "$PATTERN" --event '{"version":"0","id":"1","account":"000000000000","time":"2026-01-02T03:01:01Z","region":"us-east-1","resources":[],"source":"aws.ses","detail-type":"Email Bounced","detail":'"$EVENT}"
aws events put-rule --name "$RULE" --event-pattern "${PATTERN//aws.ses/test.ses}"
aws events put-events --entries "$(python3 -c 'import json, sys; print(json.dumps([{"Source": "test.ses", "DetailType": "Email Bounced", "Detail": sys.argv[1]}]))' "$EVENT")"`)
	if !strings.Contains(said, `"Result": true`) || !strings.Contains(said, `"FailedEntryCount": 0`) {
		s.Fatalf("EventBridge says %s", said)
	}
}

// visit follows an address of an email as its recipient does, without a token.
func (s *stack) visit(method string, to mailing.Token, status int, location string) {
	s.Helper()
	s.steps++
	signed := &mailing.Mailing{Config: mailing.Config{Base: s.url, Key: []byte("cloud.00000000000000000000000000000000")}}
	r, err := http.NewRequestWithContext(s.Context(), method, signed.Address(to), http.NoBody)
	if err != nil {
		s.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(r) // which follows no redirect
	if err != nil {
		s.Fatal(err)
	}
	_ = answer.Body.Close() // the status tells
	if answer.StatusCode != status || answer.Header.Get("Location") != location {
		s.Errorf("%s %c: %s, to %q, want %d to %q", method, to.Act, answer.Status, answer.Header.Get("Location"), status, location)
	}
}

// deleted: the members of a deleted segment are unlinked by a job.
func (s *stack) deleted() {
	s.do(manager, "DELETE", data+"msdyn_segments("+segment+")", "", http.StatusNoContent)
	for n := range killedLeads {
		s.eventually("a member has a link to the deleted segment", soon, func() bool {
			return s.lookup(rows.Ref{Table: name.Lead, ID: id(100 + n)}).Lookup(name.MsdynSegmentid).ID == ""
		})
	}
	jobs := ""
	defer func() {
		if s.Failed() {
			s.Log(jobs)
		}
	}()
	s.eventually("the job is not completed", soon, func() bool {
		jobs = s.segue("jobs")
		return strings.Contains(jobs, "Unlink deleted segment") && !strings.Contains(jobs, sales.JobRunning.String())
	})
	s.works("JobFunction", "JobFunctionTasks")
	s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+id(821)+`",`+fromShow+`}`, http.StatusNoContent)
	s.passed(id(821)) // the rows of jobs too, which what began them has made
}
