package pipeline

import (
	"context"
	"slices"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Qualification is how a lead is qualified.
type Qualification struct {
	Lead                          name.LeadID
	Account, Contact, Opportunity bool // which rows are made of it
	Status                        int64
	Currency, Customer, Campaign  schema.Lookup // of the opportunity; zero: what the lead has
}

// QualifyIn qualifies a lead in a unit of work, and returns what was made of it. What is
// made belongs to the caller.
func (p *Pipeline) QualifyIn(ctx context.Context, tx *rows.Tx, c sales.Caller, q Qualification) ([]schema.Lookup, error) {
	ref := rows.RefTo(name.Lead, q.Lead)
	lead, err := p.openRow(ctx, tx, c, ref)
	if err != nil {
		return nil, err
	}
	status, err := statusIn(lead.Table, qualified, q.Status)
	if err != nil {
		return nil, err
	}
	m := &maker{p: p, tx: tx, caller: c, lead: lead}
	changes := map[string]schema.Value{name.Statecode: schema.Int(qualified), name.Statuscode: status}
	account, contact := lead.Lookup(name.Parentaccountid), lead.Lookup(name.Parentcontactid)
	if q.Account {
		account = m.make(ctx, name.Account, map[string]schema.Value{name.Name: value(lead, name.Companyname)})
		changes[name.Parentaccountid] = schema.Ref(account)
	}
	if q.Contact {
		contact = m.make(ctx, name.Contact, map[string]schema.Value{name.Parentcustomerid: refTo(account)})
		changes[name.Parentcontactid] = schema.Ref(contact)
	}
	if q.Opportunity {
		changes[name.Qualifyingopportunityid] = schema.Ref(m.make(ctx, name.Opportunity, opportunityOf(lead, q, account, contact)))
	}
	if m.err != nil {
		return nil, m.err
	}
	_, _, err = p.entities.UpdateIn(ctx, tx, c, ref, changes, entity.If{Exists: true})
	return m.made, err
}

// maker makes rows of a lead until one is refused.
type maker struct {
	p      *Pipeline
	tx     *rows.Tx
	caller sales.Caller
	lead   *rows.Row
	made   []schema.Lookup
	err    error
}

// make makes a row of the columns that the lead has under the same names, and of values.
func (m *maker) make(ctx context.Context, table string, values map[string]schema.Value) schema.Lookup {
	if m.err != nil {
		return schema.Lookup{}
	}
	t := m.tx.Schema().Table(table)
	values[name.Originatingleadid] = schema.RefTo(name.Lead, m.lead.ID)
	if values[name.Transactioncurrencyid].IsNull() {
		values[name.Transactioncurrencyid] = value(m.lead, name.Transactioncurrencyid)
	}
	for _, column := range Shared(m.lead.Table, t) {
		if _, given := values[column]; given {
			continue
		}
		if v := value(m.lead, column); !v.IsNull() {
			values[column] = v
		}
	}
	made := schema.Lookup{Table: table, ID: madeOf(m.lead, table)}
	if _, m.err = m.p.entities.CreateIn(ctx, m.tx, m.caller, table, made.ID, values); m.err == nil {
		m.made = append(m.made, made)
	}
	return made
}

// Shared returns the columns whose values go from a row of one table to a row made of
// it: those of the same name that hold the same, lookups, states and owners left out.
func Shared(from, to *schema.Table) []string {
	var columns []string
	for _, target := range to.Columns {
		source := from.Column(target.Name)
		if source != nil && carries(source, target) && !slices.Contains(apart(), target.Name) {
			columns = append(columns, target.Name)
		}
	}
	return columns
}

// apart lists the columns that tell when and from where a row came.
func apart() []string { return []string{name.Overriddencreatedon, name.Importsequencenumber} }

// carries reports whether every value of one column is one of another.
func carries(source, target *schema.Column) bool {
	switch target.Type {
	case schema.LookupTo, schema.State, schema.Status, schema.GUID:
		return false
	default:
		return target.Write == schema.Always && source.Write == schema.Always &&
			source.Type == target.Type && source.OptionSet == target.OptionSet && source.MaxLength <= target.MaxLength
	}
}

// opportunityOf returns the columns of the opportunity that have other names on the lead.
func opportunityOf(lead *rows.Row, q Qualification, account, contact schema.Lookup) map[string]schema.Value {
	customer := q.Customer
	if customer == (schema.Lookup{}) {
		if customer = account; account == (schema.Lookup{}) {
			customer = contact
		}
	}
	campaign := q.Campaign
	if campaign == (schema.Lookup{}) {
		campaign = lead.Lookup(name.Campaignid)
	}
	return map[string]schema.Value{
		name.Name:       value(lead, name.Subject),
		name.Customerid: refTo(customer), name.Parentaccountid: refTo(account), name.Parentcontactid: refTo(contact),
		name.Campaignid: refTo(campaign), name.Transactioncurrencyid: refTo(q.Currency),
		name.Estimatedvalue: value(lead, name.Estimatedamount), name.Opportunityratingcode: value(lead, name.Leadqualitycode),
	}
}

// value returns the value of a column of a row.
func value(row *rows.Row, column string) schema.Value {
	v, _ := row.Value(column) // a row has a value of each column, if only null
	return v
}

// refTo returns the value of a lookup, null for none.
func refTo(l schema.Lookup) schema.Value {
	if l == (schema.Lookup{}) {
		return schema.Null()
	}
	return schema.Ref(l)
}
