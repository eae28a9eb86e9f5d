package filter

// Verdict is the result of one node for one row, and why.
type Verdict struct {
	Node  string    `json:"node"` // path as in items[2].items[0]; "" is the root
	Text  string    `json:"text"` // "and", "or" or the condition as in leadsourcecode in [1,8]
	Holds bool      `json:"holds"`
	Value *string   `json:"value,omitempty"` // what a condition read (Column.Text) or found (Finder), nil for null, for groups and for what a Finder does not show
	Items []Verdict `json:"items,omitempty"` // of a group
}

// Group reports whether the verdict is that of a group.
func (v Verdict) Group() bool { return v.Text == string(And) || v.Text == string(Or) }

// Flat returns v and all that is in it, in the order of the text, without their items.
func (v Verdict) Flat() []Verdict {
	own := v
	own.Items = nil
	all := []Verdict{own}
	for _, item := range v.Items {
		all = append(all, item.Flat()...)
	}
	return all
}

// Leaves returns the conditions in v, in the order of the text.
func (v Verdict) Leaves() []Verdict {
	if !v.Group() {
		return []Verdict{v}
	}
	var all []Verdict
	for _, item := range v.Items {
		all = append(all, item.Leaves()...)
	}
	return all
}

// Missing returns the fewest conditions that would have to come out otherwise for v to
// hold, the first of several such sets; ok is false where none would do, as in an empty
// "or". Conditions are taken one by one: whether a row can satisfy them together is not
// asked.
func (v Verdict) Missing() (conditions []Verdict, ok bool) {
	switch {
	case v.Holds:
		return nil, true
	case !v.Group():
		return []Verdict{v}, true
	case v.Text == string(And):
		for _, item := range v.Items {
			missing, ok := item.Missing()
			if !ok {
				return nil, false
			}
			conditions = append(conditions, missing...)
		}
		return conditions, true
	}
	for _, item := range v.Items {
		if missing, possible := item.Missing(); possible && (!ok || len(missing) < len(conditions)) {
			conditions, ok = missing, true
		}
	}
	return conditions, ok
}
