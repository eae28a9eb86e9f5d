package sales

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"segue/internal/rows"
	"segue/internal/schema"
)

// A ledger row lists the active rows of a table, so that a limit on their number
// holds under any race: whoever activates or deactivates writes it under the
// version seen (design.md §4: counters are checked where the rare operation is).
const (
	members = "segue_members"
)

// enter adds an active row to its ledger, which takes at most limit.
func (s *Service) enter(ctx context.Context, tx *rows.Tx, name, id string, limit int) error {
	ledger, ids, err := s.ledger(ctx, tx, name)
	if err != nil || slices.Contains(ids, id) {
		return err
	}
	if len(ids) >= limit {
		return refuse(Limit, "limit reached: %d rows of %s are active and the limit is %d; deactivate one first", len(ids), name, limit)
	}
	return setMembers(ledger, append(ids, id))
}

// leave takes a row that is no longer active out of its ledger.
func (s *Service) leave(ctx context.Context, tx *rows.Tx, name, id string) error {
	ledger, ids, err := s.ledger(ctx, tx, name)
	if err != nil {
		return err
	}
	return setMembers(ledger, slices.DeleteFunc(ids, func(other string) bool { return other == id }))
}

func (s *Service) ledger(ctx context.Context, tx *rows.Tx, name string) (*rows.Row, []string, error) {
	ref := rows.Ref{Table: ledgerTable, ID: fixedID("ledger", name)}
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	if found[0] == nil {
		row := tx.Create(s.db.Schema().Table(ledgerTable), ref.ID, map[string]schema.Value{"segue_name": name})
		return row, nil, nil
	}
	ids, err := idList(found[0], members)
	return found[0], ids, err
}

func setMembers(ledger *rows.Row, ids []string) error { return setIDList(ledger, members, ids) }

// idList is a column that holds a JSON array of ids.
func idList(row *rows.Row, column string) ([]string, error) {
	var ids []string
	if text := row.Text(column); text != "" {
		if err := json.Unmarshal([]byte(text), &ids); err != nil {
			return nil, fmt.Errorf("%v: stored %s: %w", row.Ref(), column, err)
		}
	}
	return ids, nil
}

func setIDList(row *rows.Row, column string, ids []string) error {
	text, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("%v: %s: %w", row.Ref(), column, err)
	}
	row.Set(column, string(text))
	return nil
}

// fixedID is the id of a row of which there is one for each set of names.
func fixedID(names ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "segue:%q", names)).String()
}
