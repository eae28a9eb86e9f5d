package stack_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The template that scripts/deploy.sh holds against the stack is the one that `sam deploy`
// takes, in whichever of SAM's forms it is given.
func TestDeployTemplate(t *testing.T) {
	for name, options := range map[string][]string{
		"long":                      {"--template-file", "not/there.yaml"},
		"long, in one":              {"--template-file=not/there.yaml"},
		"other name":                {"--template", "not/there.yaml"},
		"other name, in one":        {"--template=not/there.yaml"},
		"short":                     {"-t", "not/there.yaml"},
		"short, in one":             {"-tnot/there.yaml"},
		"the last of several":       {"-t", "template.yaml", "--template=not/there.yaml"},
		"after others":              {"--stack-name", "x", "--tags", "From=t", "-t", "not/there.yaml"},
		"after one without a value": {"--no-confirm-changeset", "-t", "not/there.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), "../../scripts/deploy.sh", append([]string{"dev"}, options...)...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "deploy.sh: not/there.yaml is not there") {
				t.Errorf("%v, it says: %s", err, out)
			}
		})
	}
}
