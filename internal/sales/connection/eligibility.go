package connection

import (
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// leadNew is the status of a lead that nobody has contacted yet.
const leadNew int64 = 1

// RefuseIneligible refuses a record that may not be connected in its present
// state: rule 3 of docs/domain.md §7.1 in the reading of the policy. A record
// must be open, and a lead must be New unless the policy takes any active one
// (§20, conflict 1).
func (s *Connections) RefuseIneligible(record *rows.Row) error {
	view := sales.Record{Row: record}
	switch {
	case !view.Erased().IsZero():
		return sales.Refuse(sales.Precondition, "%v was erased on %s; it takes part in nothing any more", record.Ref(), view.Erased().Format(time.RFC3339))
	case !view.Open():
		return sales.Refuse(sales.Precondition, "%v is closed (statecode %d); only an open record can be connected", record.Ref(), view.State())
	case record.Table.Name == name.Lead && view.Status() != leadNew && !s.policy.AnyActive:
		return sales.Refuse(sales.Precondition, "%v has statuscode %d; only a lead in state New (statuscode 1) can be connected", record.Ref(), view.Status())
	}
	return nil
}
