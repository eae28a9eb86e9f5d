package laptop

import (
	"os"
	"path/filepath"
	"testing"
)

// A kill between taking the old folder away and putting the new one in its place leaves
// no folder: the next start compares with nothing, and takes away what rows use.
func TestAttackKilledBetween(t *testing.T) {
	data := t.TempDir()
	kept := filepath.Join(data, schemaFolder)
	if err := (files{"tables/lead.json": []byte(`{"name":"lead","columns":[]}`)}).write(kept); err != nil {
		t.Fatal(err)
	}
	// As write does it, up to the kill.
	if err := os.Rename(kept, kept+".new"); err != nil {
		t.Fatal(err)
	}
	before, err := readFolder(kept)
	if err != nil || len(before) == 0 {
		t.Errorf("after a kill the schema of before is %v, %v: nothing is compared", before, err)
	}
}
