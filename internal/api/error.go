package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"

	"segue/internal/auth"
	"segue/internal/odata"
	"segue/internal/protect"
	"segue/internal/sales"
	"segue/internal/schema"
)

// challenge tells a client without a valid token which one to bring (docs/webapi.md §16): the
// service that it is for and, where one came, what is wrong with it (RFC 6750 §3).
func (a *API) challenge(w http.ResponseWriter, r *http.Request, refusal *odata.Error) {
	if refusal.Status != http.StatusUnauthorized {
		return
	}
	text := "Bearer resource_id=" + strconv.Quote(odata.PublicBase(r, a.config.Public))
	if refusal.Code != odata.RequestIsNotAuthenticated {
		text += ", error=\"invalid_token\", error_description=" + strconv.Quote(refusal.Message)
	}
	w.Header().Set("WWW-Authenticate", text)
}

// refusal returns what an error is on the wire. An error without a kind is an
// internal error to the caller and is logged in full, here and nowhere else; an
// alarm watches that level. A store that is busy is logged as a warning with its
// reason.
func (a *API) refusal(r *http.Request, id string, err error) *odata.Error {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil { // the client has gone: nobody reads this, and nothing is wrong
		return &odata.Error{Status: http.StatusServiceUnavailable, Code: odata.CrmHTTPError, Message: "the request was canceled"}
	}
	public := a.translate(err)
	if public.Limit == nil {
		public = withLimit(public, err)
	}
	switch public.Status {
	case http.StatusInternalServerError:
		log := a.config.Log
		if panicked, ok := errors.AsType[*sales.PanicError](err); ok {
			log = log.With("stack", string(panicked.Stack))
		}
		log.ErrorContext(r.Context(), "failed", "method", r.Method, "path", r.URL.Path, "id", id, "error", err.Error())
	case http.StatusServiceUnavailable:
		a.config.Log.WarnContext(r.Context(), "unavailable", "method", r.Method, "path", r.URL.Path, "id", id, "error", reasonOf(err))
	}
	return public
}

// limited is an error about a limit, of whichever package: its name, its value, and how
// much is used or wanted, 0 where that is not counted. An error that may be about a limit
// and is not has no value.
type limited interface {
	error
	Limit() (name string, most, used int)
}

// withLimit returns an error of the wire that tells the limit for which it is one, if
// there is one.
func withLimit(public *odata.Error, err error) *odata.Error {
	reached, ok := errors.AsType[limited](err)
	if !ok || public.Status == http.StatusInternalServerError {
		return public
	}
	name, most, used := reached.Limit()
	if most == 0 {
		return public
	}
	told := *public
	told.Limit = &odata.Limit{Name: name, Most: most, Used: used}
	return &told
}

// reasonOf returns the text of an error for the log: that of the cause where the
// public text hides one.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*sales.Error](err); ok && e.Cause != nil {
		return e.Cause.Error()
	}
	return err.Error()
}

// translate returns the public form of an error.
func (a *API) translate(err error) *odata.Error {
	err = refuseFetch(err)
	if e, ok := errors.AsType[*odata.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*schema.Error](err); ok {
		return odata.FromSchema(a.schema(), e)
	}
	if e, ok := errors.AsType[*sales.Error](err); ok {
		return errorOfKind(e)
	}
	if e, ok := errors.AsType[*auth.ThrottledError](err); ok {
		refusal := odata.Errorf(odata.ThrottlingBurstRequestLimitExceeded, "%v", e)
		refusal.RetryAfter = int(math.Ceil(e.After.Seconds()))
		return refusal
	}
	if e, ok := errors.AsType[*protect.ExceededError](err); ok {
		refusal := odata.Errorf(codeOfLimit(e.Kind), "%v", e)
		refusal.RetryAfter = int(math.Ceil(e.After.Seconds()))
		return refusal
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded): // that of the function, which comes after all tries
		return late()
	case errors.Is(err, auth.ErrNoIdentity):
		return odata.Errorf(odata.RequestIsNotAuthenticated, "%v", auth.ErrNoIdentity)
	case errors.Is(err, auth.ErrExpired):
		return odata.Errorf(odata.AccessTokenExpired, "%v", auth.ErrExpired)
	case errors.Is(err, auth.ErrInvalid):
		return odata.Errorf(odata.InvalidAuthTicket, "%v", auth.ErrInvalid)
	}
	return odata.Errorf(odata.UnExpected, "An unexpected error occurred; the request id is in the header REQ_ID.")
}

// codeOfLimit returns the code of a limit of a user (docs/webapi.md §15).
func codeOfLimit(kind protect.Kind) odata.Code {
	switch kind {
	case protect.Execution:
		return odata.ThrottlingTimeExceeded
	case protect.Concurrent:
		return odata.ThrottlingConcurrencyLimitExceeded
	case protect.Requests:
	}
	return odata.ThrottlingBurstRequestLimitExceeded
}

// errorOfKind gives each kind of refusal its Dataverse code (docs/webapi.md §5,
// docs/domain.md §18).
func errorOfKind(e *sales.Error) *odata.Error {
	switch e.Kind {
	case sales.NotFound:
		return odata.Errorf(odata.ObjectDoesNotExist, "%s", e.Text)
	case sales.Invalid:
		return odata.Errorf(odata.InvalidArgument, "%s", e.Text)
	case sales.Duplicate:
		return odata.Errorf(odata.DuplicateRecord, "%s", e.Text)
	case sales.NoKey:
		return odata.Errorf(odata.RecordNotFoundByEntityKey, "%s", e.Text)
	case sales.KeyTaken:
		return odata.Errorf(odata.DuplicateRecordEntityKey, "%s", e.Text)
	case sales.Associated:
		return odata.Errorf(odata.CannotDeleteDueToAssociation, "%s", e.Text)
	case sales.Stale:
		return odata.Errorf(odata.ConcurrencyVersionMismatch, "%s", e.Text)
	case sales.Precondition, sales.Limit:
		return odata.Errorf(odata.IsvAborted, "%s", e.Text)
	case sales.Forbidden:
		return odata.Errorf(odata.PrivilegeDenied, "%s", e.Text)
	case sales.NotServed:
		return odata.Errorf(odata.NotImplemented, "%s", e.Text)
	case sales.TooLarge:
		return &odata.Error{Status: http.StatusRequestEntityTooLarge, Code: odata.CrmHTTPError, Message: e.Text}
	case sales.Unavailable:
		return &odata.Error{Status: http.StatusServiceUnavailable, Code: odata.CrmHTTPError, Message: e.Text, RetryAfter: 1}
	}
	return odata.Errorf(odata.UnExpected, "%s", e.Text)
}
