package embed

import (
	"bytes"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"segue/internal/store"
)

// itemKey returns the key of an item in the bucket of items.
func itemKey(k store.Key) []byte { return appendEntry(nil, k.PK, k.SK) }

// appendEntry appends the length of partition, partition, and sort in escaped form with
// an end mark. Within a partition the entries sort as the bytes of sort do, whatever
// follows the entry.
func appendEntry(b []byte, partition, sort string) []byte {
	return append(appendEscaped(appendPartition(b, partition), sort), 0, 0)
}

func appendPartition(b []byte, partition string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(partition))), partition...)
}

// appendEscaped writes each zero byte as zero and 0xff, so that the end mark 0, 0 sorts
// before every continuation.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, s[i])
		if s[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return b
}

// cutEntry decodes an entry of appendEntry and returns the bytes after it.
func cutEntry(b []byte) (partition, sort string, rest []byte, err error) {
	key, sort, rest, err := cutSort(b)
	return string(key), sort, rest, err
}

// cutSort is cutEntry that makes no text of the partition.
func cutSort(b []byte) (partition []byte, sort string, rest []byte, err error) {
	if len(b) < 2 {
		return nil, "", nil, errCorrupt
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; len(b) < n {
		return nil, "", nil, errCorrupt
	}
	partition, b = b[:n], b[n:]
	end := bytes.Index(b, []byte{0, 0})
	if end < 0 {
		return nil, "", nil, errCorrupt
	}
	text := b[:end]
	if bytes.IndexByte(text, 0) >= 0 {
		text = bytes.ReplaceAll(text, []byte{0, 0xff}, []byte{0})
	}
	return partition, string(text), b[end+2:], nil
}

// span is a range of keys, from lo up to but not including hi; a nil hi has no end.
type span struct{ lo, hi []byte }

// querySpan returns the keys that q selects, in the bucket of items or of an index.
func querySpan(q store.Query) span {
	base := appendPartition(nil, q.Partition)
	r := span{base, after(base)}
	entry := func(sort string) []byte { return append(appendEscaped(bytes.Clone(base), sort), 0, 0) }
	switch {
	case q.After == "":
	case q.Descending:
		r.hi = entry(q.After)
	default:
		r.lo = after(entry(q.After)) // whatever follows the sort key in an entry of an index
	}
	switch {
	case q.To == "":
	case q.Descending:
		r.lo = entry(q.To)
	default:
		r.hi = after(entry(q.To))
	}
	return r
}

// after returns the first key after all keys that begin with b, nil when there is
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
