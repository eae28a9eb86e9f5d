package progress_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/schema"
)

// docs/domain.md §6.5, §7.5: whose the steps are, when they are opened and after the record, or
// the column that names their owner, has changed.
func TestStep_6_5_Ownership(t *testing.T) {
	owner, other, connects := link("systemuser", id("user", 5)), link("systemuser", id("user", 6)), link("systemuser", id("user", 1))
	for _, test := range []struct {
		name         string
		sequence     values
		change       values
		first, later schema.Lookup
	}{
		{"record owner", values{}, values{"ownerid": other}, owner, other},
		{"column", values{"msdyn_assignsequencetype": int64(1), "msdyn_assignsequencefieldname": "createdby"}, values{"ownerid": other}, connects, connects},
		{"column that names nobody", values{"msdyn_assignsequencetype": int64(1), "msdyn_assignsequencefieldname": "createdonbehalfby"}, values{"ownerid": other}, owner, other},
		{"owner team", values{"msdyn_assignsequencetype": int64(2)}, values{"ownerid": other}, owner, other},
		{"who connects", values{"msdyn_assignsequencetype": int64(4)}, values{"ownerid": other}, connects, connects},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			for _, n := range []int{1, 5, 6} {
				w.User(n)
			}
			seq := w.Draft(1, `[`+task("First")+`,`+task("Second")+`,`+task("Third")+`]`)
			if len(test.sequence) > 0 {
				w.Update("msdyn_sequence", seq, test.sequence)
			}
			if err := w.Activate(seq); err != nil {
				t.Fatal(err)
			}
			lead := w.Lead(1, values{"ownerid": owner})
			target := w.Connect(lead, seq)
			w.Update("lead", lead.ID, test.change)
			if got := w.Step(target).Lookup("ownerid"); got != test.first {
				t.Errorf("the open step belongs to %v, want %v", got, test.first)
			}
			target = w.Finish(target, stepCompleted)
			if got := w.Step(target).Lookup("ownerid"); got != test.later {
				t.Errorf("the next step belongs to %v, want %v", got, test.later)
			}
			w.Sound(false)
		})
	}
}
