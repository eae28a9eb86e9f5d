package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/sales/sequence/shipped"
	"segue/internal/schema"
)

// sequenceTemplates lists the shipped sequences.
func sequenceTemplates() Declaration {
	template := &call.Complex{Name: "segue_SequenceTemplate", Properties: []call.Property{
		{Name: "Id", Type: schema.String}, {Name: "Name", Type: schema.String}, {Name: "Description", Type: schema.String},
		{Name: "RecordType", Type: schema.String}, {Name: "Steps", Type: schema.Integer}, {Name: "Days", Type: schema.Integer},
		{Name: "Definition", Type: schema.String},
	}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "segue_SequenceTemplates", About: "The sequences that are shipped, to begin with one's own.",
			Returns: call.Return{Type: &call.Complex{Name: "segue_SequenceTemplatesResponse", Properties: []call.Property{
				{Name: "Templates", Of: template, Many: true},
			}}},
		},
		ask: func(_ context.Context, e Executor, _ Question) (Answer, error) {
			templates, err := shipped.Templates()
			if err != nil {
				return Answer{}, err
			}
			var list []call.Result
			for _, t := range templates {
				def, err := t.Definition(e.DB.Schema(), "")
				if err != nil {
					return Answer{}, err
				}
				list = append(list, call.Result{
					"Id": t.ID, "Name": t.Title, "Description": t.About, "RecordType": t.Table,
					"Steps": int64(def.Tasks()), "Days": int64(def.Days()), "Definition": t.Text,
				})
			}
			return Answer{Value: call.Result{"Templates": list}}, nil
		},
	}
}
