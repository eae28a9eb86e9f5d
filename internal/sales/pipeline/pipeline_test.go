package pipeline_test

import (
	"slices"
	"testing"
	"time"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/pipeline"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"

	"github.com/shopspring/decimal"
)

type values = salestest.Values

// qualify calls the action on a lead.
func qualify(w *salestest.World, lead rows.Ref, given call.Arguments) ([]schema.Lookup, error) {
	outcomes, err := w.Operations().Do(w.T.Context(), salestest.Manager(), operation.Action{Name: "QualifyLead", On: lead, Given: given})
	if err != nil {
		return nil, err
	}
	return outcomes[0].Answer.Rows, nil
}

// A lead on a sequence is qualified: three rows are made of it, which name each other
// and the lead, and its connection ends.
func TestQualify(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	lead := w.Lead(1, values{
		"subject": "Machines", "firstname": "Ann", "lastname": "Bee", "companyname": "Bee Ltd", "emailaddress1": "a@bee.example",
		"telephone1": "1", "address1_city": "Bern", "revenue": decimal.NewFromInt(5), "estimatedamount": decimal.NewFromInt(70), "leadqualitycode": int64(1), "description": "D",
	})
	target := w.Connect(lead, sequence)
	w.Probe.Reset()
	made, err := qualify(w, lead, call.Arguments{"CreateAccount": true, "CreateContact": true, "CreateOpportunity": true, "Status": int64(3)})
	if err != nil {
		t.Fatal(err)
	}
	if n := w.Probe.Counts(); n.Transactions != 1 || n.Writes != 0 {
		t.Errorf("%+v, want one transaction", n)
	}
	var tables []string
	for _, l := range made {
		tables = append(tables, l.Table)
	}
	if !slices.Equal(tables, []string{"account", "contact", "opportunity"}) {
		t.Fatalf("made %v", made)
	}
	account, contact, opportunity := made[0], made[1], made[2]
	from := schema.Lookup{Table: "lead", ID: lead.ID}
	for _, test := range []struct {
		of   schema.Lookup
		want values
	}{
		{account, values{"name": "Bee Ltd", "emailaddress1": "a@bee.example", "address1_city": "Bern", "revenue": decimal.NewFromInt(5), "originatingleadid": from, "description": "D"}},
		{contact, values{"firstname": "Ann", "lastname": "Bee", "telephone1": "1", "parentcustomerid": account, "originatingleadid": from}},
		{opportunity, values{
			"name": "Machines", "customerid": account, "parentaccountid": account, "parentcontactid": contact, "originatingleadid": from,
			"estimatedvalue": decimal.NewFromInt(70), "opportunityratingcode": int64(1), "statecode": int64(0), "description": "D",
		}},
		{from, values{
			"statecode": int64(1), "statuscode": int64(3), "parentaccountid": account, "parentcontactid": contact,
			"qualifyingopportunityid": opportunity, "segue_connected": false,
		}},
	} {
		row := w.Row(test.of.Table, test.of.ID)
		for column, want := range schematest.Row(test.want) {
			if v, _ := row.Value(column); v != want {
				t.Errorf("%s of the %s is %v, want %v", column, row.Table.Name, v, want)
			}
		}
	}
	if ended := w.Row("msdyn_sequencetarget", target.ID); ended.Int("statecode") != 1 || ended.Int("msdyn_deactivatereason") != 2 {
		t.Errorf("the connection is %v", ended.Values())
	}
	w.Settle()
	w.Sound(true)
	_, err = qualify(w, lead, call.Arguments{"CreateAccount": true, "Status": int64(3)})
	salestest.Refused(t, err, sales.Precondition, "is closed already")
}

// What is not asked for is not made; what is there already is pointed at.
func TestQualify_Opportunity(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	account, contact := salestest.ID("account", 1), salestest.ID("contact", 1)
	w.Create("account", account, values{"name": "A"})
	w.Create("contact", contact, values{"lastname": "C"})
	lead := w.Lead(1, values{"parentaccountid": schema.Lookup{Table: "account", ID: account}})
	made, err := qualify(w, lead, call.Arguments{
		"CreateOpportunity": true, "Status": int64(-1), "OpportunityCustomerId": schema.Lookup{Table: "contact", ID: contact},
	})
	if err != nil || len(made) != 1 {
		t.Fatal(made, err)
	}
	opportunity := w.Row("opportunity", made[0].ID)
	if customer := opportunity.Lookup("customerid"); customer.ID != contact || opportunity.Lookup("parentaccountid").ID != account {
		t.Errorf("the opportunity is %v", opportunity.Values())
	}
	if row := w.Row("lead", lead.ID); row.Int("statuscode") != 3 || row.Lookup("parentaccountid").ID != account {
		t.Errorf("the lead is %v", row.Values())
	}
}

// What is refused changes nothing.
func TestQualify_Refusals(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, nil)
	everything := call.Arguments{"CreateAccount": true, "CreateContact": true, "CreateOpportunity": true, "Status": int64(3)}
	gone := rows.Ref{Table: "lead", ID: salestest.ID("lead", 9)}
	seller := sales.Caller{ID: "05e40000-0000-4000-8000-00000000000a", Roles: []string{sales.Salesperson}}
	for name, test := range map[string]struct {
		kind  sales.Kind
		c     sales.Caller
		on    rows.Ref
		given call.Arguments
		text  string
	}{
		"no such lead":            {sales.NotFound, salestest.Manager(), gone, everything, gone.ID},
		"a status of another":     {sales.Invalid, salestest.Manager(), lead, call.Arguments{"Status": int64(4)}, "the status 4 of lead does not belong to statecode 1"},
		"no status":               {sales.Invalid, salestest.Manager(), lead, call.Arguments{}, "the parameter 'Status' is required"},
		"no such customer":        {sales.NotFound, salestest.Manager(), lead, call.Arguments{"CreateOpportunity": true, "Status": int64(3), "OpportunityCustomerId": schema.Lookup{Table: "account", ID: salestest.ID("account", 9)}}, "account With Id"},
		"a lead of somebody else": {sales.Forbidden, seller, lead, everything, "prvWritelead"},
	} {
		t.Run(name, func(t *testing.T) {
			w.Admit(test.c)
			w.Refuses(t, test.kind, func() error {
				_, err := w.Operations().Do(t.Context(), test.c, operation.Action{Name: "QualifyLead", On: test.on, Given: test.given})
				return err
			}, test.text)
		})
	}
}

// closing calls an action that closes an opportunity.
func closing(w *salestest.World, action string, given call.Arguments) error {
	_, err := w.Operations().Do(w.T.Context(), salestest.Manager(), operation.Action{Name: action, Given: given})
	return err
}

// activity is an opportunityclose as a client sends it.
func activity(w *salestest.World, v values) call.Row {
	row := call.Row{Table: w.DB.Schema().Table("opportunityclose")}
	row.Values = schematest.Row(v)
	return row
}

func TestClose(t *testing.T) {
	for _, test := range []struct {
		action        string
		status        int64
		v             values
		state, want   int64
		revenue, date string
	}{
		{"WinOpportunity", 3, values{"subject": "Won", "actualrevenue": decimal.NewFromInt(90), "actualend": time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)}, 1, 3, "90", "2026-01-05"},
		{"WinOpportunity", -1, values{}, 1, 3, "80", salestest.Now().Format("2006-01-02")},
		{"LoseOpportunity", 5, values{"subject": "Lost", "description": "price"}, 2, 5, "null", salestest.Now().Format("2006-01-02")},
		{"LoseOpportunity", -1, values{}, 2, 4, "null", salestest.Now().Format("2006-01-02")},
	} {
		w := salestest.New(t, boot.Options{})
		id := salestest.ID("opportunity", 1)
		w.Create("opportunity", id, values{"name": "O", "estimatedvalue": decimal.NewFromInt(80)})
		opportunity := schema.Lookup{Table: "opportunity", ID: id}
		target := w.Connect(rows.Ref(opportunity), w.Sequence(1, "opportunity"))
		test.v["opportunityid"] = opportunity
		if err := closing(w, test.action, call.Arguments{"Status": test.status, "OpportunityClose": activity(w, test.v)}); err != nil {
			t.Fatal(err)
		}
		row := w.Row("opportunity", id)
		revenue, _ := row.Value("actualvalue")
		date, _ := row.Value("actualclosedate")
		if row.Int("statecode") != test.state || row.Int("statuscode") != test.want || revenue.String() != test.revenue ||
			row.Table.Column("actualclosedate").Text(date) != test.date {
			t.Errorf("%s: the opportunity is %v", test.action, row.Values())
		}
		list := w.List("opportunityclose", nil)
		if len(list) != 1 || list[0].Int("statecode") != 1 || list[0].Lookup("regardingobjectid") != opportunity || list[0].Lookup("opportunityid") != opportunity ||
			list[0].Text("subject") == "" {
			t.Errorf("%s leaves %v", test.action, list)
		}
		if ended := w.Row("msdyn_sequencetarget", target.ID); ended.Int("statecode") != 1 {
			t.Errorf("%s: the connection goes on", test.action)
		}
		salestest.Refused(t, closing(w, test.action, call.Arguments{"Status": test.status, "OpportunityClose": activity(w, test.v)}), sales.Precondition, "is closed already")
		w.Settle()
		w.Sound(true)
	}
}

func TestClose_Refusals(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	id := salestest.ID("opportunity", 1)
	w.Create("opportunity", id, values{"name": "O"})
	opportunity := schema.Lookup{Table: "opportunity", ID: id}
	for name, test := range map[string]struct {
		kind   sales.Kind
		action string
		status int64
		v      values
		text   string
	}{
		"of nothing":             {sales.Invalid, "WinOpportunity", 3, values{"subject": "S"}, "opportunityid is missing"},
		"of what is not there":   {sales.NotFound, "LoseOpportunity", 4, values{"opportunityid": schema.Lookup{Table: "opportunity", ID: salestest.ID("opportunity", 9)}}, "opportunity With Id"},
		"won with a lost status": {sales.Invalid, "WinOpportunity", 4, values{"opportunityid": opportunity}, "the status 4 of opportunity does not belong to statecode 1"},
		"lost with an open one":  {sales.Invalid, "LoseOpportunity", 1, values{"opportunityid": opportunity}, "does not belong to statecode 2"},
	} {
		t.Run(name, func(t *testing.T) {
			w.Refuses(t, test.kind, func() error {
				return closing(w, test.action, call.Arguments{"Status": test.status, "OpportunityClose": activity(w, test.v)})
			}, test.text)
		})
	}
}

// What goes from a lead to what is made of it is more than its name.
func TestShared(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	table := w.DB.Schema().Table
	for to, want := range map[string][]string{
		"account":     {"emailaddress1", "telephone1", "address1_city", "revenue", "industrycode", "numberofemployees", "donotemail", "description", "websiteurl"},
		"contact":     {"firstname", "lastname", "jobtitle", "mobilephone", "emailaddress1", "address1_postalcode", "salutation"},
		"opportunity": {"description", "budgetamount", "purchaseprocess", "purchasetimeframe", "need", "budgetstatus", "decisionmaker", "estimatedclosedate"},
	} {
		shared := pipeline.Shared(table("lead"), table(to))
		for _, column := range want {
			if !slices.Contains(shared, column) {
				t.Errorf("%s does not go to the %s", column, to)
			}
		}
		for _, column := range []string{"statecode", "statuscode", "ownerid", "createdon", "overriddencreatedon", "importsequencenumber", "segue_connected", "fullname"} {
			if slices.Contains(shared, column) {
				t.Errorf("%s goes to the %s", column, to)
			}
		}
	}
}
