package api_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"segue/internal/api"
	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/store"
)

// talkative is a store whose every other call fails with an error that tells keys.
type talkative struct {
	store.Store
	mu   *sync.Mutex // of dice: a selection is worked on by several at once
	dice *rand.Rand
}

func (s talkative) fail(what string, k store.Key) error {
	where := fmt.Sprintf("%s %s/%s", what, k.PK, k.SK)
	s.mu.Lock()
	thrown := s.dice.IntN(12)
	s.mu.Unlock()
	switch thrown {
	case 0:
		return fmt.Errorf("%s: %w", where, store.ErrUnavailable)
	case 1:
		return fmt.Errorf("%s: %w", where, store.ErrInvalid)
	case 2:
		return fmt.Errorf("%s: %w", where, &store.ExceededError{What: "bytes of item " + k.PK + "/" + k.SK, Size: 2, Max: 1})
	case 3:
		return errors.New(where + ": the disk is gone")
	case 4:
		return &store.ConditionError{Key: k}
	}
	return nil
}

func (s talkative) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	if len(keys) > 0 {
		if err := s.fail("get", keys[0]); err != nil {
			return nil, err
		}
	}
	return s.Store.Get(ctx, keys...)
}

func (s talkative) Query(ctx context.Context, q store.Query) (store.Page, error) {
	if err := s.fail("query", store.Key{PK: q.Partition, SK: q.After}); err != nil {
		return store.Page{}, err
	}
	return s.Store.Query(ctx, q)
}

func (s talkative) Write(ctx context.Context, ops ...store.Op) error {
	if err := s.fail("write", ops[0].Key); err != nil {
		return err
	}
	return s.Store.Write(ctx, ops...)
}

// How rows are kept is nobody's business: no answer has a key of the store, however a
// request fails.
func TestNoAnswerHasAKeyOfTheStore(t *testing.T) {
	w := newWorld(t)
	now := clock.System()
	dice := rand.New(rand.NewPCG(7, 7))
	parts := boot.Assemble(rows.New(talkative{w.store, new(sync.Mutex), dice}, w.tables, now), boot.Options{Freshness: sales.Freshness{Clock: now}})
	config := w.config
	config.Operations, config.Principals = parts.Operations(), parts.Principals
	server := httptest.NewServer(api.New(config).Mux())
	t.Cleanup(server.Close)
	w.addr = server.Listener.Addr().String()

	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`#\d+/`)
	statuses := map[int]int{}
	ask := func(request string) {
		t.Helper()
		got := w.send(request)
		statuses[got.status]++
		if text := got.String(); key.MatchString(text) {
			t.Errorf("%s:\n%s", request, text)
		}
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name != "answer" && !strings.Contains(string(file.Data), "$LAST") {
				ask(string(file.Data))
			}
		}
	}
	for range 20 {
		ask("PATCH ~/msdyn_sequences(" + sequenceID + ")\n\n" + `{"msdyn_cjodefinition":"` + strings.Repeat("x", 500_000) + `"}`)
		ask("GET ~/leads")
	}
	for _, status := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusRequestEntityTooLarge, http.StatusOK} {
		if statuses[status] == 0 {
			t.Errorf("no answer has the status %d: %v", status, statuses)
		}
	}
}
