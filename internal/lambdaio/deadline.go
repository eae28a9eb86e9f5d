package lambdaio

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// A function has until the deadline of its context; then Lambda ends it in the middle of
// what it does. So its work ends earlier: at workEnds before the deadline the context of
// the handler is done, and with it every wait and every try of the store and the queue.
// A request that is still not answered at answerEnds before it is answered here.
const (
	workEnds   = 2 * time.Second
	answerEnds = time.Second
)

// working returns the context in which a function works: it ends before the function
// does.
func working(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-workEnds))
}

// InTime returns a Lambda function that works in a context which ends before the
// function does, so that what cannot be done is told, and not cut off.
func InTime[T any](f func(context.Context) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		ctx, end := working(ctx)
		defer end()
		return f(ctx)
	}
}

// respondInTime responds before Lambda would end the function, and the gateway respond
// in its own way. A handler that does not end with its context goes on; what it still
// writes is dropped.
func respondInTime(ctx context.Context, e *events.APIGatewayV2HTTPRequest, h http.Handler, refuser Refuser) events.APIGatewayV2HTTPResponse {
	deadline, ok := ctx.Deadline()
	if !ok {
		return respond(ctx, e, h, refuser)
	}
	work, end := working(ctx)
	defer end()
	response := make(chan events.APIGatewayV2HTTPResponse, 1)
	go func() { response <- respond(work, e, h, refuser) }()
	late := time.NewTimer(time.Until(deadline) - answerEnds)
	defer late.Stop()
	select {
	case r := <-response:
		return r
	case <-late.C:
		slog.ErrorContext(ctx, "a request did not end with its context", "request", e.RequestContext.RequestID,
			"method", e.RequestContext.HTTP.Method, "path", e.RawPath)
		return refusal(refuser.Late)
	}
}
