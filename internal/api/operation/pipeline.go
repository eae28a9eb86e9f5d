package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/pipeline"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// status is the parameter that says with which status a row is closed.
const status = "Status"

// qualifyLead qualifies a lead and makes an account, a contact and an opportunity of it,
// as far as they are asked for.
func qualifyLead() Declaration {
	const (
		account, contact, opportunity = "CreateAccount", "CreateContact", "CreateOpportunity"
		currency, customer, campaign  = "OpportunityCurrencyId", "OpportunityCustomerId", "SourceCampaignId"
	)
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "QualifyLead", About: "Qualifies a lead, and makes an account, a contact and an opportunity of it.",
			Binding: call.ToRow, Tables: []string{name.Lead},
			Parameters: []call.Parameter{
				{Name: account, Type: schema.Boolean}, {Name: contact, Type: schema.Boolean}, {Name: opportunity, Type: schema.Boolean},
				{Name: currency, Type: schema.LookupTo, Tables: []string{name.Currency}},
				{Name: customer, Type: schema.LookupTo, Tables: []string{name.Account, name.Contact}},
				{Name: campaign, Type: schema.LookupTo, Tables: []string{name.Campaign}},
				{Name: status, Type: schema.Integer, Required: true},
				{Name: "SuppressDuplicateDetection", Type: schema.Boolean}, // there are no rules of duplicates
			},
			Returns: call.Return{Rows: true},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			made, err := e.Pipeline.QualifyIn(ctx, tx, c, pipeline.Qualification{
				Lead: name.LeadID(on.ID), Account: given.Is(account), Contact: given.Is(contact), Opportunity: given.Is(opportunity), Status: given.Int(status),
				Currency: given.Lookup(currency), Customer: given.Lookup(customer), Campaign: given.Lookup(campaign),
			})
			return Answer{Rows: made}, err
		},
	}
}

// closeOpportunity closes an opportunity as won or as lost.
func closeOpportunity(action string, won bool) Declaration {
	const activity = "OpportunityClose"
	about := "Closes an opportunity as lost."
	if won {
		about = "Closes an opportunity as won."
	}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: action, About: about,
			Parameters: []call.Parameter{
				{Name: activity, Row: true, Tables: []string{name.OpportunityClose}, Required: true},
				{Name: status, Type: schema.Integer, Required: true},
			},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, _ rows.Ref, given call.Arguments) (Answer, error) {
			row := given.Row(activity)
			return Answer{}, e.Pipeline.CloseIn(ctx, tx, c, pipeline.Closing{
				Won: won, Status: given.Int(status), ID: row.ID, Activity: row.Values,
			})
		},
	}
}
