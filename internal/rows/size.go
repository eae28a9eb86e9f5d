package rows

// Size returns about how many bytes of text the values of some columns are, of all
// columns for nil. It costs no encoding, and is what memory and pages are counted in.
func (r *Row) Size(columns []string) int {
	size := 0
	for _, column := range columns {
		size += r.values[column].Size()
	}
	if columns == nil {
		for _, v := range r.values {
			size += v.Size()
		}
	}
	return size
}
