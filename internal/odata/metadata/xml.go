package metadata

import (
	"bytes"
	"encoding/xml"
	"strconv"
)

// xmlWriter writes elements. encoding/xml cannot write a prefix that it is told.
type xmlWriter struct {
	b    bytes.Buffer
	tags []string // open elements
}

func (w *xmlWriter) raw(text string) { w.b.WriteString(text) }

// open begins an element; pairs are the names and values of its attributes.
func (w *xmlWriter) open(tag string, pairs ...string) {
	w.start(tag, pairs)
	w.raw(">")
	w.tags = append(w.tags, tag)
}

// leaf writes an element without any inside.
func (w *xmlWriter) leaf(tag string, pairs ...string) {
	w.start(tag, pairs)
	w.raw("/>")
}

func (w *xmlWriter) start(tag string, pairs []string) {
	w.raw("<" + tag)
	for i := 0; i < len(pairs); i += 2 {
		w.raw(" " + pairs[i] + `="`)
		_ = xml.EscapeText(&w.b, []byte(pairs[i+1])) // a buffer takes everything
		w.raw(`"`)
	}
}

// close ends the element that was opened last.
func (w *xmlWriter) close() {
	last := len(w.tags) - 1
	w.raw("</" + w.tags[last] + ">")
	w.tags = w.tags[:last]
}

func (w *xmlWriter) bytes() []byte { return w.b.Bytes() }

func decimalText(n int) string { return strconv.Itoa(n) }
