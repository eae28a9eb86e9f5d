package embed

import (
	"bytes"
	"fmt"

	"segue/internal/store"
)

// probe is the image of one item after another, of which the same attributes are asked
// for: it looks up once which words they are, and compares numbers, not names.
type probe struct {
	image
	key    []byte       // of the entry
	names  *store.Names // asked for first, nil before; what is asked for beside them is for few items
	places []int        // of each word, where it stands among them, -1 if it is none of them
}

// Values implements [store.Image]. It is for one goroutine, unlike that of an image.
func (p *probe) Values(names *store.Names, into []store.Value) error {
	if p.names == nil {
		p.find(names)
	}
	if p.names != names {
		return p.image.Values(names, into)
	}
	clear(into)
	a := p.attributes()
	for left := len(into); left > 0 && a.next(); {
		n := p.at(&a)
		if n < 0 {
			continue
		}
		v, err := decodeValue(a.value(), string(a.value()))
		if err != nil {
			return fmt.Errorf("attribute %s: %w", names.List()[n], err)
		}
		into[n] = v
		left--
	}
	return a.err
}

// Hold implements [store.Passing].
func (p *probe) Hold() store.Image { return image{p.words, bytes.Clone(p.text)} }

// SortKey implements [store.Passing]. It is "" for a key that nobody has written.
func (p *probe) SortKey() string {
	_, sort, _, _ := cutSort(p.key)
	return sort
}

// Size implements [store.Passing].
func (p *probe) Size() int { return len(p.text) }

// find looks up the words of the vocabulary.
func (p *probe) find(names *store.Names) {
	p.names, p.places = names, make([]int, len(p.words.list))
	for n, word := range p.words.list {
		p.places[n] = names.Find(word)
	}
}

// at returns which of those that are asked for an attribute is, -1 for none.
func (p *probe) at(a *attributes) int {
	if a.place < 0 { // an item of which the name was new
		return p.names.Find(string(a.name()))
	}
	return p.places[a.place]
}
