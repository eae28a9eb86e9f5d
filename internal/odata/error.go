package odata

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"segue/internal/excerpt"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// Code is a Dataverse error code. Clients branch on it.
type Code string

// The codes by their public names (docs/webapi.md §5). The first two have no public
// name: one is for URLs, the other for bodies that do not fit the model.
const (
	BadRequest Code = "0x80060888"
	BadPayload Code = "0x80048d19"

	ObjectDoesNotExist              Code = "0x80040217"
	RecordNotFoundByEntityKey       Code = "0x80060891"
	EntityKeyNotDefined             Code = "0x80060890"
	MultipleRecordsFoundByEntityKey Code = "0x8006089d"
	DuplicateRecordEntityKey        Code = "0x80060892"
	DuplicateRecord                 Code = "0x80040237"
	DuplicateRecordsFound           Code = "0x80040333"

	ConcurrencyVersionMismatch      Code = "0x80060882"
	ConcurrencyVersionNotProvided   Code = "0x80060883"
	OptimisticConcurrencyNotEnabled Code = "0x8006088d"

	InvalidArgument            Code = "0x80040203"
	RequiredFieldMissing       Code = "0x80040200"
	StringLengthTooLong        Code = "0x80044331"
	PicklistValueOutOfRange    Code = "0x8004431a"
	IntegerValueOutOfRange     Code = "0x8004432f"
	DecimalValueOutOfRange     Code = "0x80044330"
	InvalidDateTime            Code = "0x80040239"
	InvalidStateCodeStatusCode Code = "0x80048408"
	InvalidState               Code = "0x80040233"
	IsvAborted                 Code = "0x80040265"

	CrmHTTPError                 Code = "0x8006088a" // anything else; its status is given
	IsvUnExpected                Code = "0x80040224"
	UnExpected                   Code = "0x80040216"
	NotImplemented               Code = "0x80040219"
	NotSupported                 Code = "0x80040315"
	InvalidOperation             Code = "0x8004023b"
	CannotDeleteDueToAssociation Code = "0x80040227"

	PrivilegeDenied                                Code = "0x80040220"
	PrincipalPrivilegeDenied                       Code = "0x80040231"
	UserNotAssignedRoles                           Code = "0x80042f09"
	TeamNotAssignedRoles                           Code = "0x80042f0a"
	AccessDenied                                   Code = "0x80048405"
	InvalidAccessRights                            Code = "0x8004020d"
	CrmSecurityError                               Code = "0x80040256"
	AttributePermissionReadIsMissing               Code = "0x8004f504"
	AttributePermissionUpdateIsMissingDuringUpdate Code = "0x8004f507"
	AttributePrivilegeCreateIsMissing              Code = "0x8004f502"
	CannotActOnBehalfOfAnotherUser                 Code = "0x8004a110"

	RequestIsNotAuthenticated Code = "0x80044302"
	InvalidAuthTicket         Code = "0x8004a100"
	ExpiredAuthTicket         Code = "0x8004a101"
	BadAuthTicket             Code = "0x8004a102"
	InsufficientAuthTicket    Code = "0x8004a103"
	TamperedAuthTicket        Code = "0x8004a105"
	AccessTokenExpired        Code = "0x8005f101"

	QueryBuilderNoEntity    Code = "0x80041102"
	QueryBuilderNoAttribute Code = "0x80041103"

	ThrottlingBurstRequestLimitExceeded Code = "0x80072322"
	ThrottlingTimeExceeded              Code = "0x80072321"
	ThrottlingConcurrencyLimitExceeded  Code = "0x80072326"
	Throttling                          Code = "0x8005f103"

	ChangeTrackingNotEnabledForEntity Code = "0x80072491"
)

// Status returns the HTTP status that goes with the code, 400 where the code itself
// leaves it open.
func (c Code) Status() int {
	switch c {
	case ObjectDoesNotExist, RecordNotFoundByEntityKey:
		return http.StatusNotFound
	case DuplicateRecordEntityKey, DuplicateRecord, DuplicateRecordsFound, ConcurrencyVersionMismatch:
		return http.StatusPreconditionFailed
	case IsvUnExpected, UnExpected:
		return http.StatusInternalServerError
	case NotImplemented:
		return http.StatusNotImplemented
	case NotSupported, InvalidOperation, CannotDeleteDueToAssociation:
		return http.StatusMethodNotAllowed
	case PrivilegeDenied, PrincipalPrivilegeDenied, UserNotAssignedRoles, TeamNotAssignedRoles,
		AccessDenied, InvalidAccessRights, CrmSecurityError, AttributePermissionReadIsMissing,
		AttributePermissionUpdateIsMissingDuringUpdate, AttributePrivilegeCreateIsMissing,
		CannotActOnBehalfOfAnotherUser:
		return http.StatusForbidden
	case RequestIsNotAuthenticated, InvalidAuthTicket, ExpiredAuthTicket, BadAuthTicket,
		InsufficientAuthTicket, TamperedAuthTicket, AccessTokenExpired:
		return http.StatusUnauthorized
	case ThrottlingBurstRequestLimitExceeded, ThrottlingTimeExceeded,
		ThrottlingConcurrencyLimitExceeded, Throttling:
		return http.StatusTooManyRequests
	default: // the client's own fault
		return http.StatusBadRequest
	}
}

// Error is a refusal as a client sees it.
type Error struct {
	Status     int
	Code       Code
	Message    string // public
	RetryAfter int    // seconds, for 429 and 503; 0: no header
	Limit      *Limit // the limit that is the reason, nil for another reason
}

// Limit is a limit that a request would exceed, for programs; for people the message has
// the same.
type Limit struct {
	Name       string
	Most, Used int // Used is 0 where it is not counted
}

// Exceeds tells the limit that an error is about; most is 0 for none. It returns the error.
func (e *Error) Exceeds(name string, most, used int) *Error {
	if most > 0 {
		e.Limit = &Limit{Name: name, Most: most, Used: used}
	}
	return e
}

// The annotations of an error about a limit (docs/webapi.md §5).
const (
	limitName  = "Microsoft.PowerApps.CDS.ErrorDetails.LimitName"
	limitValue = "Microsoft.PowerApps.CDS.ErrorDetails.LimitValue"
	limitUse   = "Microsoft.PowerApps.CDS.ErrorDetails.LimitUse"
)

// members returns the error as it is written, with the annotations that are wanted. Their
// values are texts, as those of Dataverse are.
func (e *Error) members(wanted Annotations) map[string]string {
	members := map[string]string{"code": string(e.Code), "message": e.Message}
	if e.Limit == nil {
		return members
	}
	for name, value := range map[string]string{limitName: e.Limit.Name, limitValue: strconv.Itoa(e.Limit.Most), limitUse: strconv.Itoa(e.Limit.Used)} {
		if wanted.Want(name) && (name != limitUse || e.Limit.Used > 0) {
			members["@"+name] = value
		}
	}
	return members
}

// Error returns the public message.
func (e *Error) Error() string { return e.Message }

// Errorf makes an Error with the status that goes with the code.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Status: code.Status(), Code: code, Message: fmt.Sprintf(format, args...)}
}

// NoSegment is the error of a path that leads nowhere.
func NoSegment(segment string) *Error {
	return &Error{Status: http.StatusNotFound, Code: BadRequest,
		Message: fmt.Sprintf("Resource not found for the segment '%s'.", excerpt.Of(segment))}
}

// notServed returns the refusal of a part of the Web API that this version does not
// serve.
func notServed(form, text string) *Error {
	return Errorf(NotImplemented, "%s", uri.NotServed(form, text).Error())
}

// FromSchema returns the error of a broken rule of the schema, with its code. The
// codes of value ranges depend on the type of the column, which s knows.
func FromSchema(s *schema.Schema, e *schema.Error) *Error {
	return Errorf(codeOf(e.Rule, typeOf(s, e)), "%s", e.Error()).Exceeds(e.Limit())
}

// typeOf returns the type of the column that an error is about, "" for none.
func typeOf(s *schema.Schema, e *schema.Error) schema.Type {
	if t := s.Table(e.Table); t != nil && t.Column(e.Column) != nil {
		return t.Column(e.Column).Type
	}
	return ""
}

func codeOf(rule schema.Rule, typ schema.Type) Code {
	isTime := typ == schema.DateTime || typ == schema.Date
	switch rule {
	case schema.RuleReadOnly, schema.RuleUnknown, schema.RuleLookupTarget:
		return BadPayload
	case schema.RuleLength:
		return StringLengthTooLong
	case schema.RuleOption:
		return PicklistValueOutOfRange
	case schema.RuleStatusPair:
		return InvalidStateCodeStatusCode
	case schema.RuleRequired:
		return RequiredFieldMissing
	case schema.RuleRange:
		switch {
		case isTime:
			return InvalidDateTime
		case typ == schema.Integer || typ == schema.BigInt:
			return IntegerValueOutOfRange
		}
		return DecimalValueOutOfRange
	case schema.RuleType:
		if isTime {
			return InvalidDateTime
		}
	}
	return BadPayload
}

// asError turns an error of the schema into an *Error; others stay as they are.
func asError(s *schema.Schema, err error) error {
	if broken, ok := errors.AsType[*schema.Error](err); ok {
		return FromSchema(s, broken)
	}
	return err
}
