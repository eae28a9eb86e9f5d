package rows_test

import (
	"fmt"
	"testing"

	"segue/internal/rows"
	"segue/internal/store"
)

func TestReadable(t *testing.T) {
	key := store.Key{PK: "lead#3", SK: "1ead0000-0000-4000-8000-000000000001"}
	for text, want := range map[string]string{
		fmt.Sprintf("bytes of item %s/%s has 2", key.PK, key.SK):  "bytes of item lead 1ead0000-0000-4000-8000-000000000001 has 2",
		(&store.ConditionError{Op: 1, Key: key}).Error():          "condition of operation 1 on lead 1ead0000-0000-4000-8000-000000000001 does not hold",
		"write lead#3/a and task#12/b: gone":                      "write lead a and task b: gone",
		"query live#1ead0000-0000-4000-8000-000000000001#3/5: no": "query live 5: no",
		"a # b, #3/4 and C#3/x":                                   "a # b, #3/4 and C#3/x",
	} {
		if got := rows.Readable(text); got != want {
			t.Errorf("%q reads %q, want %q", text, got, want)
		}
	}
}
