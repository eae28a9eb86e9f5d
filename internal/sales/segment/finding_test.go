package segment

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// examined makes an entry whose conditions are "<column> <operator> <values>", all of
// which must hold.
func examined(t testing.TB, s *schema.Schema, id string, texts ...string) Entry {
	t.Helper()
	var items []string
	for _, text := range texts {
		words := strings.SplitN(text+" ", " ", 3)
		items = append(items, `{"attribute":"`+words[0]+`","operator":"`+words[1]+`","values":[`+strings.TrimSpace(words[2])+`]}`)
	}
	where, err := filter.Parse(s, "lead", `{"type":"and","items":[`+strings.Join(items, ",")+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	program, err := filter.Compile(s, "lead", where, filter.AsksAnything)
	if err != nil {
		t.Fatal(err)
	}
	return Entry{ID: name.SegmentID(id), Name: id, Where: where, Program: program}
}

func TestExamine(t *testing.T) {
	s := schematest.Tables(t)
	for _, test := range []struct {
		name   string
		own    []string
		higher [][]string
		want   []string // kinds and other segments
	}{
		{"nothing to say but that it can win", []string{"leadsourcecode eq 8"}, nil, []string{"CanWin"}},
		{"contradiction", []string{"leadsourcecode eq 8", "leadsourcecode eq 7"}, nil, []string{"NeverMatches"}},
		{"records that are closed are not evaluated", []string{"statecode eq 1"}, nil, []string{"NeverMatches"}},
		{"every open record", []string{"statecode eq 0"}, nil, []string{"AlwaysMatches", "CanWin"}},
		{"a weaker one above", []string{"numberofemployees ge 500"}, [][]string{{"revenue gt 1"}, {"numberofemployees gt 100"}}, []string{"NeverWins h1"}},
		{"a stronger one above", []string{"numberofemployees ge 50"}, [][]string{{"numberofemployees gt 100"}}, []string{"CanWin"}},
		{"two above together", []string{"leadqualitycode not-null"}, [][]string{{"leadqualitycode eq 1"}, {"revenue gt 1"}, {"leadqualitycode in 2,3"}}, []string{"NeverWins h0 h2"}},
		{"the same in other words above", []string{"leadqualitycode in 1,2"}, [][]string{{"leadqualitycode ne 3", "leadqualitycode not-null"}}, []string{"NeverWins h0", "Duplicate h0"}},
		{"patterns", []string{`subject contains "coffee"`}, [][]string{{`subject begins-with "tea"`}}, []string{"CanWin"}},
		{"the time", []string{"createdon today"}, [][]string{{"revenue gt 1"}}, []string{"NotProven"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			own := examined(t, s, "own", test.own...)
			var entries []Entry
			var order []string
			for i, h := range test.higher {
				id := fmt.Sprintf("h%d", i)
				entries, order = append(entries, examined(t, s, id, h...)), append(order, id)
			}
			c := NewCatalogue("lead", ids(append(order, "own")...), append(entries, own), nil)
			found, err := c.Examine(s, len(test.higher))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				text := string(f.Kind)
				for _, id := range f.Others {
					text += " " + string(id)
				}
				got = append(got, text)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// What is found is so: on records of all kinds that the conditions of a catalogue tell
// apart.
func TestExamine_IsSo(t *testing.T) {
	s := schematest.Tables(t)
	kinds := map[FindingKind]int{}
	rapid.Check(t, func(r *rapid.T) {
		var entries []Entry
		var order []string
		var all [][]string
		for n := range rapid.IntRange(1, 5).Draw(r, "segments") {
			var texts []string
			conditions := rapid.IntRange(1, 3).Draw(r, "conditions")
			if n > 0 && rapid.IntRange(0, 3).Draw(r, "like another") == 0 { // in another order
				texts = slices.Clone(all[rapid.IntRange(0, n-1).Draw(r, "which")])
				slices.Reverse(texts)
				conditions = 0
			}
			for range conditions {
				texts = append(texts, rapid.SampledFrom([]string{
					"leadqualitycode eq 1", "leadqualitycode ne 1", "leadqualitycode in 1,2", "leadqualitycode null", "leadqualitycode not-null",
					"numberofemployees gt 5", "numberofemployees le 5", "numberofemployees between 3,8", "numberofemployees not-between 4,6",
				}).Draw(r, "condition"))
			}
			all = append(all, texts)
			id := fmt.Sprintf("s%d", n)
			entries, order = append(entries, examined(t, s, id, texts...)), append(order, id)
		}
		c := NewCatalogue("lead", ids(order...), entries, nil)
		place := rapid.IntRange(0, len(entries)-1).Draw(r, "place")
		found, err := c.Examine(s, place)
		if err != nil {
			t.Fatal(err)
		}
		matched, won := map[int]int{}, 0
		same := make([]bool, len(entries))
		for i := range same {
			same[i] = true
		}
		total := 0
		for quality := range int64(4) {
			for employees := int64(-1); employees < 10; employees++ {
				record := row{"statecode": schema.Int(0)}
				if quality > 0 {
					record["leadqualitycode"] = schema.Int(quality)
				}
				if employees >= 0 {
					record["numberofemployees"] = schema.Int(employees)
				}
				total++
				own, _ := entries[place].Program.Match(record)
				for i := range entries {
					holds, _ := entries[i].Program.Match(record)
					if holds {
						matched[i]++
					}
					same[i] = same[i] && holds == own
				}
				if d, _ := c.Decide(record, "", nil); d.Segment != nil && d.Segment.ID == entries[place].ID {
					won++
				}
			}
		}
		want := wanted(matched[place], won, total)
		for i := range entries {
			if i != place && same[i] && matched[place] > 0 {
				want = append(want, Finding{Kind: Duplicate, Others: []name.SegmentID{entries[i].ID}})
			}
		}
		for i, f := range found {
			kinds[f.Kind]++
			if f.Kind == CanWin {
				record := row{"statecode": schema.Int(0)}
				for k, v := range f.Witness {
					record[k] = v
				}
				if d, err := c.Decide(record, "", nil); err != nil || d.Segment == nil || d.Segment.ID != entries[place].ID {
					r.Errorf("the witness %v is not won: %+v %v", f.Witness, d, err)
				}
			}
			if f.Kind != Duplicate {
				found[i].Others, found[i].Witness = nil, nil
			}
		}
		if d := cmp.Diff(want, found); d != "" {
			r.Errorf("(-want +got):\n%s", d)
		}
	})
	if slices.Contains([]int{kinds[NeverMatches], kinds[NeverWins], kinds[CanWin], kinds[Duplicate]}, 0) {
		t.Errorf("not all kinds were found: %v", kinds)
	}
}

// wanted is what is to be found, Duplicate left out.
func wanted(matched, won, total int) []Finding {
	var want []Finding
	switch matched {
	case 0:
		return []Finding{{Kind: NeverMatches}}
	case total:
		want = append(want, Finding{Kind: AlwaysMatches})
	}
	if won == 0 {
		return append(want, Finding{Kind: NeverWins})
	}
	return append(want, Finding{Kind: CanWin})
}

// However many segments there are and whatever they ask, examining one takes about a second:
// it ends with what it does not know. The time allowed is for a busy machine; without a
// bound these take minutes and hours.
func TestExamine_Bounded(t *testing.T) {
	s := schematest.Tables(t)
	cities := func(i int) string {
		var list []string
		for n := range filter.MaxValues {
			list = append(list, fmt.Sprintf(`"city %d %d"`, i, n))
		}
		return strings.Join(list, ",")
	}
	for _, test := range []struct {
		name   string
		own    string
		higher func(i int) []string
		want   FindingKind
	}{
		{"patterns on one column", "numberofemployees ge 5", func(i int) (texts []string) {
			for n := range MaxConditions / 2 {
				texts = append(texts, fmt.Sprintf(`subject begins-with "a %d %d"`, i, n), fmt.Sprintf(`subject ends-with "b %d %d"`, i, n))
			}
			return texts
		}, NotProven},
		{"long lists on one column", `address1_city eq "city 3 7"`, func(i int) []string { return []string{"address1_city in " + cities(i)} }, NeverWins},
		{"covered by all together", "numberofemployees not-null", func(i int) []string {
			switch i {
			case 0:
				return []string{"numberofemployees le 0"}
			case MaxActive - 2:
				return []string{fmt.Sprintf("numberofemployees ge %d", i)}
			}
			return []string{fmt.Sprintf("numberofemployees ge %d", i), fmt.Sprintf("numberofemployees le %d", i)}
		}, NeverWins},
	} {
		t.Run(test.name, func(t *testing.T) {
			var entries []Entry
			var order []string
			for i := range MaxActive - 1 {
				id := fmt.Sprintf("h%d", i)
				entries, order = append(entries, examined(t, s, id, test.higher(i)...)), append(order, id)
			}
			c := NewCatalogue("lead", ids(append(order, "own")...), append(entries, examined(t, s, "own", test.own)), nil)
			began := time.Now()
			found, err := c.Examine(s, len(entries))
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
			if err != nil || len(found) != 1 || found[0].Kind != test.want {
				t.Errorf("got %v, %v; want %s", found, err, test.want)
			}
		})
	}
}
