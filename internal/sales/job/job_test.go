package job_test

import (
	"errors"
	"testing"

	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
)

func TestJob(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err == nil { // once is once
		p.probe.Reset()
	} else if _, taken := errors.AsType[*rows.ConflictError](err); taken {
		t.Fatalf("beginning it again: %v", err)
	}
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.isClean(t, s, accounts)
	for _, call := range p.probe.Calls() {
		if len(call.Keys) > 2+2*queue.MaxBatch {
			t.Errorf("a call names %d items", len(call.Keys))
		}
		if call.Method == probe.Query && call.Query.Limit != p.options.Chunk && call.Query.Limit != 0 {
			t.Errorf("a query reads %d rows", call.Query.Limit)
		}
	}
}
