package statistics

import (
	"math"

	"segue/internal/sales/sequence"
)

// Fewest is how many records each side of a test must have before anything is claimed of it.
const Fewest = 30

// significance is the probability with which a test between equals may name a winner.
const significance = 0.05

// Fisher returns the two-sided p-value of Fisher's exact test: how likely two sides that do not
// differ come to successes that are as unlikely as these, or more so. It is 1 where a side has
// no records. The time that it takes grows with the smaller side.
func Fisher(a, b sequence.Side) float64 {
	successes, all := a.Successes+b.Successes, a.Records+b.Records
	logChoose := func(n, k int64) float64 {
		of := func(x int64) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
		return of(n) - of(k) - of(n-k)
	}
	total := logChoose(all, successes)
	// The sides and how many succeed in all are given; how many of the first do is left.
	chance := func(k int64) float64 {
		return math.Exp(logChoose(a.Records, k) + logChoose(b.Records, successes-k) - total)
	}
	seen, p := chance(a.Successes), 0.0
	for k := max(0, successes-b.Records); k <= min(a.Records, successes); k++ {
		// Cases that are equally likely differ in their last digits.
		if c := chance(k); c <= seen*(1+1e-7) {
			p += c
		}
	}
	return min(p, 1)
}

// Conclusion is what can be said of the two sides of a test.
type Conclusion struct {
	P      float64
	Enough bool // each side has at least [Fewest]
	Winner string
}

// Conclude compares the sides of a test: which one wins, "a" or "b", if each has enough records
// and a difference as large would come by chance with a probability below level; "" for neither.
func Conclude(sides [2]sequence.Side, level float64) Conclusion {
	a, b := sides[sequence.A], sides[sequence.B]
	c := Conclusion{P: Fisher(a, b), Enough: min(a.Records, b.Records) >= Fewest}
	if !c.Enough || c.P >= level {
		return c
	}
	// Cross-multiplied, so that no quotient is rounded.
	switch left, right := a.Successes*b.Records, b.Successes*a.Records; {
	case left > right:
		c.Winner = sequence.ABTest.Branch(sequence.A)
	case right > left:
		c.Winner = sequence.ABTest.Branch(sequence.B)
	}
	return c
}

// lookAt reports whether a test that ends by itself is looked at, and at what level. It is when
// the smaller side has 30, 60, 120, … records, each time at half the level of the time before:
// so however often it is looked at, equals get a winner with a probability of 5 % at most.
func lookAt(sides [2]sequence.Side, looks int64) (due bool, level float64) {
	looks = min(looks, 40) // records that nobody will ever have
	smaller := min(sides[sequence.A].Records, sides[sequence.B].Records)
	return smaller >= Fewest<<looks, significance / float64(int64(2)<<looks)
}
