package erasure_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/odata/call"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// secret is in every column that tells of the person.
const secret = "Zebedee"

func administrator() sales.Caller {
	return sales.Caller{ID: salestest.Manager().ID, Roles: []string{sales.SystemAdministrator}}
}

func tryErase(w *salestest.World, c sales.Caller, ref rows.Ref) error {
	_, err := w.Operations().Do(w.T.Context(), c, operation.Action{Name: "segue_Erase", Given: call.Arguments{"Table": ref.Table, "Id": ref.ID}})
	return err
}

func erase(w *salestest.World, ref rows.Ref) {
	w.T.Helper()
	if err := tryErase(w, administrator(), ref); err != nil {
		w.T.Fatal(err)
	}
}

// personal are values of all personal columns of a table, with the secret in each that
// has room for it.
func personal(w *salestest.World, table string) salestest.Values {
	v := salestest.Values{}
	for _, c := range w.DB.Schema().Table(table).Columns {
		if c.Personal && c.Type.Kind() == schema.KindText && c.MaxLength >= 20 {
			v[c.Name] = secret + " " + c.Name[:min(len(c.Name), 8)]
		}
	}
	return v
}

// mentions are the stored rows with the secret in any column.
func mentions(t *testing.T, w *salestest.World) (all []string) {
	t.Helper()
	for _, table := range w.DB.Schema().Tables() {
		for _, p := range rows.ListPartitions(table) {
			part, err := w.DB.Read(t.Context(), table, p, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range part.Rows {
				if strings.Contains(fmt.Sprint(row.Values()), secret) {
					all = append(all, row.Ref().String())
				}
			}
		}
	}
	return all
}

// person makes a lead that is connected and was connected before, a contact and another
// lead of the same person, activities about them, and somebody else.
func person(t *testing.T, w *salestest.World) (lead, contact, second, other rows.Ref) {
	t.Helper()
	sequence := w.Sequence(1, "lead")
	contact = w.Create("contact", salestest.ID("contact", 1), personal(w, "contact")).Ref()
	same := salestest.Values{"parentcontactid": salestest.Lookup(contact)}
	for column, v := range personal(w, "lead") {
		same[column] = v
	}
	lead, second = w.Lead(1, same), w.Lead(2, same)
	w.ConnectOnly(lead, sequence)
	w.Disconnect(lead)
	w.ConnectOnly(lead, sequence)
	for n, about := range []rows.Ref{lead, contact, second} {
		for _, table := range []string{"task", "phonecall", "email"} {
			w.Create(table, salestest.ID(table, n), salestest.Values{"subject": secret, "regardingobjectid": salestest.Lookup(about)})
		}
	}
	const address = secret + "@example.test"
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		tx.Create(tx.Schema().Table("segue_send"), salestest.ID("send", 1), map[string]schema.Value{
			"segue_subject": schema.Text("Dear " + secret), "segue_recipient": schema.Text(address), "segue_links": schema.Text(`["https://example.test/` + secret + `"]`),
			"segue_reason": schema.Text(address + " is away"), "segue_regarding": schema.Ref(schema.Lookup{Table: lead.Table, ID: lead.ID}),
		})
		tx.Create(tx.Schema().Table("segue_suppression"), string(sales.SuppressionOf(address)), map[string]schema.Value{"segue_address": schema.Text(address)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	other = w.Lead(3, salestest.Values{"firstname": "Somebody"})
	w.ConnectOnly(other, sequence)
	w.Create("task", salestest.ID("task", 9), salestest.Values{"subject": "Call", "regardingobjectid": salestest.Lookup(other)})
	w.Settle()
	return lead, contact, second, other
}

// checkErased demands that nothing tells of the person, and that the others are as they
// were.
func checkErased(t *testing.T, w *salestest.World, erased []rows.Ref, other rows.Ref) {
	t.Helper()
	if left := mentions(t, w); len(left) > 0 {
		t.Errorf("the person is still in %v", left)
	}
	for _, ref := range erased {
		row := w.Row(ref.Table, ref.ID)
		if row.Text("fullname") != "Erased" || row.Time("segue_erasedon").IsZero() || row.Is("segue_connected") {
			t.Errorf("%v is called %q, erased on %v, connected: %v", ref, row.Text("fullname"), row.Time("segue_erasedon"), row.Is("segue_connected"))
		}
		if err := w.TryConnect(ref, salestest.ID("sequence", 1)); !errors.Is(err, sales.Precondition) {
			t.Errorf("connect %v: %v", ref, err)
		}
	}
	if row := w.Row(other.Table, other.ID); row.Text("firstname") != "Somebody" || !row.Is("segue_connected") {
		t.Errorf("somebody else is %v", row.Values())
	}
	w.Row("task", salestest.ID("task", 9))
	if row := w.Row("segue_suppression", string(sales.SuppressionOf(strings.ToUpper(secret)+"@example.test"))); row.Text("segue_address") != "Erased" {
		t.Errorf("the suppressed address is %q", row.Text("segue_address"))
	}
	for n := range 3 {
		if err := retrieve(w, "task", salestest.ID("task", n)); !errors.Is(err, sales.NotFound) {
			t.Errorf("activity %d: %v", n, err)
		}
	}
	w.Sound(true)
}

func retrieve(w *salestest.World, table, id string) error {
	_, err := w.Entities.Retrieve(w.T.Context(), administrator(), rows.Ref{Table: table, ID: id})
	return err
}

// TestErase: from whichever record of the person it begins, the same is erased, and each
// record has a row that tells who asked for it and when, and no more.
func TestErase(t *testing.T) {
	for _, from := range []int{0, 1, 2} {
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			w := salestest.New(t, boot.Options{})
			lead, contact, second, other := person(t, w)
			if len(mentions(t, w)) < 10 {
				t.Fatalf("the person is in %v only", mentions(t, w))
			}
			all := []rows.Ref{lead, contact, second}
			erase(w, all[from])
			w.Settle()
			checkErased(t, w, all, other)
			audit := map[string]bool{}
			erasures := w.DB.Schema().Table("segue_erasure")
			for _, p := range rows.ListPartitions(erasures) {
				part, err := w.DB.Read(t.Context(), erasures, p, "", 0)
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range part.Rows {
					asked := row.Text("segue_cause") == ""
					audit[row.Text("segue_rowid")] = true
					if row.Time("segue_endedon").IsZero() || asked && row.Lookup("createdby").ID != string(administrator().ID) {
						t.Errorf("%v: %v", row.Text("segue_name"), row.Values())
					}
				}
			}
			for _, ref := range all {
				if !audit[ref.ID] {
					t.Errorf("no row tells of the erasure of %v", ref)
				}
			}
			erase(w, all[from]) // once more changes nothing
			w.Settle()
			checkErased(t, w, all, other)
		})
	}
}

// TestEraseWhatIsParked: what waits of the person's rows goes, what waits of others stays.
func TestEraseWhatIsParked(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead, _, _, other := person(t, w)
	w.Parked()
	for n, ref := range []rows.Ref{lead, other} {
		err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			tx.Create(tx.Schema().Table("segue_parkedchange"), salestest.ID("parked", n), schematest.Row(salestest.Values{
				"segue_table": ref.Table, "segue_rowid": ref.ID, "segue_reason": secret + " is no number", "segue_name": ref.String(),
			}))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	erase(w, lead)
	w.Settle()
	if err := retrieve(w, "segue_parkedchange", salestest.ID("parked", 0)); !errors.Is(err, sales.NotFound) {
		t.Errorf("what is parked of the person: %v", err)
	}
	if err := retrieve(w, "segue_parkedchange", salestest.ID("parked", 1)); err != nil {
		t.Errorf("what is parked of somebody else: %v", err)
	}
}

// TestEraseADeletedRecord: what is left of a record that is gone is erased.
func TestEraseADeletedRecord(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	lead := w.Lead(1, salestest.Values{"lastname": secret})
	w.ConnectOnly(lead, sequence)
	w.Remove("lead", lead.ID)
	w.Settle()
	if len(mentions(t, w)) != 1 {
		t.Fatalf("the person is in %v", mentions(t, w))
	}
	erase(w, lead)
	w.Settle()
	if left := mentions(t, w); len(left) > 0 {
		t.Errorf("the person is still in %v", left)
	}
}

// TestEraseWhatCameBack: a record that was deleted before it was erased has no row that
// could refuse its id. An import makes it again, and a second erasure takes the person out
// for good.
func TestEraseWhatCameBack(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, salestest.Values{"lastname": secret})
	w.Remove("lead", lead.ID)
	w.Settle()
	erase(w, lead)
	w.Settle()
	again := func() error {
		_, _, err := w.Entities.Update(t.Context(), administrator(), lead, schematest.Row(salestest.Values{"lastname": secret}), entity.If{})
		return err
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
	w.Create("task", salestest.ID("task", 1), salestest.Values{"subject": secret, "regardingobjectid": salestest.Lookup(lead)})
	w.Settle()
	if len(mentions(t, w)) < 2 {
		t.Fatalf("the person is in %v", mentions(t, w))
	}
	erase(w, lead)
	w.Settle()
	if left := mentions(t, w); len(left) > 0 {
		t.Errorf("the person is still in %v", left)
	}
	if err := again(); !errors.Is(err, sales.Precondition) {
		t.Errorf("the record, which has a row now, is filled again: %v", err)
	}
}

// TestErasedStaysErased: neither changes that are delivered again, with the images from
// before, nor a redrive, an import or a segment bring the person back.
func TestErasedStaysErased(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	w.Territory()
	w.Settle()
	w.Fresh()
	lead := w.Lead(1, salestest.Values{"firstname": secret, "lastname": secret, salestest.Sources: int64(8)})
	late := w.Fresh() // an evaluation that comes late
	erase(w, lead)
	w.Settle()
	w.Deliver(late)
	w.Deliver(late)
	if err := w.Redrive(t.Context(), lead.Table, lead.ID); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if left := mentions(t, w); len(left) > 0 {
		t.Errorf("the person is back in %v", left)
	}
	if row := w.Row("lead", lead.ID); row.Is("segue_connected") || row.Text("fullname") != "Erased" {
		t.Errorf("the lead is %v", row.Values())
	}
	if err := w.TryUpdate("lead", lead.ID, salestest.Values{"firstname": secret}); !errors.Is(err, sales.Precondition) {
		t.Errorf("the person is written again: %v", err)
	}
	if err := w.TryUpdate("lead", lead.ID, salestest.Values{"leadqualitycode": int64(1), "lastname": "Erased"}); err != nil {
		t.Errorf("what is not about the person: %v", err)
	}
	w.Settle()
	if w.Row("lead", lead.ID).Is("segue_connected") {
		t.Error("a segment took the erased lead")
	}
}

// TestEraseIsForAdministrators alone, and of records alone.
func TestEraseIsForAdministrators(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, nil)
	for _, role := range []string{sales.SequenceManager, sales.SalesManager, sales.Salesperson} {
		if err := tryErase(w, sales.Caller{ID: salestest.Manager().ID, Roles: []string{role}}, lead); !errors.Is(err, sales.Forbidden) {
			t.Errorf("%s: %v", role, err)
		}
	}
	for _, table := range []string{"task", "msdyn_sequence", "nothing"} {
		if err := tryErase(w, administrator(), rows.Ref{Table: table, ID: lead.ID}); !errors.Is(err, sales.Invalid) {
			t.Errorf("%s: %v", table, err)
		}
	}
	if w.Row("lead", lead.ID).Text("fullname") != "Lead 1" {
		t.Error("a refused erasure erased")
	}
}

// TestEraseIsResumed: the process may die before or after any call of the store; whoever
// goes on comes to the same end.
func TestEraseIsResumed(t *testing.T) {
	for at := 0; ; at += 1 + at/4 {
		w := salestest.New(t, boot.Options{})
		lead, contact, second, other := person(t, w)
		calls := 0
		w.Probe.Inject(func(probe.Call) probe.Fault {
			calls++
			switch {
			case calls-1 != at:
				return probe.None
			case at%2 == 0:
				return probe.CrashBefore
			}
			return probe.CrashAfter
		})
		err := tryErase(w, administrator(), lead)
		if err == nil {
			_ = w.TrySettle() // the process may die
		}
		died := calls > at
		w.Probe.Inject(nil)
		w.Restart()
		if err != nil { // whoever asked asks again
			erase(w, lead)
		}
		w.Settle()
		checkErased(t, w, []rows.Ref{lead, contact, second}, other)
		if !died || t.Failed() {
			t.Logf("%d calls", calls)
			return
		}
	}
}
