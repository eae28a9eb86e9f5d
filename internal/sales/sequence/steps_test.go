package sequence

import (
	"fmt"

	"segue/internal/sales/worktime"
)

func task(name string) Step { return Step{ID: StepID("id of " + name), Type: Task, Name: name} }

func wait(name string, w worktime.Wait) Step {
	return Step{ID: StepID("id of " + name), Type: Wait, Name: name, Wait: w}
}

func waitOf(days, hours int) worktime.Wait {
	w, err := worktime.NewWait(days, hours)
	if err != nil {
		panic(err)
	}
	return w
}

// line is the steps one after the other.
func line(steps ...Step) Definition {
	for i := range steps {
		next := Place(i + 1)
		if i+1 == len(steps) {
			next = PathEnd
		}
		steps[i].Path, steps[i].Next, steps[i].Branches = fmt.Sprint(i+1), next, [2]Place{next, next}
	}
	return Definition{Steps: steps}
}
