package clock

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestSystemSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := System().Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("sleep with an ended context: %v", err)
	}
	if err := System().Sleep(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("sleep of nothing with an ended context: %v", err)
	}
	if err := System().Sleep(t.Context(), time.Nanosecond); err != nil {
		t.Errorf("sleep: %v", err)
	}
}

func TestManual(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m := NewManual(start)
	if err := m.Sleep(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	m.Advance(-time.Second)
	if got, want := m.Now(), start.Add(59*time.Second); !got.Equal(want) {
		t.Errorf("Now = %v, want %v", got, want)
	}
	if m.Slept() != time.Minute {
		t.Errorf("Slept = %v", m.Slept())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Sleep(ctx, time.Minute); !errors.Is(err, context.Canceled) || m.Slept() != time.Minute {
		t.Errorf("sleep with an ended context: %v, slept %v", err, m.Slept())
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{Base: time.Millisecond, Most: 5 * time.Millisecond}
	for failed, want := range []time.Duration{0: 1, 1: 1, 2: 2, 3: 4, 4: 5, 5: 5, 1000: 5} {
		if want == 0 {
			continue
		}
		want *= time.Millisecond
		if got := b.Longest(failed); got != want {
			t.Errorf("Longest(%d) = %v, want %v", failed, got, want)
		}
		for range 50 {
			if got := b.Delay(failed); got < 0 || got > want {
				t.Fatalf("Delay(%d) = %v, more than %v", failed, got, want)
			}
		}
	}
}
