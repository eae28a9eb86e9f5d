// Package progress is the way of a connection along its sequence: its steps, one after the
// other, whoever does them.
//
// A step is closed, the next one opened and the target moved on by one conditional
// transaction, of items of that target alone; the record is written only when the connection
// ends. The definition is that of the version by which the step was made, and comes from a
// cache.
//
// What the system does it does at once when the step is opened ([Progress.Opened]), when its
// time has come ([Progress.TakeUp]), or when something that it depends on has changed: all
// three call [Progress.Run], which may be called at any time and any number of times. What it
// cannot do is held: the step stays open, in the list of its owner, with the reason.
//
// Size: whoever closes a step, a seller, the system, an activity or a reply, does so by the one
// transition of finish.go, and holding and retrying undo what it did to the same two rows.
//
// Invariant: a transition demands that the target is live, at this step and of that version.
// So whoever is late, or comes twice, changes nothing.
package progress

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales/activity"
	"segue/internal/sales/authoring"
	"segue/internal/sales/calendar"
	"segue/internal/sales/connection"
	"segue/internal/sales/mailing"
	"segue/internal/sales/principal"
	"segue/internal/sales/setting"
)

// maxPrograms is how many compiled conditions a process keeps.
const maxPrograms = 1000

// Parts are what steps are done with. A Mailing without a transport sends nothing.
type Parts struct {
	DB          *rows.DB
	Principals  *principal.Directory
	Entities    *entity.Entities
	Settings    *setting.Settings
	Sequences   *authoring.Sequences
	Calendars   *calendar.Calendars
	Connections *connection.Connections
	Mailing     *mailing.Mailing
	Activities  *activity.Activities
}

// Progress is the use cases on steps. It is safe for concurrent use.
type Progress struct {
	Parts

	programs *lru.Cache[string, *filter.Program] // of conditions, by sequence, version and step, which never change
}

// New returns the use cases on steps.
func New(parts Parts) *Progress {
	programs, _ := lru.New[string, *filter.Program](maxPrograms) // it fails for sizes below 1 alone
	return &Progress{Parts: parts, programs: programs}
}
