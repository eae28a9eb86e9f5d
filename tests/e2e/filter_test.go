//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"segue/internal/store"
)

// Changes that no reaction follows, and how long a call because of them would take to
// be seen: that because of a lead takes less than a second.
const (
	unfollowedRows = 5
	aCall          = 4 * time.Second
)

// calls is how often the function on the stream was called.
func (s *stack) calls() int {
	s.Helper()
	out, err := exec.CommandContext(s.Context(), filepath.Join(root(s.T), "scripts/cloud.sh"), "calls", s.Endpoint, "EvaluateFunction").Output()
	if err != nil {
		s.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		s.Fatal(err)
	}
	return n
}

// unfollowed: a change that passes no filter calls nobody, and those until now have
// passed every filter.
func (s *stack) unfollowed() {
	before := s.calls()
	s.eventually("changes are followed without end", aMinute, func() bool {
		time.Sleep(aCall)
		last := before
		before = s.calls()
		return before == last && before > 0
	})
	for n := range unfollowedRows {
		s.do("System Administrator", "POST", data+"campaigns", `{"campaignid":"`+id(800+n)+`","name":"Nobody asks"}`, http.StatusNoContent)
	}
	time.Sleep(aCall)
	if n := s.calls(); n != before {
		s.Errorf("EvaluateFunction was called %d times because of changes that no reaction follows", n-before)
	}
	s.do("Salesperson", "POST", data+"leads", `{"leadid":"`+id(820)+`","subject":"Asked for",`+fromShow+`}`, http.StatusNoContent)
	s.eventually("a lead after them is not followed", soon, func() bool { return s.member(id(820)) })
	if n := s.calls(); n == before {
		s.Error("a call is not counted")
	}
	s.passed(id(820))
}

// passed notes the filters that a change of the run has passed, up to that of a row, and
// checks that those which called nobody have passed none.
func (s *stack) passed(last string) {
	ctx, end := context.WithTimeout(s.Context(), aMinute)
	defer end()
	err := s.laptop.Feed.Consume(ctx, "filters", func(_ context.Context, changes []store.Change) []store.Failure {
		for _, c := range changes {
			for filter, pattern := range s.Filters {
				if !passes(s, pattern, c) {
					continue
				}
				s.works(filter)
				if strings.HasPrefix(c.Key.PK, "campaign#") {
					s.Errorf("the change of a campaign passes %s", filter)
				}
			}
			if c.Key.SK == last {
				end()
			}
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
}

// passes reports whether a change passes a filter of a mapping.
func passes(s *stack, text string, c store.Change) bool {
	var pattern struct {
		EventName []string `json:"eventName"`
		DynamoDB  struct {
			Keys struct {
				PK struct {
					S []struct {
						Prefix string `json:"prefix"`
					}
				} `json:"pk"`
			}
		} `json:"dynamodb"`
	}
	if err := json.Unmarshal([]byte(text), &pattern); err != nil {
		s.Fatal(fmt.Errorf("%w in %s", err, text))
	}
	name := map[store.ChangeKind]string{store.Insert: "INSERT", store.Modify: "MODIFY", store.Remove: "REMOVE"}[c.Kind]
	for _, begin := range pattern.DynamoDB.Keys.PK.S {
		if strings.HasPrefix(c.Key.PK, begin.Prefix) {
			return slices.Contains(pattern.EventName, name)
		}
	}
	return false
}
