// Package demo makes a sales organization to try Segue on, and loads it: invented people
// and companies with the skew that real ones have, and sequences and segments that take
// them in. Mail addresses are in example.com and example.org, telephone numbers in the
// range reserved for fiction.
//
// Invariant: the same seed makes the same rows with the same ids in every
// version, so that loading a demo again duplicates nothing.
package demo

import (
	"fmt"

	"segue/internal/guid"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Row is a row to be written.
type Row struct {
	Table, ID string
	Values    map[string]schema.Value
}

// Demo is the rows of a sales organization.
type Demo struct {
	Sellers       []Row // 20 users
	Accounts      []Row // one for 25 leads
	Sequences     []Row // 5, four for leads and one for opportunities; inactive
	Segments      []Row // 8, six for leads and two for opportunities, highest priority first; inactive
	Leads         []Row
	Opportunities []Row // one for 10 leads
}

// counts is the number of rows of a Demo, by table.
type counts struct{ sellers, accounts, leads, opportunities int }

// New returns the demo of a seed with that many leads, and accounts and opportunities
// in proportion. Records of one size are not those of another.
func New(seed uint64, leads int) Demo {
	n := counts{sellers: 20, leads: max(0, leads)}
	if n.leads > 0 {
		n.accounts, n.opportunities = max(1, n.leads/25), n.leads/10
	}
	return newDemo(seed, n)
}

func newDemo(seed uint64, n counts) Demo {
	d := Demo{Sequences: sequences(seed), Segments: segments(seed)}
	d.Sellers = generate(seed, name.User, n.sellers, seller)
	d.Accounts = generate(seed, name.Account, n.accounts, account(d.Sellers))
	d.Leads = generate(seed, name.Lead, n.leads, lead(d.Sellers, d.Accounts))
	d.Opportunities = generate(seed, name.Opportunity, n.opportunities, opportunity(d.Sellers, d.Accounts))
	return d
}

// rowID returns the id of row n of a table. The format of the name is fixed: demos that
// were loaded have these ids.
func rowID(seed uint64, table string, n int) string {
	return guid.FromName(fmt.Sprintf("segue:demo:%d:%s:%d", seed, table, n))
}
