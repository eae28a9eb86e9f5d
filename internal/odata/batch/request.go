package batch

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/odata"
)

// maxHeaders is how many headers an inner request may have.
const maxHeaders = 100

// parseRequest reads an inner request: a request line, headers, and a body after an
// empty line, which may be missing where there is no body. Lines end with or without a
// carriage return. A Content-Length is ignored, because some clients count wrongly.
func parseRequest(text []byte) (Request, error) {
	line, rest := cutLine(bytes.TrimLeft(text, "\r\n"))
	request := Request{Header: http.Header{}}
	var err error
	if request.Method, request.URL, err = parseRequestLine(line); err != nil {
		return Request{}, err
	}
	for n := 0; len(rest) > 0; n++ {
		if line, rest = cutLine(rest); line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || n == maxHeaders {
			return Request{}, odata.Errorf(odata.BadRequest, "an inner request may have up to %d headers of the form 'Name: value', not '%s'", maxHeaders, excerpt.Of(line))
		}
		request.Header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t"))
	}
	request.Body = bytes.TrimSpace(rest)
	return request, nil
}

// parseRequestLine reads "<method> <URL> HTTP/1.1". The URL may have blanks and quotes in
// it.
func parseRequestLine(line string) (method, url string, err error) {
	line = strings.TrimRight(line, " \t")
	method, rest, _ := strings.Cut(line, " ")
	at := strings.LastIndex(rest, " HTTP/1.")
	if at < 0 || !isToken(method) || strings.TrimSpace(rest[:at]) == "" {
		return "", "", odata.Errorf(odata.BadRequest, "an inner request must begin with '<method> <URL> HTTP/1.1', not with '%s'", excerpt.Of(line))
	}
	return method, strings.TrimSpace(rest[:at]), nil
}

// cutLine splits a text after its first line, which is returned without its end.
func cutLine(text []byte) (line string, rest []byte) {
	before, rest, _ := bytes.Cut(text, []byte("\n"))
	return strings.TrimSuffix(string(before), "\r"), rest
}

// isToken reports whether a text may be a method or the name of a header (RFC 9110
// §5.6.2).
func isToken(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return text != ""
}
