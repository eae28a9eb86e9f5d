package engine

// Operations returns how many questions about a record are asked until a program holds.
func (e *Engine) Operations(r *Record) int {
	at, n := e.starts[0], 0
	for ; e.code[at].kind != found; n++ {
		o := &e.code[at]
		holds := o.kind == within && r.places[o.slot]-o.low <= o.span
		if o.kind != within {
			holds, _ = e.holds(o, r)
		}
		if at = o.no; holds {
			at = o.yes
		}
	}
	return n
}
