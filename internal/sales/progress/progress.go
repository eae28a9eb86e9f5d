// Package progress is the way of a connection along its sequence: its steps, one after the
// other, whoever does them.
//
// A step is closed, the next one opened and the target moved on by one conditional
// transaction, of items of that target alone; the record is written only when the connection
// ends. The definition is that of the version by which the step was made, and comes from a
// cache.
//
// Invariant: a transition demands that the target is live, at this step and of that version.
// So whoever is late, or comes twice, changes nothing.
package progress

import (
	"segue/internal/rows"
	"segue/internal/sales/authoring"
	"segue/internal/sales/calendar"
	"segue/internal/sales/connection"
	"segue/internal/sales/principal"
)

// Progress is the use cases on steps. It is safe for concurrent use.
type Progress struct {
	db          *rows.DB
	principals  *principal.Directory
	sequences   *authoring.Sequences
	calendars   *calendar.Calendars
	connections *connection.Connections
}

// New returns the use cases on the rows of db.
func New(db *rows.DB, principals *principal.Directory, sequences *authoring.Sequences, calendars *calendar.Calendars, connections *connection.Connections) *Progress {
	return &Progress{db: db, principals: principals, sequences: sequences, calendars: calendars, connections: connections}
}
