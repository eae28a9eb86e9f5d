package workqueue

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/sales"
)

// Sort is what decides the order of a list; items with the same place come by their due
// time.
type Sort string

// The orders of docs/domain.md §15. Items without a score or name come last.
const (
	ByScore    Sort = "Score" // the highest first
	ByDue      Sort = "DueDate"
	ByType     Sort = "ActivityType"
	ByName     Sort = "Name"
	ByRecord   Sort = "RecordType"
	BySequence Sort = "SequenceName"
)

// Sorts lists the orders, the usual one first.
func Sorts() []Sort { return []Sort{ByScore, ByDue, ByType, ByName, ByRecord, BySequence} }

// sortsByRecord reports whether the records decide the order.
func (r Request) sortsByRecord() bool { return r.Sort == ByScore || r.Sort == ByName }

// place is where an item stands in a list. Its encoding, with the digest of the list, is the
// token of the page after it: it is made of what the item has, so that items that are done
// meanwhile move none of the others off the next page.
type place struct {
	Group   int    `json:"g,omitempty"`
	Missing bool   `json:"m,omitempty"` // there is nothing to order by
	Number  int64  `json:"n,omitempty"`
	Text    string `json:"t,omitempty"`
	Due     int64  `json:"d"`
	ID      string `json:"i"`

	List string `json:"l,omitempty"`
}

// maxPlaceText is how much of a name decides its place.
const maxPlaceText = 300

// placeOf returns the place of an item. What decides it has been read.
func (r Request) placeOf(item Item) place {
	p := place{Due: item.Due.Unix(), ID: string(item.ID)}
	if r.Grouped {
		p.Group = slices.Index(Groups(), item.Group)
	}
	switch r.Sort {
	case ByScore:
		if p.Missing = item.Score == nil; !p.Missing {
			p.Number = -*item.Score
		}
	case ByDue:
		p.Number = p.Due
	case ByType:
		p.Number = int64(item.Step.Type())
	case ByName:
		p.Text = item.RecordName
	case ByRecord:
		p.Text = item.Record.Table
	case BySequence:
		p.Text = item.SequenceName
	}
	p.Text = excerpt.Bytes(filter.Folded(p.Text), maxPlaceText)
	if r.Sort == ByName || r.Sort == BySequence {
		p.Missing = p.Text == ""
	}
	return p
}

// compare orders places.
func (r Request) compare(a, b place) int {
	sorted := cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Text, b.Text))
	if r.Reverse {
		sorted = -sorted
	}
	return cmp.Or(cmp.Compare(a.Group, b.Group), first(a.Missing, b.Missing), sorted, cmp.Compare(a.Due, b.Due), cmp.Compare(a.ID, b.ID))
}

// first orders false before true.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// page brings items into their order, and returns those after a place, nil for the start,
// with the token of the page after them.
func (r Request) page(items []Item, after *place) (page []Item, next string) {
	type placed struct {
		Item
		at place
	}
	var list []placed
	for _, item := range items {
		if at := r.placeOf(item); after == nil || r.compare(at, *after) > 0 {
			list = append(list, placed{item, at})
		}
	}
	slices.SortFunc(list, func(a, b placed) int { return r.compare(a.at, b.at) })
	if len(list) > r.Top {
		list = list[:r.Top]
		next = r.encode(list[r.Top-1].at)
	}
	for _, item := range list {
		page = append(page, item.Item)
	}
	return page, next
}

// digest tells one list from another: a place in one means nothing in another.
func (r Request) digest() string {
	h := fnv.New64a()
	r.Top, r.Token = 0, ""
	_, _ = fmt.Fprintf(h, "%+v", r) // a hash never fails
	return fmt.Sprintf("%x", h.Sum64())
}

func (r Request) encode(at place) string {
	at.List = r.digest()
	text, _ := json.Marshal(at) //nolint:errchkjson // strings, numbers and booleans always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

// decode returns the place after which the page begins, nil for the start.
func (r Request) decode() (*place, error) {
	if r.Token == "" {
		return nil, nil //nolint:nilnil // the start is no place
	}
	var at place
	text, err := base64.RawURLEncoding.DecodeString(r.Token)
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	if err != nil || at.List != r.digest() {
		return nil, sales.Refuse(sales.Invalid, "Token is %s; it takes Next of a page of the same list", excerpt.Of(r.Token))
	}
	return &at, nil
}
