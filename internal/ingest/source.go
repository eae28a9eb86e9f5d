package ingest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
)

// maxRecord is the approximate limit of a record in bytes. A row has at most 400 KB,
// and a quote that is never closed must not read the rest of the file into
// memory.
const maxRecord = 1 << 20

// readAhead is the number of bytes of a file that are buffered.
const readAhead = 64 << 10

// errTooLong ends a file: where the next record begins cannot be known.
var errTooLong = errors.New("a record has more than 1 MB; is a quote not closed?")

// source reads the records of a CSV file, separated by commas, semicolons or tabs,
// the header first.
type source struct {
	limit  *limited
	csv    *csv.Reader
	before int64 // bytes of the byte order mark
	line   int   // on which the last record began
}

func newSource(file io.Reader) *source {
	s := &source{limit: &limited{r: file}}
	s.limit.reset()
	in := bufio.NewReaderSize(s.limit, readAhead)
	if mark, _ := in.Peek(3); string(mark) == "\uFEFF" { // an error is returned again with the first record
		n, _ := in.Discard(len(mark))
		s.before = int64(n)
	}
	start, _ := in.Peek(readAhead)
	s.csv = csv.NewReader(in)
	s.csv.FieldsPerRecord = -1
	s.csv.Comma = delimiter(start)
	return s
}

// delimiter returns the most frequent separator outside of quotes in the first
// line that is not empty.
func delimiter(start []byte) rune {
	commas, semicolons, tabs, quoted := 0, 0, 0, false
	for _, b := range bytes.TrimLeft(start, "\r\n") {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == ',':
			commas++
		case b == ';':
			semicolons++
		case b == '\t':
			tabs++
		}
		if b == '\n' && !quoted {
			break
		}
	}
	switch max(commas, semicolons, tabs) {
	case commas:
		return ','
	case semicolons:
		return ';'
	}
	return '\t'
}

// next returns the next record. After a *csv.ParseError, which is returned with the
// fields before the mistake, reading can go on; after any other error it cannot.
func (s *source) next() ([]string, error) {
	s.limit.reset()
	fields, err := s.csv.Read()
	if err == nil {
		s.line, _ = s.csv.FieldPos(0)
	}
	if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
		s.line = wrong.StartLine
	}
	return fields, err
}

// lineOf returns the line on which a field of the last record began.
func (s *source) lineOf(field int) int {
	line, _ := s.csv.FieldPos(field)
	return line
}

// read returns how many bytes of the file have been read as records.
func (s *source) read() int64 { return s.before + s.csv.InputOffset() }

// limited is a reader of a bounded number of bytes between two resets.
type limited struct {
	r    io.Reader
	left int
}

func (l *limited) reset() { l.left = maxRecord + readAhead }

// Read fails with errTooLong when the bytes are used up.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.r.Read(p)
	l.left -= n
	return n, err
}
