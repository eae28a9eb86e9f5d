package filter

// withoutRows evaluates a step as far as that takes no related rows; known is false where
// they decide. A column that cannot be read leaves its condition open, for whoever needs it
// to find the error.
func (s *step) withoutRows(row Row, scope *Scope) (holds, known bool) {
	if s.isCondition() {
		if s.rows {
			return false, false
		}
		_, holds, err := s.answer(row, scope)
		return holds, err == nil
	}
	decisive, known := s.or, true
	for _, item := range s.items {
		holds, decided := item.withoutRows(row, scope)
		if decided && holds == decisive {
			return decisive, true
		}
		known = known && decided
	}
	return !decisive, known
}

// found tells which related row a condition was answered by, "" where nobody can tell.
func (s *step) found(row Row, scope *Scope) string {
	c, ok := s.beyond.(relatedTo)
	if !ok || scope == nil {
		return ""
	}
	finder, ok := scope.Related.(Finder)
	if !ok {
		return ""
	}
	return finder.Found(row, c.relation, c.inner)
}

// shows reports whether people may be told the value that a condition has read.
func (s *step) shows(row Row, scope *Scope) (bool, error) {
	c, ok := s.beyond.(pathTo)
	if !ok {
		return true, nil
	}
	there, err := c.follow(row, scope)
	if err != nil {
		return false, err
	}
	finder, ok := scope.Related.(Finder)
	return !ok || finder.Shows(there), nil
}
