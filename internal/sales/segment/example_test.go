package segment_test

import (
	"fmt"

	"segue/internal/filter"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// lead is a record in memory. A column that it lacks is null.
type lead map[string]schema.Value

func (l lead) Value(column string) (schema.Value, error) { return l[column], nil }

// conditions compiles the conditions of a segment of leads, once for many
// records.
func conditions(text string) *filter.Program {
	tables, err := schema.Default()
	if err != nil {
		panic(err)
	}
	tree, err := filter.Parse(tables, name.Lead, text)
	if err != nil {
		panic(err)
	}
	program, err := filter.Compile(tables, name.Lead, tree)
	if err != nil {
		panic(err)
	}
	return program
}

// The catalogue of leads has two segments and the default one, which takes what
// no other wants. Large comes first and may take members from the others.
func catalogue() *segment.Catalogue {
	large := segment.Entry{
		ID: "large", Name: "Large", Takes: true, Sequence: "introduction",
		Program: conditions(`{"type":"and","items":[{"attribute":"numberofemployees","operator":"ge","values":[500]}]}`),
	}
	web := segment.Entry{
		ID: "web", Name: "From the web", Sequence: "nurture",
		Program: conditions(`{"type":"and","items":[{"attribute":"leadsourcecode","operator":"eq","values":[8]}]}`),
	}
	rest := segment.Entry{ID: "rest", Name: "Default segment", Default: true, Program: conditions(`{"type":"and","items":[]}`)}
	order := []name.SegmentID{"large", "web", "paused", "rest"} // paused is not active: it is known, and takes nobody
	return segment.NewCatalogue(name.Lead, order, []segment.Entry{rest, web, large}, nil)
}

// A catalogue is made when a segment changes and decides for every record: the
// first segment that matches wins, and the decision says why.
func Example() {
	c := catalogue()
	for i, s := range c.Segments {
		fmt.Printf("%d %s\n", i+1, s.Name)
	}
	fmt.Println("runs when one of these changes:", c.Columns)

	for _, record := range []struct {
		about   string
		columns lead
		present name.SegmentID
	}{
		{"a web lead", lead{"leadsourcecode": schema.Int(8), "numberofemployees": schema.Int(20)}, ""},
		{"a lead from elsewhere", lead{}, ""},
		{"it turns out to be large", lead{"leadsourcecode": schema.Int(8), "numberofemployees": schema.Int(900)}, "web"},
		{"a large one goes on the web", lead{"leadsourcecode": schema.Int(8)}, "large"},
	} {
		decision, err := c.Decide(record.columns, record.present, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %s", record.about, decision.Because())
		if decision.Segment != nil && decision.Segment.Sequence != "" {
			fmt.Printf(" → sequence %q", decision.Segment.Sequence)
		}
		fmt.Println()
	}

	// Output:
	// 1 Large
	// 2 From the web
	// 3 Default segment
	// runs when one of these changes: [leadsourcecode numberofemployees]
	// a web lead: "From the web" is the first segment that matches → sequence "nurture"
	// a lead from elsewhere: "Default segment" is the first segment that matches
	// it turns out to be large: "Large" matches first and takes records from other segments → sequence "introduction"
	// a large one goes on the web: "From the web" matches but does not take records from other segments
}

// Why a segment does or does not match is in its conditions, clause by clause,
// with the values read.
func ExampleCatalogue_Decide_why() {
	c := catalogue()
	record := lead{"leadsourcecode": schema.Int(8), "numberofemployees": schema.Int(20)}
	for _, s := range c.Segments[:2] {
		verdict, err := s.Program.Explain(record)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(s.Name, verdict.Holds)
		for _, clause := range verdict.Items {
			fmt.Printf("  %s: %v, read %v\n", clause.Text, clause.Holds, *clause.Value)
		}
	}

	// Output:
	// Large false
	//   numberofemployees ge 500: false, read 20
	// From the web true
	//   leadsourcecode eq 8: true, read 8
}

// The order is a list of ids. Placing a segment moves the others down; the
// default segment stays last.
func ExamplePlace() {
	order := []name.SegmentID{"large", "web", "rest"}
	fmt.Println(segment.Place(order, "new", 2, "rest"))
	fmt.Println(segment.Place(order, "large", 0, "rest"))
	fmt.Println(segment.Remove(order, "web"))

	// Output:
	// [large new web rest]
	// [web large rest]
	// [large rest]
}
