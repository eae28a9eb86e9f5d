package statistics

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"segue/internal/sales/sequence"
)

type side = sequence.Side

func of(records, successes int64) side { return side{Records: records, Successes: successes} }

// TestFisherKnown checks values that are published: R's fisher.test and SciPy's documentation.
func TestFisherKnown(t *testing.T) {
	for _, test := range []struct {
		name string
		a, b side
		want float64
	}{
		{"Fisher's tea", of(4, 3), of(4, 1), 0.4857142857},
		{"whales and sharks", of(10, 8), of(6, 1), 0.03496503497},
		{"convictions of twins", of(12, 2), of(18, 15), 0.0005367241},
		{"the same on both sides", of(40, 20), of(40, 20), 1},
		{"nobody", side{}, side{}, 1},
		{"one side alone", of(10, 4), side{}, 1},
		{"all against none", of(3, 3), of(3, 0), 0.1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Fisher(test.a, test.b); math.Abs(got-test.want) > 1e-9 {
				t.Errorf("p = %.10f, want %.10f", got, test.want)
			}
		})
	}
}

// bruteForce adds up, in whole numbers, the ways to choose which of all records succeed.
func bruteForce(a, b side) float64 {
	ways := func(k int64) *big.Int {
		n := new(big.Int).Binomial(a.Records, k)
		return n.Mul(n, new(big.Int).Binomial(b.Records, a.Successes+b.Successes-k))
	}
	seen, some := ways(a.Successes), new(big.Int)
	for k := range a.Records + 1 {
		if rest := a.Successes + b.Successes - k; rest < 0 || rest > b.Records {
			continue
		}
		if n := ways(k); n.Cmp(seen) <= 0 {
			some.Add(some, n)
		}
	}
	p, _ := new(big.Rat).SetFrac(some, new(big.Int).Binomial(a.Records+b.Records, a.Successes+b.Successes)).Float64()
	return p
}

// TestFisherBruteForce compares the function with counting, for all small tables and some large
// ones.
func TestFisherBruteForce(t *testing.T) {
	check := func(a, b side) {
		got, want := Fisher(a, b), bruteForce(a, b)
		if math.Abs(got-want) > 1e-7*max(want, 1e-9) && math.Abs(got-want) > 1e-9 {
			t.Errorf("%v against %v: p = %g, want %g", a, b, got, want)
		}
		if back := Fisher(b, a); math.Abs(back-got) > 1e-9 {
			t.Errorf("%v against %v: p = %g, the other way round %g", a, b, got, back)
		}
	}
	for m := range int64(9) {
		for n := range int64(9) {
			for x := range m + 1 {
				for y := range n + 1 {
					check(of(m, x), of(n, y))
				}
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		m, n := 1+random.Int64N(400), 1+random.Int64N(400)
		check(of(m, random.Int64N(m+1)), of(n, random.Int64N(n+1)))
	}
}

// TestConclude checks that nothing is claimed of few records.
func TestConclude(t *testing.T) {
	for _, test := range []struct {
		sides  [2]side
		enough bool
		winner string
	}{
		{[2]side{of(29, 29), of(300, 0)}, false, ""},
		{[2]side{of(30, 25), of(30, 5)}, true, "a"},
		{[2]side{of(30, 5), of(30, 25)}, true, "b"},
		{[2]side{of(30, 15), of(30, 14)}, true, ""},
		{[2]side{of(100, 50), of(100, 50)}, true, ""},
	} {
		got := Conclude(test.sides, significance)
		if got.Enough != test.enough || got.Winner != test.winner {
			t.Errorf("%v: %+v", test.sides, got)
		}
	}
}

// TestLooks lets tests between equals run until 2,000 records and checks how often one wins, and
// that a real difference is found.
func TestLooks(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	wins := func(rateA, rateB float64) (n int) {
		for range 200 {
			var sides [2]side
			looks := int64(0)
			for range 2000 {
				branch := random.IntN(2)
				sides[branch].Records++
				if random.Float64() < [2]float64{rateA, rateB}[branch] {
					sides[branch].Successes++
				}
				due, level := lookAt(sides, looks)
				if !due {
					continue
				}
				looks++
				if Conclude(sides, level).Winner != "" {
					n++
					break
				}
			}
		}
		return n
	}
	if n := wins(0.3, 0.3); n > 14 {
		t.Errorf("of 200 tests between equals %d had a winner", n)
	}
	if n := wins(0.3, 0.45); n < 190 {
		t.Errorf("of 200 tests with a difference %d had a winner", n)
	}
}

func ExampleFisher() {
	fmt.Printf("%.4f\n", Fisher(sequence.Side{Records: 40, Successes: 18}, sequence.Side{Records: 40, Successes: 8}))
	// Output: 0.0307
}
