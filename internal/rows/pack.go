package rows

import (
	"encoding/hex"
	"hash/fnv"
	"strings"
	"time"

	"segue/internal/guid"
	"segue/internal/schema"
)

// packAlphabet is the digits of packed keys, six bits each, in the order of their
// characters, so that what is packed sorts as what it stands for. All lie between
// afterPart and afterAll.
const packAlphabet = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

const (
	packedTime = 7           // digits of a time: 42 bits of seconds
	packedZero = 62135596800 // seconds from the year 1 to 1970
	packedID   = 22          // digits of an id
)

// packedValues is the digits of the values of a partition: 42 bits of a hash.
const packedValues = 7

// packValues returns what stands for the values of a partition's columns in its key.
// Other values may have the same, so that whoever reads the partition looks at the rows.
func packValues(values string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(values)) // a hash never fails
	return packNumber(h.Sum64(), packedValues)
}

// keyID returns an id as a part of a key of an index.
func keyID(x *schema.Index, id string) string {
	if !x.Packed || !guid.Canonical(id) {
		return id
	}
	bits, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil {
		return id
	}
	var b strings.Builder
	b.Grow(packedID)
	held, n := uint32(0), 0 // bits that wait for others, and how many they are
	for _, octet := range bits {
		held, n = held<<8|uint32(octet), n+8
		for ; n >= 6; n -= 6 {
			b.WriteByte(packAlphabet[held>>(n-6)&63])
		}
	}
	b.WriteByte(packAlphabet[held<<(6-n)&63])
	return b.String()
}

// packTime returns a time as a part of a packed key.
func packTime(t time.Time) string {
	return packNumber(uint64(t.Unix()+packedZero), packedTime)
}

// packNumber returns the last digits of a number.
func packNumber(n uint64, digits int) string {
	text := make([]byte, digits)
	for i := digits - 1; i >= 0; i-- {
		text[i] = packAlphabet[n&63]
		n >>= 6
	}
	return string(text)
}
