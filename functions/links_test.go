package functions_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestLinks: what only a laptop needs is not in a function, for it would be loaded at
// each cold start (docs/decisions/0022).
func TestLinks(t *testing.T) {
	laptop := []string{
		"segue/internal/embed", "go.etcd.io/bbolt", // the store in a file
		"segue/internal/dynamo/stream",                          // a stream without Lambda
		"segue/internal/auth/issuer", "github.com/lestrrat-go/", // keys and tokens
		"segue/internal/webserver", "segue/internal/boot/laptop", "segue/internal/boot/stack",
		"github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/feature/ec2/", "github.com/aws/aws-sdk-go-v2/service/s",
	}
	const queue, email = "github.com/aws/aws-sdk-go-v2/service/sqs", "github.com/aws/aws-sdk-go-v2/service/sesv2"
	queues := []string{"action", "advance", "evaluate", "job"} // tasks of jobs
	args := []string{"list", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "-tags", "lambda.norpc,nethttpomithttp2"}
	for _, name := range names() {
		args = append(args, "./"+name)
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	lists := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lists) != len(names()) {
		t.Fatalf("%d lists of packages, want %d", len(lists), len(names()))
	}
	for i, name := range names() {
		packages := strings.Fields(lists[i])
		if packages[0] != "segue/functions/"+name {
			t.Fatalf("list %d is that of %s, want %s", i, packages[0], name)
		}
		if !slices.Contains(packages, "segue/internal/dynamo") {
			t.Fatalf("%s does not import the store; is this its list? %d packages", name, len(packages))
		}
		for _, p := range packages {
			in := func(prefix string) bool { return strings.HasPrefix(p, prefix) }
			allowed := in(queue) && slices.Contains(queues, name) || in(email) && name == "advance" // which sends the emails that are due
			if slices.ContainsFunc(laptop, in) && !allowed || in("segue/internal/api/") && !in("segue/internal/api/operation") && name != "track" && !serves(name) || p == "segue/internal/api" && (!serves(name) || name == "track") {
				t.Errorf("%s links %s", name, p)
			}
		}
	}
}
