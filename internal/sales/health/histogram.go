package health

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	// Bucket i has the times from 2^(i/perDouble) up to 2^((i+1)/perDouble) milliseconds, so
	// that a quantile is off by less than a fifth; the last one has all that take longer.
	perDouble = 4
	buckets   = 27*perDouble + 1 // up to 37 hours
)

// Histogram is how long things took. Its buckets are fixed, so that histograms of
// different processes and minutes are merged by adding. The zero Histogram is empty.
type Histogram struct {
	counts [buckets]int64
	n      int64
	most   time.Duration
}

// Add counts something that took some time; less than a millisecond is one.
func (h *Histogram) Add(took time.Duration) {
	took = max(took, time.Millisecond)
	h.counts[bucketOf(took)]++
	h.n++
	h.most = max(h.most, took)
}

func bucketOf(took time.Duration) int {
	i := int(math.Log2(float64(took)/float64(time.Millisecond)) * perDouble)
	return min(max(i, 0), buckets-1)
}

// Merge adds another histogram.
func (h *Histogram) Merge(o Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
	h.most = max(h.most, o.most)
}

// Count returns how many things were counted.
func (h *Histogram) Count() int64 { return h.n }

// Most returns the longest time.
func (h *Histogram) Most() time.Duration { return h.most }

// Quantile returns the time within which a part of the things was done, from above: the
// end of the bucket that it lies in. Of nothing it is 0.
func (h *Histogram) Quantile(q float64) time.Duration {
	wanted, sum := int64(math.Ceil(q*float64(h.n))), int64(0)
	for i, n := range h.counts {
		if sum += n; n > 0 && sum >= wanted {
			end := time.Duration(math.Exp2(float64(i+1)/perDouble) * float64(time.Millisecond))
			return min(end, h.most)
		}
	}
	return 0
}

// String is the histogram as a row has it: the longest time in milliseconds, and the
// buckets that are not empty, each with its count, in numbers of base 36.
func (h *Histogram) String() string {
	var text strings.Builder
	text.WriteString(strconv.FormatInt(h.most.Milliseconds(), 36))
	for i, n := range h.counts {
		if n > 0 {
			text.WriteString(" " + strconv.FormatInt(int64(i), 36) + ":" + strconv.FormatInt(n, 36))
		}
	}
	return text.String()
}

// parse reads what String has written, "" for an empty one.
func parse(text string) (h Histogram, err error) {
	for i, word := range strings.Fields(text) {
		if i == 0 {
			most, err := strconv.ParseInt(word, 36, 64)
			if err != nil {
				return h, fmt.Errorf("histogram %q: the longest time: %w", text, err)
			}
			h.most = time.Duration(most) * time.Millisecond
			continue
		}
		at, count, _ := strings.Cut(word, ":")
		bucket, err := strconv.ParseInt(at, 36, 64)
		if err != nil || bucket < 0 || bucket >= buckets {
			return h, fmt.Errorf("histogram %q: there is no bucket %q", text, at)
		}
		n, err := strconv.ParseInt(count, 36, 64)
		if err != nil || n < 0 {
			return h, fmt.Errorf("histogram %q: bucket %s has %q things", text, at, count)
		}
		h.counts[bucket] += n
		h.n += n
	}
	return h, nil
}
