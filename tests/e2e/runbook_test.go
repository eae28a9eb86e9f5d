//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// runbooks are the blocks of docs/operations.md, and which of them were followed.
type runbooks struct {
	setting  string            // of the variables that all blocks take
	blocks   map[string]string // by the name in their first line
	followed map[string]bool
}

func readRunbooks(t *testing.T) *runbooks {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	r := &runbooks{blocks: map[string]string{}, followed: map[string]bool{}}
	for _, block := range codeBlocks(string(text)) {
		block = strings.ReplaceAll(block, "\n   ", "\n") // of a list
		first, rest, _ := strings.Cut(strings.TrimSpace(block), "\n")
		if called, ok := strings.CutPrefix(first, "# runbook: "); ok {
			r.blocks[called] = rest
		} else if strings.HasPrefix(first, "STACK=") {
			r.setting = block
		}
	}
	return r
}

// follow runs the block of a runbook on the stack, after what the operator has in the
// shell, and returns what it prints.
func (s *stack) follow(called, before string) string {
	s.Helper()
	block, ok := s.books.blocks[called]
	if !ok {
		s.Fatalf("docs/operations.md has no runbook %q", called)
	}
	s.books.followed[called] = true
	s.steps++
	setting := strings.Replace(s.books.setting, "ENDPOINT=aws", "ENDPOINT="+s.Endpoint, 1)
	return s.shell(strings.Join([]string{"set -euo pipefail", setting, before, block}, "\n"))
}

// all fails for a runbook of here that was not followed, and for one of the page that
// nobody follows.
func (r *runbooks) all(t *testing.T, here, elsewhere string) {
	t.Helper()
	for called := range strings.FieldsSeq(here) {
		if !r.followed[called] {
			t.Errorf("the runbook %q was not followed", called)
		}
	}
	for called := range r.blocks {
		if !slices.Contains(strings.Fields(here+" "+elsewhere), called) {
			t.Errorf("nobody follows the runbook %q", called)
		}
	}
}

// shell runs commands with the credentials and the tools of an operator.
func (s *stack) shell(script string) string {
	s.Helper()
	tools, err := exec.CommandContext(s.Context(), filepath.Join(root(s.T), "scripts/aws.sh"), "install").Output()
	if err != nil {
		s.Fatal(err)
	}
	// The command line of SQS heeds no endpoint of the environment.
	command := exec.CommandContext(s.Context(), "bash", "-c", `aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }`+"\n"+script)
	command.Dir = root(s.T)
	command.Env = append(os.Environ(), "PATH="+strings.TrimSpace(string(tools))+":"+os.Getenv("PATH"), "AWS_PAGER=",
		"AWS_ENDPOINT_URL="+s.Endpoint, "AWS_ACCESS_KEY_ID=segue", "AWS_SECRET_ACCESS_KEY=segue", "AWS_DEFAULT_REGION=us-east-1", "AWS_REGION=us-east-1")
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		s.Fatalf("%v\n%s\n%s\n%s", err, script, out, errs.String())
	}
	return string(out)
}

// protected: no later change of the stack replaces its table.
func (s *stack) protected() {
	s.follow("protect", "")
	if policy := s.shell("aws cloudformation get-stack-policy --stack-name segue"); !strings.Contains(policy, "LogicalResourceId/Table") {
		s.Errorf("the stack has the policy %s", policy)
	}
}

// tagged: the stack has the tag that it was deployed with, which was taken for no
// parameter.
func (s *stack) tagged() {
	if tags := s.shell("aws cloudformation describe-stacks --stack-name segue --query 'Stacks[0].Tags' --output text"); !strings.Contains(tags, "From\tcloud.sh") {
		s.Errorf("the stack has the tags %q", tags)
	}
}

// away takes the function of a mapping away until back brings it back. The emulator calls
// a function whatever its concurrency is, so the mapping is switched off.
func (s *stack) away(name string) (back func()) {
	s.Helper()
	mapping := "aws lambda update-event-source-mapping --uuid " + s.Mappings[name]
	s.shell(mapping + " --no-enabled")
	return func() {
		s.Helper()
		s.shell(mapping + " --enabled")
	}
}

// newLead makes a lead that belongs to the segment.
func (s *stack) newLead(lead string) {
	s.Helper()
	s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+lead+`","subject":"Runbook",`+fromShow+`}`, http.StatusNoContent)
}

// outage: leads come while the function that follows them is away. The change of one is
// in the bucket too, as if Lambda had given it up.
func (s *stack) outage() {
	back := s.away("EvaluateFunctionChanges")
	for n := 400; n < 405; n++ {
		s.newLead(id(n))
	}
	payload, err := json.Marshal(`{"Records":[{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","Keys":{"pk":{"S":"lead#0"},"sk":{"S":"` + id(400) + `"}}}}]}`)
	if err != nil {
		s.Fatal(err)
	}
	s.shell("aws s3 cp - s3://" + s.Bucket + "/aws/lambda/1 <<'OBJECT'\n" + `{"version":"1.0","payload":` + string(payload) + "}\nOBJECT")
	time.Sleep(2 * time.Second) // longer than it takes to follow a change
	if s.member(id(400)) || s.member(id(401)) {
		s.Error("a lead was followed while the function was away: this tests nothing")
	}
	s.follow("outage", "")
	if said := s.follow("redrive", ""); !strings.Contains(said, "1 rows of 1 objects taken up, 0 objects left") {
		s.Errorf("redrive says %s", said)
	}
	if !s.member(id(400)) {
		s.Error("the change in the bucket is not followed")
	}
	back()
	for n := 401; n < 405; n++ {
		s.eventually("a lead of the outage is not in its segment", time.Minute, func() bool { return s.member(id(n)) })
	}
}

// purged: what is in the queue of tasks that were given up, which keeps its alarm on, goes.
func (s *stack) purged() {
	dead := strings.TrimSpace(s.shell("aws cloudformation describe-stack-resource --stack-name segue --logical-resource-id JobDeadLetterQueue --query StackResourceDetail.PhysicalResourceId --output text"))
	waiting := func() string {
		return strings.TrimSpace(s.shell("aws sqs get-queue-attributes --queue-url " + dead + " --attribute-names ApproximateNumberOfMessages --query Attributes.ApproximateNumberOfMessages --output text"))
	}
	s.shell("aws sqs send-message --queue-url " + dead + ` --message-body '{"job":"` + id(440) + `","task":0}'`)
	if n := waiting(); n != "1" {
		s.Fatalf("%s tasks lie in the queue: this tests nothing", n)
	}
	s.follow("purge", "")
	if n := waiting(); n != "0" {
		s.Errorf("%s tasks lie in the queue", n)
	}
}

// erased: a person who is on a sequence, and whom a task is about.
func (s *stack) erased() {
	const person = "Zebedee"
	lead := id(420)
	s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+lead+`","firstname":"`+person+`",`+fromShow+`}`, http.StatusNoContent)
	s.eventually("the lead is not in its segment", soon, func() bool { return s.member(lead) })
	s.do("Salesperson", "POST", data+"tasks", `{"activityid":"`+id(421)+`","subject":"Call `+person+`","regardingobjectid_lead_task@odata.bind":"/leads(`+lead+`)"}`, http.StatusNoContent)
	said := s.follow("erase", "BASE="+s.url+strings.TrimSuffix(data, "/")+" LEAD="+lead+" TOKEN="+s.token("segue", sales.SystemAdministrator))
	var erasure struct {
		ID string `json:"segue_erasureid"`
	}
	if err := json.Unmarshal([]byte(said), &erasure); err != nil || erasure.ID == "" {
		s.Fatalf("%v in %s", err, said)
	}
	s.eventually("the erasure does not end", time.Minute, func() bool {
		return s.do(sales.SystemAdministrator, "GET", data+"segue_erasures("+erasure.ID+")?$select=segue_endedon", "", http.StatusOK)["segue_endedon"] != nil
	})
	if left := s.shell("aws dynamodb scan --table-name " + s.Table + " --output text"); strings.Contains(left, person) {
		s.Error("the table still has the person's name")
	}
	if s.lookup(rows.Ref{Table: "task", ID: id(421)}) != nil {
		s.Error("an activity about the person is there")
	}
}

// upgrade deploys a version with a new column and a new index while leads come, and works
// on the same rows with this one.
func (s *stack) upgrade() {
	s.newLead(id(1000))
	newer := s.newer()
	stop := make(chan struct{})
	var writer sync.WaitGroup
	made := 0
	token := s.token("segue", "Salesperson")
	writer.Go(func() {
		for ; ; made++ {
			select {
			case <-stop:
				return
			default:
			}
			for try := 0; patchLead(s, token, id(2000+made)) != http.StatusNoContent; try++ {
				if try == 50 {
					s.Errorf("lead %d is not accepted", made)
					return
				}
				time.Sleep(200 * time.Millisecond)
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	s.update(newer)
	close(stop)
	writer.Wait()
	s.steps += made
	if made < 10 {
		s.Errorf("%d leads came during the deployment", made)
	}
	for n := range made {
		s.eventually("a lead of the upgrade is not in its segment", soon, func() bool { return s.member(id(2000 + n)) })
		if n := s.lookup(rows.Ref{Table: name.Lead, ID: id(2000 + n)}).Int(name.SegueEntries); n != 1 {
			s.Errorf("a lead was connected %d times", n)
		}
	}
	s.mixed()
	s.reindexed(newer, id(1000))
}

// mixed: the new version uses its column; this one, whose table lacks it, writes the same
// row and leaves it.
func (s *stack) mixed() {
	ref := rows.Ref{Table: name.Lead, ID: id(2000)}
	s.do("Salesperson", "PATCH", data+"leads("+ref.ID+")", `{"new_score":7}`, http.StatusNoContent)
	set := map[string]schema.Value{"telephone1": schema.Text("1")}
	if _, _, err := s.laptop.Entities.Update(s.Context(), sales.Engine(), ref, set, entity.If{}); err != nil {
		s.Fatal(err)
	}
	got := s.do("Salesperson", "GET", data+"leads("+ref.ID+")?$select=new_score,telephone1", "", http.StatusOK)
	if got["new_score"] != 7.0 || got["telephone1"] != "1" {
		s.Errorf("the row is %v", got)
	}
	if item := s.item(ref.ID); !strings.Contains(item, newKey) {
		s.Errorf("the row has lost the key of the new index: %s", item)
	}
}

// reindexed: rows that the old version made get the keys of the new index. The command is
// that of the new version.
func (s *stack) reindexed(newer, old string) {
	if strings.Contains(s.item(old), newKey) {
		s.Error("a row of the old version has the key of the new index: this tests nothing")
	}
	said := s.follow("reindex", `segue() { (cd `+newer+` && go run ./cmd/segue "$@" --endpoint $ENDPOINT --dynamodb-table $TABLE); }`)
	if !strings.Contains(said, "completed") {
		s.Errorf("reindex says %s", said)
	}
	if item := s.item(old); !strings.Contains(item, newKey) {
		s.Errorf("a row of the old version lacks the key of the new index: %s", item)
	}
}

// newKey is the key of the leads of a trade show that are on a sequence in the index that the
// new version has.
const newKey = `"source#07"`

// item is what is stored of a lead, as JSON.
func (s *stack) item(lead string) string {
	s.Helper()
	return s.shell(`aws dynamodb scan --table-name ` + s.Table + ` --filter-expression 'sk = :id and begins_with(pk, :lead)' ` +
		`--expression-attribute-values '{":id": {"S": "` + lead + `"}, ":lead": {"S": "lead#"}}' --query Items[0] --output json`)
}

// newer is a copy of the repository whose leads have a column more, and an index.
func (s *stack) newer() string {
	dir := s.TempDir()
	s.shell(`git ls-files -z --cached --others --exclude-standard | xargs -0 -n 200 ls -d 2>/dev/null | tar -cf - -T - | tar -xf - -C ` + dir)
	path := filepath.Join(dir, "internal/schema/tables/lead.json")
	text, err := os.ReadFile(path)
	if err != nil {
		s.Fatal(err)
	}
	var table map[string]any
	if err := json.Unmarshal(text, &table); err != nil {
		s.Fatal(err)
	}
	columns, _ := table["columns"].([]any)
	table["columns"] = append(columns, map[string]any{"name": "new_score", "label": "Score", "type": "integer"})
	indexes, _ := table["indexes"].([]any)
	table["indexes"] = append(indexes, map[string]any{
		"name": "source", "serves": "leads of a source that are on a sequence", "on": "gsi1", "partition": []string{"leadsourcecode"}, "sort": []string{},
		"when": map[string]bool{"segue_connected": true}, "building": true,
	})
	if text, err = json.Marshal(table); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		s.Fatal(err)
	}
	s.shell("cd " + dir + " && go generate ./internal/schema/...")
	return dir
}

// update deploys what is in a folder to the stack.
func (s *stack) update(source string, parameters ...string) {
	s.Helper()
	s.steps++
	command := exec.CommandContext(s.Context(), filepath.Join(root(s.T), "scripts/cloud.sh"), append([]string{"update", s.Endpoint, source}, parameters...)...)
	if out, err := command.CombinedOutput(); err != nil {
		s.Fatalf("update: %v\n%s", err, out)
	}
}

// restored: the stack works on with a table that was restored from its own, from a moment
// at which a change was not followed yet.
func (s *stack) restored() {
	back := s.away("EvaluateFunctionChanges")
	s.newLead(id(700))
	s.follow("restore", "")
	stream := s.shell("aws dynamodb describe-table --table-name " + s.Table + "-restored --query Table.LatestStreamArn --output text")
	back()
	s.update(root(s.T), "TableName="+s.Table+"-restored", "TableStreamArn="+strings.TrimSpace(stream), "Organization="+s.Table)
	s.Table += "-restored"
	s.open()
	s.newLead(id(701))
	s.eventually("a lead of the restored table is not in its segment", time.Minute, func() bool { return s.member(id(701)) })
	if s.member(id(700)) {
		s.Error("the lead was followed: this tests nothing")
	}
	s.follow("follow", "RESTORED="+s.Table)
	if !s.member(id(700)) {
		s.Error("a lead whose change was lost is not followed")
	}
}
