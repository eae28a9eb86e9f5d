package embed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"segue/internal/store"
)

// maxGroup is how many queued writes share one commit and fsync.
const maxGroup = 256

// maxFrame bounds the records of one commit, in bytes, but for its last write.
const maxFrame = 8 << 20

// keptBytes is how large a buffer may be that one commit leaves to the next.
const keptBytes = 1 << 20

// errClosed is returned by calls after Close.
var errClosed = fmt.Errorf("%w: it is closed", store.ErrUnavailable)

// request is one caller's part of a group commit. change decides whether the request
// may be carried out (refused: nothing was changed) and carries it out (failed: the
// whole group is rolled back).
type request struct {
	change func(*unit) (refused, failed error)
	done   chan error // has one place, so that the loop never waits for the caller
}

// Write implements [store.Store]. Concurrent calls share an fsync.
func (s *Store) Write(ctx context.Context, ops ...store.Op) error {
	err := store.CheckWrite(s.checked, ops)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && len(ops) > 0 {
		err = s.commit(s.queueOf(ctx), func(u *unit) (refused, failed error) {
			changes, err := decide(u, ops)
			if err != nil {
				return err, nil
			}
			s.apply(u, changes)
			return nil, nil
		})
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// commit hands a change to the commit loop and waits until it is on disk. It
// ignores contexts: it does not take long, and so its outcome is always known.
func (s *Store) commit(queue chan<- *request, change func(*unit) (refused, failed error)) error {
	r := &request{change, make(chan error, 1)}
	select {
	case queue <- r:
	case <-s.stopped:
		return errClosed
	}
	select {
	case err := <-r.done:
		return err
	case <-s.stopped:
	}
	select {
	case err := <-r.done: // the loop served it just before it ended
		return err
	default:
		return errClosed
	}
}

// commitLoop commits what is queued. A single write is committed at once; writes that
// arrive during a commit are committed together. The consumers' own come first.
func (s *Store) commitLoop() {
	defer close(s.stopped)
	var late *time.Timer          // set while the other writes give way
	var unlogged <-chan time.Time // set while cursors wait for a commit
	for {
		queue, wait := s.queue, (<-chan time.Time)(nil)
		switch {
		case !s.lagging():
			late = nil
		case late == nil:
			late = time.NewTimer(patience)
			fallthrough
		default:
			queue, wait = nil, late.C
		}
		select {
		case r := <-s.urgent:
			s.commitGroup(s.group(r, queue))
		case r := <-queue:
			s.commitGroup(s.group(r, queue))
		case <-wait: // one group of the others, then the consumers again
			late = nil
			s.commitGroup(s.group(nil, s.queue))
		case <-s.moves:
			if unlogged == nil {
				unlogged = time.After(cursorPatience)
			}
		case <-unlogged:
			unlogged = nil
			if !s.cursorsMoved() { // another commit has taken them along
				continue
			}
			err := s.commitCursors()
			if s.reportSpace(err); err != nil && s.writable() == nil {
				unlogged = time.After(10 * cursorPatience)
			}
		case <-s.closing:
			return
		}
	}
}

// group returns first, if there is one, and the requests that are queued already.
func (s *Store) group(first *request, queue <-chan *request) []*request {
	var group []*request
	if first != nil {
		group = append(group, first)
	}
	for len(group) < maxGroup {
		select {
		case r := <-s.urgent:
			group = append(group, r)
			continue
		default:
		}
		select {
		case r := <-queue:
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// commitGroup carries out requests, in as many units as they need.
func (s *Store) commitGroup(group []*request) {
	for len(group) > 0 {
		group = group[s.commitSome(group):]
	}
	s.learn()
}

// commitSome carries out requests in one unit, tells their callers the outcome and
// returns how many there were.
func (s *Store) commitSome(group []*request) (n int) {
	refused := make([]error, len(group))
	var logged bool
	err := s.commitUnit(func(u *unit) error {
		before := u.marks.changed
		for n = 0; n < len(group) && len(u.records) < maxFrame; n++ {
			var failed error
			if refused[n], failed = group[n].change(u); failed != nil {
				n = len(group)
				return failed
			}
		}
		logged = u.marks.changed != before
		return nil
	})
	s.reportSpace(err)
	switch {
	case errors.Is(err, ErrDamaged), errors.Is(err, store.ErrFull):
	case err != nil:
		err = fmt.Errorf("%w: commit: %w", store.ErrUnavailable, err)
	case logged:
		s.wakeConsumers()
	}
	if n == 0 { // it was not begun
		n = len(group)
	}
	for i, r := range group[:n] {
		if err != nil {
			r.done <- err
			continue
		}
		r.done <- refused[i]
	}
	return n
}

// commitUnit makes what do does durable, and then visible.
func (s *Store) commitUnit(do func(*unit) error) error {
	err := s.writable()
	if err == nil {
		err = s.roomInMemory()
	}
	if err != nil {
		return err
	}
	var u *unit
	err = s.snapshot(func(v *view) error {
		u = newUnit(v)
		u.records = s.records[:0]
		if err := do(u); err != nil || u.count == 0 {
			return err
		}
		s.logCursors(u)
		return nil
	})
	if err == nil && u.count > 0 {
		err = s.appendFrame(u)
		if s.records = u.records; cap(s.records) > keptBytes {
			s.records = nil
		}
	}
	if errors.Is(err, ErrDamaged) {
		s.stopWriting(err)
	}
	if err != nil || u.count == 0 {
		return err
	}
	s.publish(func(now *state) { now.tree, now.marks = u.tree, u.marks })
	s.pending += len(u.records)
	s.beginCheckpoint()
	return nil
}

// appendFrame puts the records of a unit on the disk. An error of the disk that is not
// a lack of space may mean that it has lost what it had: nothing is written after it.
func (s *Store) appendFrame(u *unit) error {
	err := s.journal.Append(u.count, u.records)
	if err == nil {
		return nil
	}
	if err = s.journalError(err); !errors.Is(err, store.ErrFull) {
		s.stopWriting(fmt.Errorf("%w: the disk failed, start again: %w", store.ErrUnavailable, err))
	}
	return err
}

// publish replaces the state.
func (s *Store) publish(change func(now *state)) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	now := *s.state.Load()
	change(&now)
	s.state.Store(&now)
}

// reportSpace logs the first commit for which the disk has no space, and the first for
// which it has again.
func (s *Store) reportSpace(err error) {
	full := errors.Is(err, store.ErrFull)
	switch {
	case full && !s.full:
		slog.Error("the disk is full; writes fail until there is space on it", "file", s.path, "reason", err)
	case s.full && err == nil:
		slog.Info("there is space on the disk again", "file", s.path)
	}
	s.full = full || s.full && err != nil
}

// change is what an operation does to one item, nil images where there is none.
type change struct {
	key           store.Key
	old, new      store.Item
	before, after []byte
}

// decide returns what ops would change, or why they are refused. It changes nothing.
func decide(u *unit, ops []store.Op) ([]change, error) {
	var changes []change
	words := u.store.words.Load()
	for n, op := range ops {
		c := change{key: op.Key, before: u.get(spaceItems, itemKey(op.Key))}
		if c.before != nil {
			var err error
			if c.old, err = words.image(c.before).Item(); err != nil {
				return nil, fmt.Errorf("%s/%s: %w", op.Key.PK, op.Key.SK, err)
			}
		}
		if !op.If.Holds(c.old) {
			return nil, &store.ConditionError{Op: n, Key: op.Key, Item: c.old}
		}
		var err error
		if c.new, err = result(op, c.old); err != nil {
			return nil, err
		}
		if c.new != nil {
			if err := store.CheckItemSize(op.Key, c.new.Size()); err != nil {
				return nil, err
			}
			u.store.image = words.appendItem(u.store.image[:0], c.new)
			c.after = bytes.Clone(u.store.image) // no longer than it is: it stays in memory
			u.store.meet(words, c.new)
		}
		if !words.sameItem(c.before, c.old, c.after) {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// result is [store.Op.Result], of which only the change of an item is a copy: it is read
// and no more.
func result(op store.Op, old store.Item) (store.Item, error) {
	if op.Kind == store.OpPut {
		return op.Item, nil
	}
	return op.Result(old)
}

// apply writes items, index entries and change records.
func (s *Store) apply(u *unit, changes []change) {
	for _, c := range changes {
		u.place(c)
		u.logChange(c)
	}
}

// place writes an item and its index entries.
func (u *unit) place(c change) {
	u.set(spaceItems, itemKey(c.key), c.after)
	for _, x := range u.store.indexes {
		from, to := x.entry(c.old), x.entry(c.new)
		if bytes.Equal(from, to) {
			continue
		}
		if from != nil {
			u.set(x.space, from, nil)
		}
		if to != nil {
			u.set(x.space, to, []byte{})
		}
	}
}
