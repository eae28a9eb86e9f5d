package rows

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segue/internal/guid"
	"segue/internal/schema"
)

// What is packed has one length and sorts as what it stands for.
func TestPackedOrder(t *testing.T) {
	packed := &schema.Index{Packed: true}
	rapid.Check(t, func(rt *rapid.T) {
		id := func() string {
			id := []byte(guid.FromName(rapid.String().Draw(rt, "name")))
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				if i := rapid.IntRange(0, len(id)-1).Draw(rt, "digit"); id[i] != '-' {
					id[i] = "0123456789abcdef"[rapid.IntRange(0, 15).Draw(rt, "to")]
				}
			}
			return string(id)
		}
		a, b := id(), id()
		if x, y := keyID(packed, a), keyID(packed, b); len(x) != packedID || strings.Compare(a, b) != strings.Compare(x, y) {
			rt.Fatalf("%s and %s have the keys %s and %s", a, b, x, y)
		}
		first, last := time.Date(1753, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
		at := func() time.Time { return time.Unix(rapid.Int64Range(first, last).Draw(rt, "seconds"), 0).UTC() }
		s, u := at(), at()
		if x, y := packTime(s), packTime(u); len(x) != packedTime || s.Compare(u) != strings.Compare(x, y) {
			rt.Fatalf("%s and %s have the keys %s and %s", s, u, x, y)
		}
	})
	if got := keyID(packed, "not an id"); got != "not an id" {
		t.Errorf("%s", got)
	}
}
