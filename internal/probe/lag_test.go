package probe_test

import (
	"strings"
	"testing"

	"segue/internal/probe"
	"segue/internal/store"
	"segue/internal/storetest"
)

// TestLag has an index that shows each write when two more calls were made.
func TestLag(t *testing.T) {
	p := probe.New(storetest.NewModel(indexes()), indexes()...)
	write := func(op store.Op) {
		t.Helper()
		if err := p.Write(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(q store.Query, want string) {
		t.Helper()
		page, err := p.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range page.Items {
			got = append(got, i[store.SK].Text()+"="+i["gsk"].Text())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%+v: got %q, want %q", q, got, want)
		}
	}
	at := func(sk, gsk string) store.Item { return item(key("p", sk), "gpk", "g", "gsk", gsk, "other", "x") }
	index, itself := store.Query{Index: "stage", Partition: "g"}, store.Query{Partition: "p"}

	write(store.Put(at("1", "a"), always()))
	p.Lag(2)
	write(store.Put(at("2", "b"), always()))
	shows(index, "1=a")
	shows(itself, "1=a 2=b")
	shows(index, "1=a 2=b")
	write(store.Update(key("p", "1"), attrs("gsk", "c"), nil, always()))
	write(store.Update(key("p", "1"), attrs("gsk", "d"), nil, always()))
	shows(index, "1=a 2=b")
	shows(index, "2=b 1=c")
	shows(index, "2=b 1=d")

	p.Lag(probe.Forever)
	write(store.Delete(key("p", "1"), always()))
	write(store.Put(at("3", "e"), always()))
	write(store.Update(key("p", "2"), attrs("gpk", "h"), nil, always()))
	for range 10 {
		shows(index, "2=b 1=d")
	}
	shows(store.Query{Index: "stage", Partition: "h"}, "")
	shows(store.Query{Index: "stage", Partition: "g", Limit: 1, Descending: true}, "1=d")
	shows(store.Query{Index: "stage", Partition: "g", After: "b"}, "1=d")
	if err := p.Write(t.Context(), store.Delete(key("p", "2"), store.Exists("none"))); err == nil {
		t.Error("a condition that does not hold was taken to hold")
	}
	p.Lag(0)
	shows(index, "3=e")
	shows(store.Query{Index: "stage", Partition: "h"}, "2=b")
}
