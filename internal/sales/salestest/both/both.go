// Package both runs a test of the domain on the embedded store and on DynamoDB. It is
// apart from salestest, so that the tests that need no DynamoDB do not link AWS's SDK.
// Only tests import it.
//
// Invariant: without a DynamoDB (SEGUE_DYNAMODB_ENDPOINT) that half is skipped, never
// passed.
package both

import (
	"testing"

	"segue/internal/dynamo/dynamotest"
	"segue/internal/embed"
	"segue/internal/sales/salestest"
)

// Place is where a test runs.
type Place struct {
	Open   func(t testing.TB) salestest.ChangeStore // opens an empty store that is closed when the test ends
	Remote bool                                     // each call is a request: take smaller numbers
}

// Run runs a test on the embedded store and on DynamoDB.
func Run(t *testing.T, test func(t *testing.T, place Place)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		test(t, Place{Open: func(t testing.TB) salestest.ChangeStore { return salestest.OpenEmbedded(t, embed.NoSync()) }})
	})
	t.Run("dynamodb", func(t *testing.T) {
		dynamotest.Endpoint(t) // or the whole is skipped
		test(t, Place{Open: OpenDynamo, Remote: true})
	})
}
