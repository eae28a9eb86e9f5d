package sequence

import (
	"segue/internal/excerpt"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Move returns the columns of a target that goes over from another version, and of its open
// step, which is at a place of this one from then on. When the step is due does not change,
// nor who does it.
func (d Definition) Move(from Definition, p Position, at Place) (target, step map[string]schema.Value) {
	done := p.Done
	if was, ok := from.Find(p.Step); ok {
		done = from.done(p, was)
	}
	to := d.Steps[at]
	step = map[string]schema.Value{
		name.MsdynName:               schema.Text(excerpt.Bytes(to.Name, MaxName)),
		name.MsdynDescription:        schema.Null(),
		name.MsdynOperationparameter: schema.Null(),
		name.MsdynSequencestepid:     schema.Text(string(to.ID)),
		name.SegueVersion:            schema.Int(d.Version),
		name.SegueDone:               schema.Int(int64(done)),
	}
	if to.Description != "" {
		step[name.MsdynDescription] = schema.Text(to.Description)
	}
	if to.Template != "" {
		step[name.MsdynOperationparameter] = schema.Text(to.Template)
	}
	return map[string]schema.Value{
		name.MsdynParentsequenceversion:   schema.Int(d.Version),
		name.MsdynCurrentstepdefinitionid: schema.Text(string(to.ID)),
		name.MsdynCurrentstepname:         schema.Text(excerpt.Bytes(to.Name, MaxName)),
		name.MsdynTotalstepcount:          schema.Int(int64(d.total(done, at))),
	}, step
}
