// Package lambdaio stands between the Lambda runtime and ordinary Go code: it
// turns an API Gateway HTTP API event (payload format 2.0) into a net/http
// request and the handler's response into the event's, and it turns the event of a
// table's stream into a batch of changes, that of a queue into messages, and the
// handler's failures into a partial-batch response. So the rest of the product
// knows net/http, [store.Handler] and [queue.Handler] only, and the laptop program
// runs the same handlers. This
// package does not know how an error looks on the wire: a [Refuser] writes it.
//
// A function ends its work before Lambda ends the function, so that a failure is told in
// the form that whoever called it understands; see [InTime].
//
// Invariant: what the gateway verified reaches a handler only through the context.
// Nothing that a client can send ends up in [Claims].
package lambdaio

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

type contextKey struct{}

// Claims returns the claims of the caller's token as the gateway's JWT
// authorizer verified and rendered them: every value is a string, an array is
// written "[a b]". ok is false when the event did not come through a JWT
// authorizer, and always outside of Lambda. The map must not be changed.
func Claims(ctx context.Context) (claims map[string]string, ok bool) {
	rc, _ := ctx.Value(contextKey{}).(*events.APIGatewayV2HTTPRequestContext)
	if rc == nil || rc.Authorizer == nil || rc.Authorizer.JWT == nil {
		return nil, false
	}
	return rc.Authorizer.JWT.Claims, true
}

// RequestID returns the gateway's id of the request, "" outside of Lambda.
func RequestID(ctx context.Context) string {
	rc, _ := ctx.Value(contextKey{}).(*events.APIGatewayV2HTTPRequestContext)
	if rc == nil {
		return ""
	}
	return rc.RequestID
}

func withGateway(ctx context.Context, rc *events.APIGatewayV2HTTPRequestContext) context.Context {
	return context.WithValue(ctx, contextKey{}, rc)
}
