package dynamo

import (
	"strings"
	"sync/atomic"

	"segue/internal/store"
)

// words is the names of the attributes of a batch, each once and with a number. The images
// of a table have nearly the same ones in the same order, so that a name is mostly the one
// that came after the one before it in another image: one comparison, where it would have
// to be gone through and looked up. When the batch has been read they do not change.
type words struct {
	list    []word // the first is none; it stands before the first name of an image
	numbers map[string]uint32
	last    uint32 // that was found

	asked atomic.Pointer[asked]
}

type word struct {
	text  string
	next  uint32
	plain bool // is written as it is
}

func newWords() *words {
	const some = 64
	return &words{list: make([]word, 1, some), numbers: make(map[string]uint32, some)}
}

// begin begins an image.
func (w *words) begin() { w.last = 0 }

// expect returns the number and the size of the name that a text begins with, before its
// closing quote, if it is one of those that would come next; -1 if it is not.
func (w *words) expect(text string) (n uint32, size int) {
	const some = 4 // that an image may leave out
	n = w.list[w.last].next
	for range some {
		word := &w.list[n]
		size := len(word.text)
		if size < len(text) && text[size] == '"' && text[:size] == word.text && word.plain {
			w.last = n
			return n, size
		}
		n = word.next
	}
	return 0, -1
}

// number returns the number of the name that was found.
func (w *words) number(text string) uint32 {
	n, known := w.numbers[text]
	if !known {
		n = uint32(len(w.list))
		w.numbers[text] = n
		w.list = append(w.list, word{text, w.list[w.last].next, !strings.ContainsAny(text, `"\`)})
	}
	w.list[w.last].next = n
	w.last = n
	return n
}

// asked is where the words stand in a list of names, for each list that was asked for.
type asked struct {
	names  *store.Names
	places []int32
	next   *asked
}

// placesOf returns where the words stand in a list of names, -1 for those that do not;
// nil where so few attributes or names are better looked up.
func (w *words) placesOf(names *store.Names, attributes int) []int32 {
	const few = 8
	if attributes < few || len(names.List()) < few {
		return nil
	}
	first := w.asked.Load()
	for a := first; a != nil; a = a.next {
		if a.names == names {
			return a.places
		}
	}
	places := make([]int32, len(w.list))
	for n := range w.list {
		places[n] = int32(names.Find(w.list[n].text))
	}
	w.asked.CompareAndSwap(first, &asked{names, places, first}) // who loses looks them up again
	return places
}
