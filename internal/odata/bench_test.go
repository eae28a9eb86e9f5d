package odata

import (
	"testing"

	"segue/internal/schema"
)

// BenchmarkReadRow reads the body of a create.
func BenchmarkReadRow(b *testing.B) {
	s, err := schema.Default()
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"subject":"Topic","lastname":"Person 7919","companyname":"Example Ltd","jobtitle":"Buyer","emailaddress1":"person1@example.com",` +
		`"telephone1":"+41 31 000 00 00","address1_city":"City 1","leadsourcecode":8}`)
	bodies := Bodies{Schema: s}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bodies.Row(s.Table("lead"), body); err != nil {
			b.Fatal(err)
		}
	}
}
