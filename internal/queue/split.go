package queue

import (
	"cmp"
	"context"
	"slices"
)

// Split returns a handler that gives the messages of which is is true to yes, and the others to
// no.
func Split(is func(Message) bool, yes, no Handler) Handler {
	return func(ctx context.Context, messages []Message) (failures []Failure) {
		var parts [2]struct {
			messages  []Message
			positions []int
		}
		for i, m := range messages {
			part := &parts[1]
			if is(m) {
				part = &parts[0]
			}
			part.messages, part.positions = append(part.messages, m), append(part.positions, i)
		}
		for i, handle := range []Handler{yes, no} {
			if len(parts[i].messages) == 0 {
				continue
			}
			for _, f := range handle(ctx, parts[i].messages) {
				failures = append(failures, Failure{Index: parts[i].positions[f.Index], Err: f.Err})
			}
		}
		slices.SortFunc(failures, func(a, b Failure) int { return cmp.Compare(a.Index, b.Index) })
		return failures
	}
}
