// Package strictjson reads exactly one JSON value into a Go value. Its errors tell, in
// words for whoever sent the text, where and why it is not one. Unknown members and
// text after the value are errors; numbers that go into an any stay
// [json.Number], so that no digit is lost.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Error reports what is wrong with a text, and where.
type Error struct {
	Offset int64  // byte at which reading ended
	Detail string // for people, without Go's names for things
	Cause  error  // from encoding/json
}

// Error returns the detail and the place.
func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d", e.Detail, e.Offset) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Decode reads text, one JSON value and nothing else, into the value that into
// points at. Its error is an [*Error].
func Decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return describe(err, decoder.InputOffset(), int64(len(text)))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &Error{Offset: decoder.InputOffset(), Detail: "there is more text after the value", Cause: err}
	}
	return nil
}

// describe returns an error of encoding/json in words that fit any caller.
func describe(err error, offset, end int64) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		what := "the value"
		if e.Field != "" {
			what = e.Field
		}
		return &Error{Offset: e.Offset, Detail: fmt.Sprintf("%s cannot be a JSON %s", what, e.Value), Cause: err}
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &Error{Offset: e.Offset, Detail: e.Error(), Cause: err}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{Offset: end, Detail: "the text ends too early", Cause: err}
	}
	// "json: unknown field "x"" has no type of its own.
	detail := strings.TrimPrefix(err.Error(), "json: ")
	return &Error{Offset: offset, Detail: strings.Replace(detail, "unknown field", "unknown member", 1), Cause: err}
}
