// Package segmentation is a record and its segment: the life of segments and of
// their order, the catalogue of the active ones, and the evaluation of a changed
// record, which may enter a segment and be connected to its sequence.
//
// The segments of all record types are read together, through one cache, which
// stands until a definition changes ([generation.Generation]).
//
// Size: the life of segments decides what an evaluation may still find, and what has
// to be put right after it (unlink.go), so the three change together.
//
// Invariant: an evaluation that changes nothing writes nothing and reads nothing
// of the record; one that changes something is written under the version of the
// change, or decided again on the row as it is.
package segmentation

import (
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/connection"
	"segue/internal/sales/generation"
	"segue/internal/sales/setting"
	"segue/internal/schema/name"
)

// Segmentation is the rules of segments and what follows from changes of
// records. It is safe for concurrent use.
type Segmentation struct {
	db          *rows.DB
	lists       *query.Reader
	connections *connection.Connections
	sequences   *authoring.Sequences
	policy      sales.Policy
	generation  *generation.Generation
	settings    *setting.Settings
	catalogues  *generation.Cache[catalogues]
}

// New returns the segmentation of the rows of db.
func New(db *rows.DB, connections *connection.Connections, sequences *authoring.Sequences, policy sales.Policy, known *generation.Generation, settings *setting.Settings) *Segmentation {
	return &Segmentation{
		db: db, lists: query.New(db), connections: connections, sequences: sequences, policy: policy, generation: known, settings: settings,
		catalogues: generation.NewCache[catalogues](known, 1),
	}
}

// orderID is the id of the order row of a record type's segments.
func orderID(recordType string) name.SegmentAttributeID {
	return name.SegmentAttributeID(guid.Derive("order", recordType))
}

// defaultID is the id of a record type's default segment.
func defaultID(recordType string) name.SegmentID {
	return name.SegmentID(guid.Derive("default segment", recordType))
}
