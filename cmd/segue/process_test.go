package main

import (
	"os"
	"os/exec"
	"testing"
)

// asProgram is the variable of the environment that makes the binary of these tests
// the program that they test. So nothing is built, and with the race detector on, the
// program runs under it as well.
const asProgram = "SEGUE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// segue returns the program with arguments, in a process of its own.
func segue(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, args...)
	command.Env = append(os.Environ(), asProgram+"=1")
	return command
}
