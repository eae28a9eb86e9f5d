package filter_test

import (
	"fmt"
	"os"
	"time"

	"segue/internal/filter"
	"segue/internal/schema"
)

// exampleRow is a row in memory. A column that it lacks is null.
type exampleRow map[string]schema.Value

func (r exampleRow) Value(column string) (schema.Value, error) { return r[column], nil }

// A filter is parsed and compiled once, then decided for many rows.
func Example() {
	tables, err := schema.Load(os.DirFS("filtertest/schema"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tree, err := filter.Parse(tables, "thing", `{"type":"and","items":[
		{"attribute":"source","operator":"in","values":[1,8]},
		{"type":"or","items":[
			{"attribute":"name","operator":"begins-with","values":["contoso"]},
			{"attribute":"employees","operator":"ge","values":[500]}]}]}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	program, err := filter.Compile(tables, "thing", tree)
	if err != nil {
		fmt.Println(err)
		return
	}
	row := exampleRow{"source": schema.Int(8), "name": schema.Text("Fabrikam"), "employees": schema.Int(120)}

	holds, err := program.Match(row)
	fmt.Println("reads", program.Columns())
	fmt.Println("holds:", holds, err)

	verdict, err := program.Explain(row)
	fmt.Println("because:", err)
	printVerdict(verdict, "")

	// Output:
	// reads [employees name source]
	// holds: false <nil>
	// because: <nil>
	// and: false
	//   source in [1,8]: true, read 8
	//   or: false
	//     name begins-with "contoso": false, read Fabrikam
	//     employees ge 500: false, read 120
}

func printVerdict(v filter.Verdict, indent string) {
	fmt.Print(indent, v.Text, ": ", v.Holds)
	if v.Value != nil {
		fmt.Print(", read ", *v.Value)
	}
	fmt.Println()
	for _, item := range v.Items {
		printVerdict(item, indent+"  ")
	}
}

// An error names the node and its place in the text, for the author of the
// filter.
func ExampleParse_error() {
	tables, err := schema.Load(os.DirFS("filtertest/schema"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = filter.Parse(tables, "thing", `{"type":"and","items":[{"attribute":"employees","operator":"gt","values":["many"]}]}`)
	fmt.Println(err)
	// Output:
	// filter at items[0].values[0] (offset 74): thing.employees: type: must be a JSON number, got "many"
}

// A condition that is relative to the time is evaluated in a scope; a program that is
// bound to one can be evaluated on many rows.
func ExampleProgram_Bind() {
	tables, err := schema.Load(os.DirFS("filtertest/schema"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tree, err := filter.Parse(tables, "thing", `{"type":"and","items":[{"attribute":"seenon","operator":"today"}]}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = filter.Compile(tables, "thing", tree)
	fmt.Println(err)

	program, err := filter.Compile(tables, "thing", tree, filter.AsksNow)
	if err != nil {
		fmt.Println(err)
		return
	}
	bound, err := program.Bind(&filter.Scope{
		Now:  time.Date(2026, 3, 29, 23, 30, 0, 0, time.UTC),
		Zone: time.FixedZone("CEST", 2*60*60),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, hour := range []int{21, 22} { // the date changes at 22:00 UTC
		row := exampleRow{"seenon": schema.Time(time.Date(2026, 3, 29, hour, 0, 0, 0, time.UTC))}
		fmt.Println(bound.Match(row))
	}
	// Output:
	// filter at items[0]: operator today is relative to the time, and nothing changes here when time passes; it cannot be evaluated
	// false <nil>
	// true <nil>
}
