package embed

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"iter"

	"go.etcd.io/bbolt"

	"segue/internal/store"
)

// segments is how many values the hash before an item's key has.
const segments = 1 << 16

// itemKey is where the item of k is in the bucket of items.
func itemKey(k store.Key) []byte { return appendEntry(appendHash(nil, k.PK), k.PK, k.SK) }

// appendHash adds the hash that decides a partition's segment.
func appendHash(b []byte, partition string) []byte {
	h := fnv.New32a()
	_, _ = h.Write([]byte(partition)) // a hash never fails
	sum := h.Sum32()
	return binary.BigEndian.AppendUint16(b, uint16(sum^sum>>16))
}

// appendEntry adds partition after its length and sort in escaped form with an
// end mark: within a partition the entries sort as the bytes of sort do,
// whatever follows the entry.
func appendEntry(b []byte, partition, sort string) []byte {
	return append(appendEscaped(appendPartition(b, partition), sort), 0, 0)
}

func appendPartition(b []byte, partition string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(partition))), partition...)
}

// appendEscaped turns each zero byte into zero and 0xff, so that 0, 0 is below
// every continuation.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, s[i])
		if s[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return b
}

// cutEntry reads what appendEntry wrote and answers the rest behind it.
func cutEntry(b []byte) (partition, sort string, rest []byte, err error) {
	if len(b) < 2 {
		return "", "", nil, errCorrupt
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; len(b) < n {
		return "", "", nil, errCorrupt
	}
	partition, b = string(b[:n]), b[n:]
	end := bytes.Index(b, []byte{0, 0})
	if end < 0 {
		return "", "", nil, errCorrupt
	}
	sort = string(bytes.ReplaceAll(b[:end], []byte{0, 0xff}, []byte{0}))
	return partition, sort, b[end+2:], nil
}

// span is the keys from lo to below hi; hi nil has no end.
type span struct{ lo, hi []byte }

// querySpan is the part of base, a partition, that q's sort keys select.
func querySpan(base []byte, q store.Query) span {
	sort := func(s string) []byte { return appendEscaped(bytes.Clone(base), s) }
	r := span{sort(q.Prefix), after(sort(q.Prefix))}
	if q.From != "" {
		r.lo = sort(q.From)
	}
	if q.To != "" {
		r.hi = after(append(sort(q.To), 0, 0))
	}
	return r
}

// beyond is what is left of r behind the entry at key.
func (r span) beyond(key []byte, descending bool) span {
	if descending {
		return span{r.lo, key}
	}
	return span{append(bytes.Clone(key), 0), r.hi}
}

// segmentSpan is the items of segment i of n.
func segmentSpan(i, n int) span {
	r := span{lo: binary.BigEndian.AppendUint16(nil, uint16(min(i*segments/n, segments-1)))}
	switch lo, hi := i*segments/n, (i+1)*segments/n; {
	case lo == hi:
		r.hi = r.lo // more segments than hashes: this one is empty
	case hi < segments:
		r.hi = binary.BigEndian.AppendUint16(nil, uint16(hi))
	}
	return r
}

// after is the first key behind all keys that begin with b, nil when there is
// none.
func after(b []byte) []byte {
	b = bytes.Clone(b)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			return b[:i+1]
		}
	}
	return nil
}

// entries walks the entries of b within r. Keys and values hold until the
// transaction ends.
func entries(b *bbolt.Bucket, r span, descending bool) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := b.Cursor()
		k, v := c.Seek(r.lo)
		next := c.Next
		if descending {
			next = c.Prev
			k, v = seekBelow(c, r.hi)
		}
		for ; k != nil; k, v = next() {
			if descending && bytes.Compare(k, r.lo) < 0 || !descending && r.hi != nil && bytes.Compare(k, r.hi) >= 0 {
				return
			}
			if !yield(k, v) {
				return
			}
		}
	}
}

// seekBelow goes to the last entry before hi.
func seekBelow(c *bbolt.Cursor, hi []byte) (k, v []byte) {
	if hi == nil {
		return c.Last()
	}
	if k, _ := c.Seek(hi); k == nil {
		return c.Last()
	}
	return c.Prev()
}
