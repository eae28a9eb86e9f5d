package mailing

import (
	"context"
	"time"

	"segue/internal/entity"
	"segue/internal/excerpt"
	"segue/internal/mail"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Why an address takes no emails, values of segue_suppressed.
const (
	unsubscribed int64 = 1
	bounced      int64 = 2
	complained   int64 = 3
)

// SuppressionRules are the rules of addresses that take no emails: one row an address, whose
// id tells which ([sales.SuppressionOf]).
func SuppressionRules() entity.Rules { return suppressionRules{} }

type suppressionRules struct{ entity.Plain }

var _ entity.Identified = suppressionRules{}

// IDOf implements [entity.Identified].
func (suppressionRules) IDOf(values map[string]schema.Value) string {
	address, _ := values[name.SegueAddress].Text()
	return string(sales.SuppressionOf(address))
}

// Create implements [entity.Rules].
func (r suppressionRules) Create(_ context.Context, _ *rows.Tx, row *rows.Row) error {
	address := row.Text(name.SegueAddress)
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Email != address {
		return sales.Refuse(sales.Invalid, "%s: %q is not an email address", name.SegueAddress, address)
	}
	if id := r.IDOf(row.Values()); row.ID != id {
		return sales.Refuse(sales.Invalid, "%s of %q is %s, not %s; leave it out", name.SegueSuppressionid, address, id, row.ID)
	}
	return nil
}

// suppressIn makes an address take no more emails. One that takes none stays as it is.
func suppressIn(ctx context.Context, tx *rows.Tx, address string, why int64, said string) error {
	if address == "" { // it was erased
		return nil
	}
	id := string(sales.SuppressionOf(address))
	found, err := tx.Load(ctx, rows.Ref{Table: name.SuppressedAddress, ID: id})
	if err != nil || found[0] != nil {
		return err
	}
	row := tx.Create(tx.Schema().Table(name.SuppressedAddress), id, map[string]schema.Value{
		name.SegueAddress: schema.Text(address), name.SegueSuppressed: schema.Int(why),
	})
	if said != "" {
		row.Set(name.SegueReason, schema.Text(excerpt.Bytes(said, maxReason)))
	}
	return nil
}

// maxReason is how long a reason may be, in bytes.
const maxReason = 2000

// unsubscribeIn takes the recipient of an email off the list.
func unsubscribeIn(ctx context.Context, tx *rows.Tx, row *rows.Row, on time.Time) error {
	confirm(row, on)
	first(row, name.SegueUnsubscribedon, on)
	return suppressIn(ctx, tx, row.Text(name.SegueRecipient), unsubscribed, "")
}
