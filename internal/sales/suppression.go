package sales

import (
	"strings"

	"segue/internal/guid"
	"segue/internal/schema/name"
)

// SuppressionOf returns the id of the row that says that an address takes no emails: a hash
// of the address, so there is one row an address, it is found by id, and it still holds when
// the address has been erased from it. Case does not count, as in every mail system there
// is, though the standard allows it before the "@".
func SuppressionOf(address string) name.SuppressedAddressID {
	return name.SuppressedAddressID(guid.Derive("suppression", strings.ToLower(strings.TrimSpace(address))))
}
