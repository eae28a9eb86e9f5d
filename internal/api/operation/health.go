package operation

import (
	"context"
	"time"

	"segue/internal/odata/call"
	"segue/internal/sales"
	"segue/internal/sales/health"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// reportHealth tells how the work goes that nobody waits for.
func reportHealth() Declaration {
	kind := &call.Enum{Name: "segue_LaneName", Members: []string{health.Changes.String(), health.Timers.String(), health.Tasks.String()}}
	lane := &call.Complex{Name: "segue_Lane", Properties: []call.Property{
		{Name: "Name", Type: schema.String, Enum: kind}, {Name: "Done", Type: schema.BigInt}, {Name: "PerSecond", Type: schema.Double},
		{Name: "P50Milliseconds", Type: schema.BigInt, Nullable: true}, {Name: "P99Milliseconds", Type: schema.BigInt, Nullable: true},
		{Name: "OldestSeconds", Type: schema.Double}, {Name: "Waiting", Type: schema.Boolean},
	}}
	use := &call.Complex{Name: "segue_LimitUse", Properties: []call.Property{
		{Name: "Name", Type: schema.String}, {Name: "Used", Type: schema.Integer}, {Name: "Limit", Type: schema.Integer},
	}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "segue_Health", About: "How changes, due rows and jobs are worked on, and how much of the limits is used.",
			Returns: call.Return{Type: &call.Complex{Name: "segue_HealthResponse", Properties: []call.Property{
				{Name: "At", Type: schema.DateTime}, {Name: "SpanSeconds", Type: schema.Integer}, {Name: "Lanes", Of: lane, Many: true},
				{Name: "Parked", Type: schema.Integer}, {Name: "ParkedMore", Type: schema.Boolean}, {Name: "Limits", Of: use, Many: true},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			// Whoever may see the jobs may see how they and the rest go.
			if err := e.Principals.Authorize(q.Caller, sales.Right{Privilege: sales.Read, Table: name.Job}); err != nil {
				return Answer{}, err
			}
			quotas, err := e.Quotas(ctx)
			if err != nil {
				return Answer{}, err
			}
			report, err := e.Health.Report(ctx, quotas...)
			return Answer{Value: healthResult(report)}, err
		},
	}
}

// healthResult is a report as the value of its type.
func healthResult(r health.Report) call.Result {
	lanes, limits := []call.Result{}, []call.Result{}
	for _, l := range r.Lanes {
		lane := call.Result{
			"Name": l.Lane.String(), "Done": l.Done.Count(), "PerSecond": float64(l.Done.Count()) / health.Span.Seconds(),
			"OldestSeconds": l.Oldest.Seconds(), "Waiting": l.Measured,
		}
		if l.Done.Count() > 0 {
			lane["P50Milliseconds"], lane["P99Milliseconds"] = l.Done.Quantile(0.50).Milliseconds(), l.Done.Quantile(0.99).Milliseconds()
		}
		lanes = append(lanes, lane)
	}
	for _, u := range r.Limits {
		limits = append(limits, call.Result{"Name": u.Name, "Used": int64(u.Used), "Limit": int64(u.Most)})
	}
	return call.Result{
		"At": r.At.Truncate(time.Second), "SpanSeconds": int64(health.Span.Seconds()), "Lanes": lanes,
		"Parked": int64(r.Parked), "ParkedMore": r.ParkedMore, "Limits": limits,
	}
}
