package embed

import (
	"bytes"
	"fmt"
	"slices"

	"segue/internal/store"
)

// probe is the image of one item after another, of which the same attributes are asked
// for: it looks up once which words they are, and compares numbers, not names.
type probe struct {
	image
	key    []byte   // of the entry
	attrs  []string // asked for first, nil before; what is asked for beside them is for few items
	places []int    // of each among the words, -1 if it is none of them; nil if one is there twice
}

// Values implements [store.Image]. It is for one goroutine, unlike that of an image.
func (p *probe) Values(attrs []string, into []store.Value) error {
	if p.attrs == nil {
		p.find(attrs)
	}
	if p.places == nil || !slices.Equal(p.attrs, attrs) {
		return p.image.Values(attrs, into)
	}
	clear(into)
	a := p.attributes()
	for left := len(attrs); left > 0 && a.next(); {
		n := p.at(&a)
		if n < 0 {
			continue
		}
		v, err := decodeValue(a.value(), string(a.value()))
		if err != nil {
			return fmt.Errorf("attribute %s: %w", attrs[n], err)
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

// find looks up attributes, unless one of them is asked for twice.
func (p *probe) find(attrs []string) {
	p.attrs, p.places = slices.Clone(attrs), nil
	var places []int
	for n, attr := range attrs {
		if slices.Contains(attrs[:n], attr) {
			return
		}
		place, known := p.words.numbers[attr]
		if !known {
			place = -1
		}
		places = append(places, place)
	}
	p.places = places
}

// at returns which of those that are asked for an attribute is, -1 for none.
func (p *probe) at(a *attributes) int {
	if a.place < 0 { // an item of which the name was new
		return slices.Index(p.attrs, string(a.name()))
	}
	return slices.Index(p.places, a.place)
}
