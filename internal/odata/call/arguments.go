package call

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/odata"
	"segue/internal/odata/uri"
	"segue/internal/schema"
	"segue/internal/strictjson"
)

// Arguments are the values of the parameters that were given, by name: string (texts,
// GUIDs in canonical form, members of enumerations), int64, float64, bool, time.Time,
// [schema.Lookup], [Row], or []any of those. The accessors return the zero of their
// type for one that was left out.
type Arguments map[string]any

// Row is the columns of a row, which may be there or not.
type Row struct {
	Table *schema.Table
	odata.Input
}

// Text returns a text, a GUID or the member of an enumeration.
func (a Arguments) Text(name string) string { text, _ := a[name].(string); return text }

// Int returns a whole number.
func (a Arguments) Int(name string) int64 { n, _ := a[name].(int64); return n }

// Is returns a boolean.
func (a Arguments) Is(name string) bool { is, _ := a[name].(bool); return is }

// Lookup returns a reference to a row.
func (a Arguments) Lookup(name string) schema.Lookup { l, _ := a[name].(schema.Lookup); return l }

// Row returns the columns of a row.
func (a Arguments) Row(name string) Row { row, _ := a[name].(Row); return row }

// Check refuses arguments that were not read from a request: one that is required and
// left out, one that is not declared, and one of another type.
func (s Signature) Check(given Arguments) error {
	for _, p := range s.Parameters {
		v, ok := given[p.Name]
		switch {
		case !ok && p.Required, ok && p.Type.Kind() == schema.KindText && v == "":
			return required(p)
		case ok && !p.takes(v):
			return odata.Errorf(odata.InvalidArgument, "the parameter '%s' of %s cannot be %v", p.Name, s.Name, v)
		}
	}
	for name := range given {
		if s.parameter(name) == nil {
			return s.unknown(name)
		}
	}
	return nil
}

func required(p Parameter) error {
	return odata.Errorf(odata.InvalidArgument, "the parameter '%s' is required", p.Name)
}

func (s Signature) unknown(name string) error {
	return odata.Errorf(odata.InvalidArgument, "%s has no parameter '%s'", s.Name, excerpt.Of(name))
}

// takes reports whether v is of the Go type of the parameter.
func (p Parameter) takes(v any) (ok bool) {
	if list, isList := v.([]any); p.Many {
		one := p
		one.Many = false
		return isList && !slices.ContainsFunc(list, func(v any) bool { return !one.takes(v) })
	}
	if p.Row {
		_, ok = v.(Row)
		return ok
	}
	switch p.Type.Kind() {
	case schema.KindText:
		_, ok = v.(string)
	case schema.KindInt:
		_, ok = v.(int64)
	case schema.KindFloat:
		_, ok = v.(float64)
	case schema.KindBool:
		_, ok = v.(bool)
	case schema.KindTime:
		_, ok = v.(time.Time)
	case schema.KindRef:
		_, ok = v.(schema.Lookup)
	case schema.KindNull, schema.KindDec:
	}
	return ok
}

// ReadBody reads the arguments of an action from its body, a JSON object; an empty
// body has none. null counts as left out.
func (s Signature) ReadBody(tables *schema.Schema, body []byte) (Arguments, error) {
	var members []odata.Member
	if len(bytes.TrimSpace(body)) > 0 {
		var err error
		if members, err = odata.Members(body); err != nil {
			return nil, err
		}
	}
	r := reader{tables: tables, signature: s, given: Arguments{}}
	for _, m := range members {
		if m.Annotation() {
			continue
		}
		if err := r.add(m.Name, m.Value); err != nil {
			return nil, err
		}
	}
	return r.given, r.complete()
}

// ReadURL reads the arguments of a function from the text between its brackets and the
// query string, which has the values of aliases.
func (s Signature) ReadURL(tables *schema.Schema, text, rawQuery string) (Arguments, error) {
	aliases, err := readOptions(rawQuery)
	if err != nil {
		return nil, err
	}
	r := reader{tables: tables, signature: s, given: Arguments{}}
	for _, pair := range split(text) {
		name, literal, ok := strings.Cut(pair, "=")
		name, literal = strings.TrimSpace(name), strings.TrimSpace(literal)
		if !ok {
			return nil, odata.Errorf(odata.BadRequest, "%s(%s): <parameter>=<value> expected, not '%s'", s.Name, excerpt.Of(text), excerpt.Of(pair))
		}
		if _, again := r.given[name]; again {
			return nil, odata.Errorf(odata.InvalidArgument, "the parameter '%s' is given twice", excerpt.Of(name))
		}
		if strings.HasPrefix(literal, "@") {
			literal = strings.TrimSpace(aliases[literal])
		}
		if err := r.addLiteral(name, literal); err != nil {
			return nil, err
		}
	}
	return r.given, r.complete()
}

// readOptions returns the aliases of a query string. Options that OData gives a meaning
// have none on the result of a function.
func readOptions(rawQuery string) (map[string]string, error) {
	options, aliases, err := uri.SplitQuery(rawQuery)
	if err != nil {
		return nil, odata.FromURI(err)
	}
	for _, option := range options {
		if strings.HasPrefix(option.Name, "$") {
			return nil, odata.Errorf(odata.BadRequest, "the query option '%s' is not supported on a function", excerpt.Of(option.Name))
		}
	}
	return aliases, nil
}

// split cuts the text between the brackets of a function at the commas outside quotes,
// brackets and braces: a value may be JSON, which the language of $filter does not have.
func split(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var parts []string
	start, depth := 0, 0
	quote := byte(0)
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// reader collects the arguments of one call.
type reader struct {
	tables    *schema.Schema
	signature Signature
	given     Arguments
}

// complete refuses a call that lacks an argument.
func (r reader) complete() error {
	for _, p := range r.signature.Parameters {
		if _, ok := r.given[p.Name]; !ok && p.Required {
			return required(p)
		}
	}
	return nil
}

// addLiteral adds an argument of a URL. No text at all is an alias without a value,
// which is null.
func (r reader) addLiteral(name, literal string) error {
	p := r.signature.parameter(name)
	if p == nil {
		return r.signature.unknown(name)
	}
	value, err := p.fromLiteral(literal)
	if err != nil {
		return err
	}
	return r.add(name, value)
}

// fromLiteral returns the JSON of a literal.
func (p Parameter) fromLiteral(literal string) ([]byte, error) {
	if p.Enum != nil {
		literal = strings.TrimPrefix(literal, odata.Namespace+p.Enum.Name)
	}
	switch {
	case literal == "" || literal == "null":
		return []byte("null"), nil
	case strings.HasPrefix(literal, "'"):
		inner, ok := strings.CutSuffix(literal[1:], "'")
		rest := strings.ReplaceAll(inner, "''", "")
		if !ok || strings.Contains(rest, "'") {
			return nil, odata.Errorf(odata.BadRequest, "the parameter '%s' has a quote that is not closed: %s", p.Name, excerpt.Of(literal))
		}
		return json.Marshal(strings.ReplaceAll(inner, "''", "'"))
	case json.Valid([]byte(literal)):
		return []byte(literal), nil
	case p.Type == schema.GUID || p.Type == schema.DateTime || p.Enum != nil:
		return json.Marshal(literal)
	}
	return nil, odata.Errorf(odata.InvalidArgument, "the parameter '%s' cannot be %s; a string must be in quotes", p.Name, excerpt.Of(literal))
}

// add adds an argument, given as JSON.
func (r reader) add(name string, value json.RawMessage) error {
	p := r.signature.parameter(name)
	if p == nil {
		return r.signature.unknown(name)
	}
	if string(value) == "null" {
		return nil
	}
	if !p.Many {
		v, err := r.value(*p, value)
		if err != nil {
			return err
		}
		r.given[name] = v
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(value, &list); err != nil {
		return p.refuse("a list", value)
	}
	values := make([]any, len(list))
	for i, one := range list {
		v, err := r.value(*p, one)
		if err != nil {
			return err
		}
		values[i] = v
	}
	r.given[name] = values
	return nil
}

// refuse returns the refusal of an argument that is not what it must be.
func (p Parameter) refuse(what string, value json.RawMessage) error {
	return odata.Errorf(odata.InvalidArgument, "the parameter '%s' must be %s, not %s", p.Name, what, excerpt.Of(string(value)))
}

// value reads one value of a parameter.
func (r reader) value(p Parameter, value json.RawMessage) (any, error) {
	switch {
	case p.Row:
		return r.row(p, value)
	case p.Type == schema.LookupTo:
		return r.reference(p, value)
	}
	var v any
	if err := strictjson.Decode(value, &v); err != nil {
		return nil, p.refuse("a value", value)
	}
	return p.scalar(v, value)
}

// scalar reads a value that is neither a row nor a list.
func (p Parameter) scalar(v any, value json.RawMessage) (any, error) {
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	switch p.Type {
	case schema.String:
		if p.Enum != nil && !p.Enum.holds(text) {
			return nil, p.refuse("one of "+strings.Join(p.Enum.Members, ", "), value)
		}
		if isText {
			return text, nil
		}
		return nil, p.refuse("a string", value)
	case schema.GUID:
		if id, ok := guid.Parse(text); ok {
			return id, nil
		}
		return nil, p.refuse("a GUID", value)
	case schema.Boolean:
		if is, ok := v.(bool); ok {
			return is, nil
		}
		return nil, p.refuse("true or false", value)
	case schema.Integer, schema.BigInt:
		bits := 64
		if p.Type == schema.Integer {
			bits = 32
		}
		if n, err := strconv.ParseInt(string(number), 10, bits); isNumber && err == nil {
			return n, nil
		}
		return nil, p.refuse("a whole number of "+strconv.Itoa(bits)+" bits", value)
	case schema.Double:
		if f, err := number.Float64(); isNumber && err == nil {
			return f, nil
		}
		return nil, p.refuse("a number", value)
	case schema.DateTime:
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return at.UTC(), nil
		}
		return nil, p.refuse("a date and time such as 2026-01-02T03:04:05Z", value)
	default:
		return nil, p.refuse("of another type", value)
	}
}

// reference reads a reference to a row: {"@odata.id":"leads(<id>)"}, or the row's key
// with its type.
func (r reader) reference(p Parameter, value json.RawMessage) (schema.Lookup, error) {
	members, err := odata.Members(value)
	if err != nil {
		return schema.Lookup{}, p.refuse(`a reference like {"@odata.id":"<set>(<id>)"}`, value)
	}
	for _, m := range members {
		if m.Name != "@odata.id" {
			continue
		}
		var link string
		if err := json.Unmarshal(m.Value, &link); err != nil {
			return schema.Lookup{}, p.refuse(`a reference like {"@odata.id":"<set>(<id>)"}`, value)
		}
		l, err := odata.ReadReference(r.tables, p.Name, link)
		if err == nil && !p.of(l.Table) {
			err = p.refuse("a row of "+strings.Join(p.Tables, ", "), value)
		}
		return l, err
	}
	row, err := r.row(p, value)
	if err != nil {
		return schema.Lookup{}, err
	}
	if row.ID == "" || len(row.Values) > 0 {
		return schema.Lookup{}, p.refuse("a reference: the key of a row and nothing else", value)
	}
	return schema.Lookup{Table: row.Table.Name, ID: row.ID}, nil
}

// of reports whether the parameter takes rows of a table.
func (p Parameter) of(table string) bool { return p.Tables == nil || slices.Contains(p.Tables, table) }

// row reads the columns of a row, whose type must be said where it may be several.
func (r reader) row(p Parameter, value json.RawMessage) (Row, error) {
	members, err := odata.Members(value)
	if err != nil {
		return Row{}, p.refuse("a row", value)
	}
	var table string
	if len(p.Tables) == 1 {
		table = p.Tables[0]
	}
	for _, m := range members {
		var given string
		if m.Name == "@odata.type" && json.Unmarshal(m.Value, &given) == nil {
			table = strings.TrimPrefix(strings.TrimPrefix(given, "#"), odata.Namespace)
		}
	}
	t := r.tables.Table(table)
	if t == nil || t.Set == "" || !p.of(table) {
		what := "any table"
		if p.Tables != nil {
			what = strings.Join(p.Tables, ", ")
		}
		return Row{}, p.refuse("a row of "+what+` with its type, "@odata.type":"`+odata.Namespace+`<table>"`, value)
	}
	input, err := odata.Bodies{Schema: r.tables}.Row(t, value)
	if err == nil {
		err = input.Flat()
	}
	if err == nil && len(input.Binds) > 0 {
		err = p.refuse("a row that binds others by their ids", value)
	}
	return Row{Table: t, Input: input}, err
}
