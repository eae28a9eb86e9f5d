package probe

import (
	"cmp"
	"context"
	"math"
	"slices"

	"segue/internal/store"
)

// Forever is a lag that does not end.
const Forever = math.MaxInt

// pending is a write that the indexes do not show yet.
type pending struct {
	key store.Key
	old store.Item // what the indexes show instead, nil for nothing
	due int        // number of the first call that sees it
}

// Lag makes every index show a write only after this many further calls of the Probe,
// of any kind: with 1 the next call does not see it, and the one after it does.
// 0 brings the indexes up to date. The table itself never lags.
func (p *Probe) Lag(calls int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lag = calls
	if calls == 0 {
		p.pending = nil
	}
}

// serializeWrites makes writes wait for each other while indexes lag, so that it is
// known what a write replaces.
func (p *Probe) serializeWrites() (done func()) {
	p.mu.Lock()
	lag := p.lag
	p.mu.Unlock()
	if lag == 0 {
		return func() {}
	}
	p.writing.Lock()
	return p.writing.Unlock
}

// delay records what the indexes continue to show for these keys.
func (p *Probe) delay(keys []store.Key, old []store.Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lag == 0 {
		return
	}
	due := p.made + 1 + min(p.lag, Forever-p.made-1)
	for n, k := range keys {
		p.pending = append(p.pending, pending{k, old[n], due})
	}
}

// outdated returns the item that the indexes show for each key whose last write they
// do not show yet.
func (p *Probe) outdated() map[store.Key]store.Item {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = slices.DeleteFunc(p.pending, func(w pending) bool { return w.due <= p.made })
	shown := map[store.Key]store.Item{}
	for _, w := range p.pending {
		// The oldest of several pending writes tells what the indexes still show.
		if _, earlier := shown[w.key]; !earlier {
			shown[w.key] = w.old
		}
	}
	return shown
}

// query is a Query of the store; of an index it returns the state of some calls ago.
func (p *Probe) query(ctx context.Context, q store.Query) (store.Page, error) {
	shown := p.outdated()
	at := slices.IndexFunc(p.indexes, func(x store.Index) bool { return x.Name == q.Index })
	if q.Index == "" || at < 0 || len(shown) == 0 {
		return p.store.Query(ctx, q)
	}
	x := p.indexes[at]
	var items []store.Item
	for all := (store.Query{Index: q.Index, Partition: q.Partition}); ; {
		page, err := p.store.Query(ctx, all)
		if err != nil {
			return store.Page{}, err
		}
		items = append(items, page.Items...)
		if !page.More {
			break
		}
		all.After = page.Items[len(page.Items)-1][x.SK].Text()
	}
	items = slices.DeleteFunc(items, func(i store.Item) bool { _, late := shown[i.Key()]; return late })
	for _, i := range shown {
		if i[x.PK] == store.S(q.Partition) && i[x.SK].Kind() == store.String {
			items = append(items, store.Item{store.PK: i[store.PK], store.SK: i[store.SK], x.PK: i[x.PK], x.SK: i[x.SK]})
		}
	}
	return Cut(items, q, x.SK), nil
}

// Cut returns the page of q out of all items of its partition, which come in any
// order; sortKey is the attribute that orders them.
func Cut(items []store.Item, q store.Query, sortKey string) store.Page {
	direction := 1
	if q.Descending {
		direction = -1
	}
	outside := func(i store.Item) bool {
		sort := i[sortKey].Text()
		return q.After != "" && direction*cmp.Compare(sort, q.After) <= 0 || q.To != "" && direction*cmp.Compare(sort, q.To) > 0
	}
	items = slices.DeleteFunc(items, outside)
	slices.SortFunc(items, func(a, b store.Item) int {
		return direction * cmp.Or(cmp.Compare(a[sortKey].Text(), b[sortKey].Text()),
			cmp.Compare(a.Key().PK, b.Key().PK), cmp.Compare(a.Key().SK, b.Key().SK))
	})
	size := 0
	for n, i := range items {
		if size += i.Size(); n > 0 && (n == q.Limit || size > store.MaxPageBytes) {
			return store.Page{Items: items[:n], More: true}
		}
	}
	return store.Page{Items: items}
}
