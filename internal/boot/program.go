package boot

import (
	"cmp"
	"os"
	"runtime/debug"
)

// devel is the version of a program that nobody gave one.
const devel = "devel"

// program returns the version of this program: the one that it was given, else the
// one that the build took from the repository, else that of the Lambda function.
func program() string {
	built := ""
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "(devel)" {
		built = info.Main.Version
	}
	return cmp.Or(os.Getenv("SEGUE_PROGRAM"), built, os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"), devel)
}
