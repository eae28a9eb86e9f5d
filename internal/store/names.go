package store

import (
	"math/bits"
	"slices"
)

// Names is attributes that are read from many items: it knows where each stands in the
// list, so that an image goes through its attributes once and looks up each. It does not
// change.
type Names struct {
	list  []string
	table []int32 // by hash: one more than where a name stands, 0 for none; twice as long as the list, at least
}

// NewNames returns a list of names, each of which is there once.
func NewNames(list ...string) *Names {
	n := &Names{list: slices.Clone(list), table: make([]int32, 1<<bits.Len(uint(2*len(list))))}
	for i, name := range list {
		at := hash(name)
		for n.table[at&n.mask()] != 0 {
			at++
		}
		n.table[at&n.mask()] = int32(i + 1)
	}
	return n
}

func (n *Names) mask() uint32 { return uint32(len(n.table) - 1) }

// List returns the names. The caller must not change it.
func (n *Names) List() []string { return n.list }

// Find returns where a name stands, -1 where it is none of them.
func (n *Names) Find(name string) int {
	for at := hash(name); ; at++ {
		i := n.table[at&n.mask()]
		if i == 0 {
			return -1
		}
		if n.list[i-1] == name {
			return int(i - 1)
		}
	}
}

// hash looks at the length, the first byte and the last eight, in which the names of a
// table's columns differ most.
func hash(name string) uint32 {
	h := uint64(len(name))
	if len(name) < 8 {
		for i := range len(name) {
			h = h<<8 ^ uint64(name[i])
		}
	} else {
		s := name[len(name)-8:]
		h ^= uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		h ^= uint64(name[0]) << 24
	}
	return uint32(h * 0x9e3779b97f4a7c15 >> 32)
}
