package language

import (
	"strings"

	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/strictjson"
)

// Read reads the definition that the row of a sequence holds, or that of one of its
// versions: the text, and what columns say beside it. An exit criterion that is not of this
// format means nothing: activation refuses it, and what has been activated before goes on.
func Read(s *schema.Schema, id name.SequenceID, row schema.Columns) (sequence.Definition, error) {
	view := sequence.Sequence{Row: row}
	def, err := Parse(s, id, view.Version(), view.Text())
	if exit, wrong := ParseExit(row.Text(name.MsdynSequenceexitcriterion)); wrong == nil {
		def.Exit = exit
	}
	def.Ownership = sequence.Ownership(row.Int(name.MsdynAssignsequencetype))
	def.OwnerField = row.Text(name.MsdynAssignsequencefieldname)
	def.WorkingTime = row.Is(name.MsdynIswaittimecomputationenabledatsequencelevel)
	return def, err
}

// exit is an exit criterion as it is written.
type exit struct {
	Segue   int  `json:"segue"`
	Replied bool `json:"replied"`
}

// ParseExit reads an exit criterion, {"segue":1,"replied":true}; "" is none.
func ParseExit(text string) (sequence.Exit, *Error) {
	if strings.TrimSpace(text) == "" {
		return sequence.Exit{}, nil
	}
	var e exit
	if err := strictjson.Decode([]byte(text), &e); err != nil || e.Segue != Format {
		return sequence.Exit{}, &Error{Column: name.MsdynSequenceexitcriterion, Detail: `is not in the format of Segue, which is {"segue":1,"replied":true}; it is kept as it is, and the sequence cannot be activated with it`}
	}
	return sequence.Exit{Replied: e.Replied}, nil
}
