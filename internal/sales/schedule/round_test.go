package schedule_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"segue/internal/rows"
)

// round is a part of a schedule. In it the workers first do anything; when the
// definitions have stood for as long as the processes may use old ones, they go on
// with records and connections, so that the verdict can tell where each record
// belongs. Then the trouble ends, and the changes are followed until none is left.
type round struct {
	*fleet
	feed    *feed
	seed    uint64
	things  int // that each worker does first; then a third as many
	done    map[string]int
	defines int // workers that may still change definitions

	reattached bool // a worker has begun to, or is through with it
}

const workers = 8

// start spawns the tasks of the round.
func (r *round) start() {
	r.defines, r.busy = workers, workers
	drawn := rand.New(rand.NewPCG(r.seed, 4))
	few, fond := drawCrowd(drawn), drawTaste(drawn)
	for n := range workers {
		r.spawn(fmt.Sprint("worker ", n), func(ctx context.Context, t *task) {
			r.work(&worker{fleet: r.fleet, task: t, random: rand.New(rand.NewPCG(r.seed, uint64(10+n))), ctx: ctx, crowd: few}, fond)
		})
	}
	for n := range 3 {
		r.spawn(fmt.Sprint("feed ", n), r.feed.deliver)
	}
	for n := range 2 {
		r.spawn(fmt.Sprint("queue ", n), r.mail.work)
	}
	r.spawn("schedule", r.tick)
}

// repair makes what is not there and activates what is not active, so that there is
// something to fight about.
func (w *worker) repair() {
	state := func(ref rows.Ref, active int64) {
		if w.item(ref)["statecode"].Int() != active {
			w.update(ref, values{"statecode": active})
		}
	}
	for n := range sequences {
		ref := sequenceRef(n)
		if w.item(ref) == nil {
			w.create(ref, w.newSequence)
		}
		state(ref, 1)
	}
	for n := range segments {
		ref := segmentRef(n)
		if w.item(ref) == nil {
			w.create(ref, w.newSegment)
		}
		if w.random.IntN(4) > 0 && w.item(ref)["msdyn_sequence"].Text() == "" {
			w.attach(ref)
		}
		state(ref, 0)
	}
	for _, ref := range []rows.Ref{lead(0), lead(1), lead(2), lead(3), opportunity(0)} {
		if w.item(ref) == nil {
			w.create(ref, w.newRecord)
		}
		state(ref, 0)
	}
}

// reattach takes the sequences off the segments and puts them on again: what enters a
// segment in between is connected by its next change.
func (w *worker) reattach() {
	for n := range w.crowd.segments {
		ref := segmentRef(n)
		if w.item(ref)["msdyn_sequence"].Text() == "" {
			continue
		}
		w.update(ref, values{"msdyn_sequence": nil})
		if w.pause(2*w.fresh) != nil {
			return
		}
		w.attach(ref)
	}
}

// drawTaste returns the kinds of things that are done in a round: a few more often
// than usual, some not at all, so that rounds differ.
func drawTaste(random *rand.Rand) map[string]kind {
	all := kinds()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		k := all[name]
		k.weight *= []int{0, 1, 1, 1, 1, 6}[random.IntN(6)]
		all[name] = k
	}
	return all
}

func (r *round) work(w *worker, fond map[string]kind) {
	w.work(r.things, fond, r.done)
	for r.defines--; r.defines > 0; {
		if w.pause(w.fresh) != nil {
			return
		}
	}
	if w.pause(w.fresh) != nil {
		return
	}
	if !r.reattached {
		r.reattached = true
		w.reattach()
	}
	onRecords := recordKinds()
	maps.Copy(onRecords, connectionKinds())
	w.work(r.things/3, onRecords, r.done)
	for n := range leads {
		w.update(lead((n+w.random.IntN(leads))%leads), w.interests(lead(n)))
	}
	if r.busy--; r.busy == 0 {
		r.upset(calm())
	}
}

// work does so many things of some kinds.
func (w *worker) work(n int, all map[string]kind, done map[string]int) {
	names, total := slices.Sorted(maps.Keys(all)), 0
	for _, k := range all {
		total += k.weight
	}
	for range n {
		if w.pause(time.Duration(w.random.Int64N(int64(w.trouble.rest)))) != nil {
			return
		}
		at := w.random.IntN(total)
		for _, name := range names {
			if at -= all[name].weight; at < 0 {
				all[name].do(w)
				done[name]++
				break
			}
		}
	}
}
