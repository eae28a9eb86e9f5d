package uri

// Split cuts a text at a separator that is outside single quotes and round brackets. A
// quote that is doubled stands for itself, which needs no rule of its own: it ends a
// string and begins the next. closed is false when a quote or a bracket is left open.
func Split(text string, separator byte) (parts []string, closed bool) {
	start, depth, quoted := 0, 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == separator && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:]), depth == 0 && !quoted
}
