//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// prospects is a file of leads as another system exports it: an id, columns and labels
// of its own, no last names. The people in it do not exist.
type prospects struct {
	rows    int
	pigeons int            // rows with a source that nobody has translated
	long    int            // rows with a first name that is too long
	members map[string]int // of the segments of the demo that take them
}

func (p *prospects) write(t *testing.T, path string) {
	t.Helper()
	dice := rand.New(rand.NewPCG(9, 9000))
	pick := func(words string) string { list := strings.Split(words, ","); return list[dice.IntN(len(list))] }
	lines := [][]string{{"Prospect ID", "Lead Origin", "Lead Source", "First Name", "Email", "Company", "City", "Country", "Do Not Email", "Total Visits", "Time on Site", "Last Activity"}}
	p.members = map[string]int{}
	for n := range p.rows {
		source := pick("Google,Google,Google,Direct Traffic,Direct Traffic,Organic Search,Facebook,Chat,Referral Sites,Trade Fair")
		first, mail := pick("Ada,Bela,Carla,Dario,Edda,Farid,Greta,Hugo,Imani,Jonas,Kira,Lars,Mina,Nora,Olga,Pablo"), fmt.Sprintf("prospect%d@example.com", n)
		company := pick("Alder,Birch,Cedar,Drift,Elm,Fern,Grove") + " " + pick("Works,Industries,Labs,Partners,Group")
		country := pick("Germany,Austria,France,Spain,India,Canada,United States")
		opted := pick("No,No,No,No,No,No,No,No,No,Yes")
		if dice.IntN(20) == 0 {
			mail = ""
		}
		refused := true
		switch {
		case n%1000 == 500:
			source = "Carrier Pigeon"
			p.pigeons++
		case n%3000 == 700:
			first = strings.Repeat("Ada ", 20)
			p.long++
		default:
			refused = false
		}
		if segment := segmentOf(source, company, country, mail, opted); segment != "" && !refused {
			p.members[segment]++
		}
		lines = append(lines, []string{
			fmt.Sprintf("P-%05d", n), pick("Landing Page,Form,Import"), source, first, mail, company, pick("Graz,Lyon,Ulm,Pune,Toronto"), country, opted,
			strconv.Itoa(dice.IntN(30)), strconv.Itoa(dice.IntN(2000)), pick("Email Opened,Page Visited,Form Submitted"),
		})
	}
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(lines); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// segmentOf says in plain words which segment of the demo takes a prospect.
func segmentOf(source, company, country, mail, opted string) string {
	industrial := strings.HasSuffix(company, "Works") || strings.HasSuffix(company, "Industries")
	web := source == "Google" || source == "Organic Search" || source == "Facebook"
	switch {
	case source == "Referral Sites":
		return "Referrals"
	case source == "Trade Fair" || industrial && (country == "Germany" || country == "Austria"):
		return "Trade show, industry"
	case web && mail != "" && opted == "No":
		return "Web and advertising"
	}
	return ""
}

// run runs a command of bin/segue and returns what it prints and its exit status.
func run(t *testing.T, binary string, args ...string) (text string, status int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), ended.ExitCode()
	}
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out), 0
}

func says(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, part := range want {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
}

// placed reads from what import prints how many leads each segment has.
func placed(text string) map[string]int {
	members := map[string]int{}
	_, text, _ = strings.Cut(text, "Segments and their members")
	text, _, _ = strings.Cut(text, "Sequences and the records")
	for _, line := range regexp.MustCompile(`(?m)^  lead +(.+?) +([0-9,]+)$`).FindAllStringSubmatch(text, -1) {
		if n, _ := strconv.Atoi(strings.ReplaceAll(line[2], ",", "")); n > 0 {
			members[line[1]] = n
		}
	}
	return members
}

// A user with 9,000 prospects of another system and an empty folder has them in
// segments after two commands, and serves them with a third.
func TestWalkthrough(t *testing.T) {
	dir := t.TempDir()
	binary, data, file := filepath.Join(dir, "segue"), filepath.Join(dir, "data"), filepath.Join(dir, "prospects.csv")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/segue")
	build.Dir = root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	p := prospects{rows: 9000}
	p.write(t, file)

	text, status := run(t, binary, "demo", "--leads", "0", "--data", data)
	says(t, text, "5 msdyn_sequence", "10 msdyn_segment", "Web and advertising")
	if status != 0 {
		t.Fatalf("demo ended with %d:\n%s", status, text)
	}
	plain := []string{"import", file, "--table", "lead", "--data", data}
	text, status = run(t, binary, plain...)
	says(t, text, `field 1 "Prospect ID": no column has that name`, `"Email": no column has that name; close to it: donotemail (Do not allow Emails), emailaddress1 (Email Address 1)`,
		"Give a field a column with --map 'Header=column', or leave it out with --map 'Header=-'; --only mapped leaves out all that have none\n")
	if status == 0 {
		t.Error("a header that fits nothing is a success")
	}
	full := append(slices.Clone(plain), "--key", "Prospect ID", "--only", "mapped", "--map", "Email=emailaddress1;Company=companyname;City=address1_city;Country=address1_country;Do Not Email=donotemail",
		"--set", "lastname=unknown", "--options", "leadsourcecode=Google:8,Organic Search:8,Facebook:1,Direct Traffic:10,Chat:10,Referral Sites:3,Trade Fair:7")
	refused := p.pigeons + p.long
	reasons := []string{
		fmt.Sprintf("  %d rows: leadsourcecode has no option \"Carrier Pigeon\" (field \"Lead Source\") (first in line 502)", p.pigeons),
		fmt.Sprintf("  %d rows: firstname: must have at most 50 characters (UTF-16 code units) (field \"First Name\") (first in line 702: ", p.long),
		"Say which options these are: --options 'leadsourcecode=Carrier Pigeon:N', with N one of 1 Advertisement, 2 Employee Referral",
		"Left out, for no column has that name: Prospect ID, Lead Origin, Total Visits, Time on Site, Last Activity",
		fmt.Sprintf("%d of 9,000 rows were refused", refused),
	}
	text, status = run(t, binary, append(slices.Clone(full), "--dry-run")...)
	says(t, text, append(reasons, fmt.Sprintf("9,000 lines read, 8,9%02d rows would be written, %d would be refused", 100-refused, refused), "Nothing was written (--dry-run).")...)
	if status != 1 {
		t.Errorf("a dry run that refuses rows ended with %d", status)
	}
	text, status = run(t, binary, full...)
	t.Logf("%s", text)
	says(t, text, append(reasons, fmt.Sprintf("9,000 lines read, 8,9%02d rows written, %d refused", 100-refused, refused), "Evaluated in ")...)
	if status != 1 {
		t.Errorf("an import that refuses rows ended with %d", status)
	}
	if got := placed(text); fmt.Sprint(got) != fmt.Sprint(p.members) {
		t.Errorf("the segments have %v, want %v", got, p.members)
	}
	checkRejects(t, file+".rejected", refused)
	serveProspects(t, binary, data, full, &p)
}

// checkRejects reads the reject file: all lines, in their order.
func checkRejects(t *testing.T, path string, want int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, line := range lines[1:] {
		n, err := strconv.Atoi(line[0])
		if err != nil || line[1] == "" || line[2] == "" || !strings.HasPrefix(line[3], "P-") {
			t.Errorf("reject file: %q", line)
		}
		numbers = append(numbers, n)
	}
	if len(numbers) != want || !slices.IsSorted(numbers) {
		t.Errorf("the reject file has the lines %v, want %d in their order", numbers, want)
	}
}

// serveProspects serves the store, which is as the import left it, and loads the file
// again through the server, which makes no row twice.
func serveProspects(t *testing.T, binary, data string, load []string, p *prospects) {
	t.Helper()
	server := exec.CommandContext(t.Context(), binary, "serve", "--data", data, "--addr", "127.0.0.1:0")
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	address := filepath.Join(data, "segue.addr")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(address); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready:\n%s", said.String())
		}
	}
	written := p.rows - p.pigeons - p.long
	if got := countLeads(t, binary, data, address); got != written {
		t.Errorf("the server has %d leads, want %d", got, written)
	}
	text, status := run(t, binary, load...)
	says(t, text, "Working through the server at http://127.0.0.1:", "The server evaluates the rows as they come.")
	if status != 1 {
		t.Errorf("the import through the server ended with %d:\n%s", status, text)
	}
	if got := countLeads(t, binary, data, address); got != written {
		t.Errorf("after loading the file again the server has %d leads, want %d", got, written)
	}
	if err := errors.Join(server.Process.Signal(syscall.SIGTERM), server.Wait()); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	says(t, said.String(), "Using the store in "+data+" as it is.", "Base URL  http://127.0.0.1:", "Stop with Ctrl-C.")
}

// countLeads reads all pages of the list of leads.
func countLeads(t *testing.T, binary, data, address string) (n int) {
	t.Helper()
	url, err := os.ReadFile(address)
	if err != nil {
		t.Fatal(err)
	}
	token, err := exec.CommandContext(t.Context(), binary, "token", "--data", data).Output()
	if err != nil {
		t.Fatal(err)
	}
	for next := strings.TrimSpace(string(url)) + "/api/data/v9.2/leads?$select=leadid"; next != ""; {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, next, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		var page struct {
			Value []struct{ LeadID string }
			Next  string `json:"@odata.nextLink"`
		}
		if err := errors.Join(err, response.Body.Close(), json.Unmarshal(body, &page)); err != nil {
			t.Fatalf("%s: %v", next, err)
		}
		n, next = n+len(page.Value), page.Next
	}
	return n
}
