//go:build e2e

package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	ownstack "segue/internal/boot/stack"
	"segue/internal/schema"
)

const (
	plantSequence = "5e900000-0000-4000-8000-0000000000e1"
	plantSegment  = "5e900000-0000-4000-8000-0000000000e2"
	plantFile     = `{"name":"new_plant","set":"new_plants","label":"Plant","id":"new_plantid","primaryName":"new_name","traits":["record","userOwned"],` +
		`"columns":[{"name":"new_name","label":"Größe","type":"string","maxLength":100}],` +
		`"states":[{"value":0,"label":"Open","statuses":[{"value":1,"label":"New"}]},{"value":1,"label":"Closed","statuses":[{"value":2,"label":"Closed"}]}]}`
	leadFile = `{"name":"lead","columns":[{"name":"new_visits","label":"Visits","type":"integer"}]}`
)

// ownTables is a schema folder with a table of records, and a column more of leads.
func ownTables(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "tables"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"new_plant": plantFile, "lead": leadFile} {
		if err := os.WriteFile(filepath.Join(folder, "tables", name+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// TestOwnTables deploys own tables: their changes are followed, and no later build takes
// them away unless it says so.
func TestOwnTables(t *testing.T) {
	s := deploy(t, "SCHEMA="+ownTables(t))
	s.part("a change of an own table is evaluated", s.plants)
	s.part("a build that forgets the tables", func() {
		said := s.refusedUpdate()
		for _, want := range []string{"new_plant", "lead.new_visits", "DROP=lead.new_visits,new_plant", "new_plant is used by 2 rows"} {
			if !strings.Contains(said, want) {
				s.Errorf("the refusal does not say %q:\n%s", want, said)
			}
		}
	})
	s.part("SAM by itself", func() {
		if said := s.samAlone(); !strings.Contains(said, "Schema") || !strings.Contains(said, "AllowedValues") {
			s.Errorf("CloudFormation says:\n%s", said)
		}
	})
	s.part("they are there", func() { s.plant(id(902)) })
	s.part("a build that may take them away", func() {
		s.updateWith("DROP=new_plant,lead.new_visits")
		s.do(manager, "GET", data+"new_plants", "", http.StatusNotFound)
		s.newLeadWith(id(904), `"new_visits":1,`, http.StatusBadRequest)
		s.newLeadWith(id(905), "", http.StatusNoContent)
	})
	t.Logf("%d steps driven", s.steps)
}

// plants makes a segment of the own table, and rows that come to it: by an insert, and by
// a change.
func (s *stack) plants() {
	if n := strings.Count(fmt.Sprint(s.Filters), `"new_plant#"`); n != 1 {
		s.Errorf("%d filters let the table through: %v", n, s.Filters)
	}
	s.do(manager, "POST", data+"msdyn_sequences", `{"msdyn_sequenceid":"`+plantSequence+`","msdyn_name":"Plants","msdyn_regardingentityname":"new_plant",
		"msdyn_definition":"[{\"type\":\"phonecall\",\"name\":\"Call\"}]"}`, http.StatusNoContent)
	s.do(manager, "PATCH", data+"msdyn_sequences("+plantSequence+")", `{"statecode":1}`, http.StatusNoContent)
	s.do(manager, "POST", data+"msdyn_segments", `{"msdyn_segmentid":"`+plantSegment+`","msdyn_name":"Plants","msdyn_objecttype":"new_plant",
		"msdyn_entityfilter":"{\"type\":\"and\",\"items\":[{\"attribute\":\"new_name\",\"operator\":\"eq\",\"values\":[\"Mill\"]}]}",
		"msdyn_sequence@odata.bind":"/msdyn_sequences(`+plantSequence+`)"}`, http.StatusNoContent)
	s.do(manager, "PATCH", data+"msdyn_segments("+plantSegment+")", `{"statecode":0}`, http.StatusNoContent)
	s.plant(id(900))
	s.do(manager, "POST", data+"new_plants", `{"new_plantid":"`+id(901)+`","new_name":"Smithy"}`, http.StatusNoContent)
	s.do(manager, "PATCH", data+"new_plants("+id(901)+")", `{"new_name":"Mill"}`, http.StatusNoContent)
	s.connected(id(901))
}

// plant makes a row of the own table that belongs to the segment.
func (s *stack) plant(plant string) {
	s.Helper()
	s.do(manager, "POST", data+"new_plants", `{"new_plantid":"`+plant+`","new_name":"Mill"}`, http.StatusNoContent)
	s.connected(plant)
}

// connected waits until a row of the own table is at the first step.
func (s *stack) connected(plant string) {
	s.Helper()
	list := data + "msdyn_sequencetargets?$filter=" + strings.ReplaceAll("_msdyn_target_value eq "+plant+" and statecode eq 0", " ", "%20")
	s.eventually("the row of an own table has no first step", soon, func() bool {
		live, _ := s.do(manager, "GET", list, "", http.StatusOK)["value"].([]any)
		return len(live) == 1
	})
}

// newLeadWith makes a lead with more columns.
func (s *stack) newLeadWith(lead, more string, status int) {
	s.Helper()
	s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+lead+`",`+more+`"subject":"Plants"}`, status)
}

// updateWith builds and deploys this version, with what an operator has in the
// environment.
func (s *stack) updateWith(environment string) {
	s.Helper()
	s.steps++
	if out, err := s.cloudUpdate(environment).CombinedOutput(); err != nil {
		s.Fatalf("update with %s: %v\n%s", environment, err, out)
	}
}

// refusedUpdate is what is said to one who builds without the own tables, and deploys.
func (s *stack) refusedUpdate() string {
	s.Helper()
	s.steps++
	out, err := s.cloudUpdate().CombinedOutput()
	if err == nil {
		s.Fatalf("the tables are gone:\n%s", out)
	}
	return string(out)
}

func (s *stack) cloudUpdate(environment ...string) *exec.Cmd {
	command := exec.CommandContext(s.Context(), filepath.Join(root(s.T), "scripts/cloud.sh"), "update", s.Endpoint, root(s.T))
	command.Env = append(os.Environ(), environment...)
	return command
}

// samAlone is what CloudFormation says to one who deploys the last build, which has no own
// tables, without the project's script.
func (s *stack) samAlone() string {
	s.Helper()
	s.steps++
	home := os.Getenv("SEGUE_CACHE")
	if home == "" {
		home = filepath.Join(root(s.T), ".cache")
	}
	command := exec.CommandContext(s.Context(), filepath.Join(root(s.T), "scripts/sam.sh"), "exec", "deploy",
		"--template-file", filepath.Join(home, "cloud/build/emulated.yaml"), "--stack-name", "segue", "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset")
	command.Dir = root(s.T)
	command.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.Endpoint, "AWS_ACCESS_KEY_ID=segue", "AWS_SECRET_ACCESS_KEY=segue", "AWS_DEFAULT_REGION=us-east-1")
	out, err := command.CombinedOutput()
	if err == nil {
		s.Fatalf("the tables are gone:\n%s", out)
	}
	return string(out)
}

// TestBuild builds with and without own tables, in a copy of the repository that has
// never been built and in one that has.
func TestBuild(t *testing.T) {
	dir := t.TempDir()
	clone := "git ls-files -z --cached --others --exclude-standard | xargs -0 -n 200 ls -d 2>/dev/null | tar -cf - -T - | tar -xf - -C "
	shell(t, "cd "+root(t), clone+dir)
	own := ownTables(t)
	build := func(more string) {
		shell(t, "cd "+dir, "make build "+more+" >build.log 2>&1 || { cat build.log; exit 1; }")
	}
	content := func() string { return shell(t, "cd "+dir+"/.aws-sam/build", "find . -type f | sort | xargs sha256sum") }

	build("SCHEMA=" + own)
	fresh := content()
	for _, name := range []string{"new_plant", "lead"} {
		if n := strings.Count(fresh, "Function/schema/tables/"+name+".json"); n != 7 {
			t.Errorf("%d functions have the file of %s", n, name)
		}
	}
	template := shell(t, "cat "+dir+"/.aws-sam/build/template.yaml")
	folder, err := schema.ReadFolder(os.DirFS(own))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"prefix":"new_plant#"}`, "- " + ownstack.Hash(folder)} {
		if strings.Count(template, want) != 1 {
			t.Errorf("the template does not say %s once", want)
		}
	}

	build("")
	plain := content()
	if strings.Contains(plain, "/schema/") || strings.Contains(shell(t, "cat "+dir+"/.aws-sam/build/template.yaml"), "new_plant") {
		t.Errorf("a build without own tables has some:\n%s", plain)
	}
	shell(t, "cd "+dir, "mkdir -p .aws-sam/build/DataFunction/schema/tables", "echo '{}' >.aws-sam/build/DataFunction/schema/tables/new_old.json", "echo left >.aws-sam/build/template.yaml")
	build("SCHEMA=" + own)
	if again := content(); again != fresh {
		t.Errorf("in a tree that is not clean the build is another one:\n%s\nwant\n%s", again, fresh)
	}
	build("")
	if again := content(); again != plain {
		t.Errorf("after own tables the plain build is another one:\n%s\nwant\n%s", again, plain)
	}
}
