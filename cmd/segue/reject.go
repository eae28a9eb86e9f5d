package main

import (
	"fmt"
	"os"
)

// rejectFile takes the lines that an import refuses. It is opened before anything is
// written, so that a run that could not keep them does not begin, and emptied at the
// first of them: until then it has those of a run before, which a person may be mending.
type rejectFile struct {
	*os.File
	fresh bool // it was not there
	begun bool
}

// openRejects opens the reject file of an import of input. It refuses input itself.
func openRejects(path string, input *os.File) (*rejectFile, error) {
	before, err := os.Stat(path)
	if err == nil {
		loaded, err := input.Stat()
		if err != nil {
			return nil, err
		}
		if os.SameFile(before, loaded) {
			return nil, fmt.Errorf("--reject %s: that is the file to load; name another one for the lines that are refused", path)
		}
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666) //nolint:gosec // as os.Create does
	if err != nil {
		return nil, err
	}
	return &rejectFile{File: file, fresh: before == nil}, nil
}

// Write empties the file when it is called first.
func (r *rejectFile) Write(text []byte) (int, error) {
	if !r.begun {
		if stat, err := r.Stat(); err == nil && stat.Mode().IsRegular() { // a pipe has nothing to lose
			if err := r.Truncate(0); err != nil {
				return 0, err
			}
		}
		r.begun = true
	}
	return r.File.Write(text)
}

// finish closes the file. One without a line of this run is removed if this run made it,
// or has loaded all lines, so that none of before are left to mend.
func (r *rejectFile) finish(loadedAll bool) error {
	stat, err := os.Lstat(r.Name())
	if closed := r.Close(); closed != nil {
		return closed
	}
	if r.begun || !r.fresh && !loadedAll {
		return nil
	}
	if err != nil || !stat.Mode().IsRegular() { // it is gone already, or a device or a link
		return nil //nolint:nilerr // as it should be
	}
	return os.Remove(r.Name())
}
