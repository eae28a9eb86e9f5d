package mailing

import (
	"context"
	"encoding/json"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/letter"
	"segue/internal/schema/name"
)

// Opened notes that an email was opened. A repeat writes nothing.
func (m *Mailing) Opened(ctx context.Context, t Token) error {
	return m.note(ctx, t, func(row *rows.Row) { m.openedIn(row) })
}

func (m *Mailing) openedIn(row *rows.Row) {
	now := m.db.Now()
	confirm(row, now) // who opens it has it
	first(row, name.SegueOpenedon, now)
}

// Followed notes that a link of an email was followed, and returns where it leads: an
// address that stands in the email, and no other. [sales.NotFound] where there is none.
func (m *Mailing) Followed(ctx context.Context, t Token) (address string, err error) {
	found := false
	err = m.note(ctx, t, func(row *rows.Row) {
		var links []letter.Link
		if json.Unmarshal([]byte(row.Text(name.SegueLinks)), &links) != nil || t.Link >= len(links) {
			return
		}
		address, found = links[t.Link].URL, true
		m.openedIn(row)
		first(row, name.SegueClickedon, m.db.Now())
		if links[t.Link].Download {
			first(row, name.SegueDownloadedon, m.db.Now())
		}
	})
	if err == nil && !found {
		err = sales.Refuse(sales.NotFound, "the link leads nowhere any more")
	}
	return address, err
}

// Unsubscribed takes the recipient of an email off the list: the address gets no more
// emails from anybody here.
func (m *Mailing) Unsubscribed(ctx context.Context, t Token) error {
	return m.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, rows.RefTo(name.SentEmail, t.Send))
		if err != nil || found[0] == nil {
			return err
		}
		return unsubscribeIn(ctx, tx, found[0], tx.Now())
	})
}

// note changes the row of a token, if it is there. What is noted already is found by one
// read, and a flood of repeats writes nothing.
func (m *Mailing) note(ctx context.Context, t Token, do func(row *rows.Row)) error {
	return m.change(ctx, t.Send, do)
}
