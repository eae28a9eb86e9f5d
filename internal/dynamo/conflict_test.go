package dynamo_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"segue/internal/dynamo"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/store"
)

// jealous cancels a transaction that comes while another is under way, as DynamoDB
// does where both name one item.
type jealous struct {
	busy      atomic.Bool
	cancelled atomic.Int64
}

func (j *jealous) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	answer := canceled([2]string{"None"}, [2]string{"TransactionConflict"})
	if j.busy.CompareAndSwap(false, true) {
		time.Sleep(5 * time.Millisecond) // as long as a transaction takes
		j.busy.Store(false)
		answer = ok("{}")
	} else {
		j.cancelled.Add(1)
	}
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Body)
}

// TestTransactionsOfOneItem: sixteen at the same moment, each with one item of its own
// and one without a condition that all of them put, succeed with the product's retries.
func TestTransactionsOfOneItem(t *testing.T) {
	j := &jealous{}
	server := httptest.NewServer(j)
	t.Cleanup(server.Close)
	s := dynamo.New(dynamodb.NewFromConfig(dynamotest.Config(server.URL)), "segue", nil)
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			own := store.Item{store.PK: store.S("own"), store.SK: store.S(fmt.Sprint(n))}
			err := s.Write(t.Context(), store.Put(own, store.NotThere(store.PK)), store.Put(owned(fmt.Sprint(n)), store.Condition{}))
			if err != nil {
				t.Errorf("transaction %d: %v", n, err)
			}
		})
	}
	wg.Wait()
	if j.cancelled.Load() == 0 {
		t.Error("no transaction was cancelled: they did not come at the same moment")
	}
}
