package embed

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"segue/internal/store"
)

// hasty does not wait long for another process.
func hasty(o *options) { o.patience = 20 * time.Millisecond }

// TestFirstStartsTogether has several processes make one store: one gets it, and the
// others are told that it is in use.
func TestFirstStartsTogether(t *testing.T) {
	t.Parallel()
	for range 5 {
		path := filepath.Join(t.TempDir(), "table.db")
		stores, errs := make([]*Store, 3), make([]error, 3)
		var all sync.WaitGroup
		for n := range stores {
			all.Go(func() { stores[n], errs[n] = Open(path, testIndexes(), NoSync()) })
		}
		all.Wait()
		opened := 0
		for n, s := range stores {
			switch {
			case errs[n] == nil:
				opened++
				closeStore(t, s)
			case !errors.Is(errs[n], ErrInUse):
				t.Error(errs[n])
			}
		}
		if opened != 1 {
			t.Errorf("%d of %d have the store", opened, len(stores))
		}
	}
}

// TestSlowFirstStart has another process make the file, and take longer than this one
// waits.
func TestSlowFirstStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	locked, opened := make(chan struct{}), make(chan struct{})
	made := make(chan error)
	go func() {
		// bbolt asks for the file, locks it and then makes it: what it is given is locked,
		// and stays empty, until the other has ended.
		var file *os.File
		slow := func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			f, err = os.OpenFile(name, flag|os.O_EXCL, mode)
			file = f
			return f, err
		}
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{OpenFile: slow})
		if err == nil {
			err = file.Truncate(0)
		}
		close(locked)
		<-opened
		if err == nil {
			err = db.Close()
		}
		made <- err
	}()
	<-locked
	_, err := Open(path, testIndexes(), hasty)
	if !errors.Is(err, ErrInUse) {
		t.Errorf("while another makes it: %v", err)
	}
	close(opened)
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, testIndexes(), hasty) // it is empty still, and nobody's
	complains(t, err, path)
}

// TestReplacedWhileOpening has a compaction end while another process waits for the
// file: it gets the new one.
func TestReplacedWhileOpening(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows replaces no file that is open")
	}
	path, n := filled(t)
	old, _, err := openFile(path, defaults())
	if err != nil {
		t.Fatal(err)
	}
	if err := writeCompact(old, path+".compact"); err != nil {
		t.Fatal(err)
	}
	asked, opened := make(chan struct{}), make(chan error)
	var s *Store
	go func() {
		close(asked)
		var err error
		s, err = Open(path, testIndexes(), NoSync())
		opened <- err
	}()
	<-asked
	time.Sleep(20 * time.Millisecond) // it waits for the lock by now, or finds the new file, which is right as well
	if err := replaceFile(old, path, path+".compact"); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	put(t, s, row("meanwhile"))
	var k taker
	if err := s.Drain(t.Context(), "c", k.handle); err != nil { // so that it is in the tables alone
		t.Fatal(err)
	}
	closeStore(t, s)
	s = openAt(t, path, testIndexes(), NoSync())
	found, err := s.Get(t.Context(), row("000").Key(), row("meanwhile").Key())
	if err != nil || found[0] == nil || found[1] == nil {
		t.Errorf("found %v, %v", found, err)
	}
	if items, err := s.Query(t.Context(), store.Query{Partition: "p"}); err != nil || len(items.Items) != n+1 {
		t.Errorf("%d items, want %d; %v", len(items.Items), n+1, err)
	}
}

// TestFailedFirstStart has a first start fail after it has made its file, because there
// is the journal of another store.
func TestFailedFirstStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, testIndexes())
	put(t, s, row("a"))
	alone := filepath.Join(t.TempDir(), "table.db")
	if err := os.CopyFS(journalDir(alone), os.DirFS(journalDir(path))); err != nil {
		t.Fatal(err)
	}
	_, err := Open(alone, testIndexes())
	complains(t, err, alone)
	if _, err := os.Stat(alone); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file that it has made: %v", err)
	}
	if _, err := os.Stat(filepath.Join(journalDir(alone), "00000000000000000001.log")); err != nil {
		t.Errorf("the journal that was there: %v", err)
	}
}
