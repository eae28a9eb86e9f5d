// Package name has the names of the schema's tables, columns and traits as
// constants, and a type for the ids of each table's rows, so that a wrong name
// does not compile and an id of one table is not taken for that of another.
//
// Invariant: names.go is what go generate makes of the schema's files; a test
// compares the two. Code outside the schema's files spells no name of Segue's
// own tables and columns as text.
package name

//go:generate go test -run TestNamesAreCurrent -args -update
