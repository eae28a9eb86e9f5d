package store

import "slices"

// Names is attributes that are read from many items: it knows where each stands in the
// list, so that an image goes through its attributes once and looks up each. It does not
// change.
type Names struct {
	list  []string
	place map[string]int
}

// NewNames returns a list of names, each of which is there once.
func NewNames(list ...string) *Names {
	n := &Names{list: slices.Clone(list), place: make(map[string]int, len(list))}
	for i, name := range list {
		n.place[name] = i
	}
	return n
}

// List returns the names. The caller must not change it.
func (n *Names) List() []string { return n.list }

// Find returns where a name stands, -1 where it is none of them.
func (n *Names) Find(name string) int {
	if i, ok := n.place[name]; ok {
		return i
	}
	return -1
}
