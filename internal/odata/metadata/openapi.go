package metadata

import (
	"encoding/json"
	"strings"

	"segue/internal/odata"
	"segue/internal/odata/call"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// OpenAPI returns the OpenAPI 3.1 document.
func (m *Model) OpenAPI() []byte { return m.api() }

// dict is a JSON object; its members are written in the order of their names.
type dict = map[string]any

// openAPI makes the OpenAPI document: what a caller may ask of each set, and the
// functions and actions.
func (m *Model) openAPI() []byte {
	schemas := dict{"Error": errorSchema(), "Reference": referenceSchema()}
	paths := dict{
		"/": dict{"get": operationOf("getServiceDocument", "The entity sets", "Service", responses(jsonOf(dict{"type": "object"})))},
		"/$metadata": dict{"get": operationOf("getMetadata", "The model as CSDL", "Service", responses(dict{
			"description": "CSDL", "content": dict{"application/xml": dict{"schema": dict{"type": "string"}}},
		}))},
		"/EntityDefinitions": dict{"get": withParameters(operationOf("listEntityDefinitions", "The definitions of tables", "Service",
			responses(jsonOf(dict{"type": "object"}))), option("$select"), option("$filter"), option("$expand"))},
	}
	for _, t := range m.tables {
		schemas[t.Name] = rowSchema(t)
		paths["/"+t.Set] = m.setPath(t)
		paths["/"+t.Set+"({"+t.ID+"})"] = rowPath(t)
	}
	known := typesOf(m.operations)
	for _, c := range known.complex {
		schemas[c.Name] = complexSchema(c)
	}
	for _, o := range m.operations {
		m.callPaths(paths, o)
	}
	document, _ := json.Marshal(dict{ // of maps, texts and numbers: it cannot fail
		"openapi":           "3.1.0",
		"jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
		"info":              dict{"title": "Segue", "version": "9.2", "description": "Sales sequences and segments, over the Dataverse Web API."},
		"servers":           []any{dict{"url": odata.ServiceRoot("", "v9.2")[:len(odata.ServiceRoot("", "v9.2"))-1]}},
		"security":          []any{dict{"token": []any{}}},
		"paths":             paths,
		"components": dict{
			"schemas":         schemas,
			"securitySchemes": dict{"token": dict{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
		},
	})
	return document
}

func ref(name string) dict { return dict{"$ref": "#/components/schemas/" + name} }

func errorSchema() dict {
	return dict{"type": "object", "required": []string{"error"}, "properties": dict{"error": dict{
		"type": "object", "required": []string{"code", "message"},
		"properties": dict{"code": dict{"type": "string", "pattern": "^0x[0-9a-f]{8}$"}, "message": dict{"type": "string"}},
	}}}
}

// referenceSchema is a reference to a row.
func referenceSchema() dict {
	return dict{"type": "object", "properties": dict{"@odata.id": dict{"type": "string"}, "@odata.type": dict{"type": "string"}}}
}

// operationOf returns an operation of a path.
func operationOf(id, summary, tag string, answers dict) dict {
	return dict{"operationId": id, "summary": summary, "tags": []string{tag}, "responses": answers}
}

func withParameters(operation dict, parameters ...dict) dict {
	list := make([]any, len(parameters))
	for i, p := range parameters {
		list[i] = p
	}
	operation["parameters"] = list
	return operation
}

// option is a parameter of the query string.
func option(name string) dict {
	schema := dict{"type": "string"}
	switch name {
	case "$top":
		schema = dict{"type": "integer", "minimum": 0}
	case "$count":
		schema = dict{"type": "boolean"}
	}
	return dict{"name": name, "in": "query", "schema": schema}
}

// responses are those of an operation that succeeds with ok: every refusal is alike.
func responses(ok dict) dict {
	status := "200"
	if ok["content"] == nil {
		status = "204"
	}
	return dict{status: ok, "default": dict{
		"description": "A refusal", "content": dict{"application/json": dict{"schema": ref("Error")}},
	}}
}

// jsonOf is a response with a JSON body.
func jsonOf(schema dict) dict {
	return dict{"description": "OK", "content": dict{"application/json": dict{"schema": schema}}}
}

func noContent() dict { return dict{"description": "Done"} }

func body(schema dict) dict {
	return dict{"required": true, "content": dict{"application/json": dict{"schema": schema}}}
}

// setPath is what can be asked of the rows of a table together.
func (m *Model) setPath(t *schema.Table) dict {
	list := dict{"type": "object", "properties": dict{
		"@odata.count": dict{"type": "integer"}, "@odata.nextLink": dict{"type": "string"},
		"value": dict{"type": "array", "items": ref(t.Name)},
	}}
	path := dict{"get": withParameters(operationOf("list_"+t.Set, "List "+schema.Plural(t.Label), t.Set, responses(jsonOf(list))),
		option("$select"), option("$filter"), option("$orderby"), option("$expand"), option("$top"), option("$count"))}
	if !t.EngineMade {
		create := operationOf("create_"+t.Set, "Create a row of "+t.Label, t.Set, responses(noContent()))
		create["requestBody"] = body(ref(t.Name))
		path["post"] = create
	}
	return path
}

// rowPath is what can be asked of one row.
func rowPath(t *schema.Table) dict {
	update := operationOf("update_"+t.Set, "Change a row of "+t.Label+", or make it", t.Set, responses(noContent()))
	update["requestBody"] = body(ref(t.Name))
	return dict{
		"parameters": []any{keyParameter(t)},
		"get": withParameters(operationOf("get_"+t.Set, "Read a row of "+t.Label, t.Set, responses(jsonOf(ref(t.Name)))),
			option("$select"), option("$expand")),
		"patch":  update,
		"delete": operationOf("delete_"+t.Set, "Delete a row of "+t.Label, t.Set, responses(noContent())),
	}
}

func keyParameter(t *schema.Table) dict {
	return dict{"name": t.ID, "in": "path", "required": true, "schema": dict{"type": "string", "format": "uuid"}}
}

// rowSchema is the columns of a table.
func rowSchema(t *schema.Table) dict {
	properties := dict{}
	for _, c := range visible(t) {
		properties[uri.NameOf(c)] = columnSchema(c)
	}
	return dict{"type": "object", "title": t.Label, "properties": properties}
}

// columnSchema is the values of a column, null among them.
func columnSchema(c *schema.Column) dict {
	s := scalarSchema(c.Type)
	s["title"] = c.Label
	if c.Write == schema.Engine || c.Type == schema.LookupTo {
		s["readOnly"] = true
	}
	if (c.Type == schema.String || c.Type == schema.Memo) && c.MaxLength > 0 {
		s["maxLength"] = c.MaxLength
	}
	if len(c.Options) > 0 && c.Type != schema.Boolean {
		values := []any{nil}
		for _, o := range c.Options {
			values = append(values, o.Value)
		}
		s["enum"] = values
	}
	s["type"] = []any{s["type"], "null"}
	return s
}

// scalarSchema is the values of a type.
func scalarSchema(t schema.Type) dict {
	switch edmType(t) {
	case edmInt32:
		return dict{"type": "integer", "format": "int32"}
	case edmInt64:
		return dict{"type": "integer", "format": "int64"}
	case edmDecimal, edmDouble:
		return dict{"type": "number"}
	case edmBoolean:
		return dict{"type": "boolean"}
	case edmDateTime:
		return dict{"type": "string", "format": "date-time"}
	case edmDate:
		return dict{"type": "string", "format": "date"}
	case edmGUID:
		return dict{"type": "string", "format": "uuid"}
	}
	return dict{"type": "string"}
}

// complexSchema is a complex type of a result.
func complexSchema(c *call.Complex) dict {
	properties := dict{}
	for _, p := range c.Properties {
		var s dict
		switch {
		case p.Of != nil:
			s = ref(p.Of.Name)
		case p.Enum != nil:
			if s = (dict{"type": "string"}); p.Enum.Flags == nil {
				s["enum"] = p.Enum.Members
			}
		default:
			s = scalarSchema(p.Type)
		}
		if p.Many {
			s = dict{"type": "array", "items": s}
		}
		if p.Nullable {
			s = dict{"anyOf": []any{s, dict{"type": "null"}}}
		}
		properties[p.Name] = s
	}
	return dict{"type": "object", "properties": properties}
}

// callPaths adds the paths by which an operation is called.
func (m *Model) callPaths(paths dict, o call.Signature) {
	if o.Binding == call.Unbound {
		paths["/"+o.Name+arguments(o)] = m.callPath(o, nil)
		return
	}
	for _, t := range m.tables {
		if _, ok := m.operations.Bound(o.Binding, t.Name, o.Name); !ok {
			continue
		}
		on := "/" + t.Set
		if o.Binding == call.ToRow {
			on += "({" + t.ID + "})"
		}
		paths[on+"/"+odata.Namespace+o.Name+arguments(o)] = m.callPath(o, t)
	}
}

// arguments is the brackets of a function with its required parameters.
func arguments(o call.Signature) string {
	if o.Kind == call.Action {
		return ""
	}
	var list []string
	for _, p := range o.Parameters {
		if p.Required {
			list = append(list, p.Name+"={"+p.Name+"}")
		}
	}
	return "(" + strings.Join(list, ",") + ")"
}

// callPath is a call of an operation, on a row or the set of a table or on the service.
func (m *Model) callPath(o call.Signature, on *schema.Table) dict {
	operation := operationOf(o.Name, o.About, "Operations", responses(resultOf(o.Returns)))
	if o.Returns.Optional {
		answers := responses(resultOf(o.Returns))
		answers["204"] = noContent()
		operation["responses"] = answers
	}
	var parameters []dict
	if on != nil {
		operation["operationId"] = o.Name + "_" + on.Set
		if o.Binding == call.ToRow { // the same may be bound to the set too
			operation["operationId"] = o.Name + "_" + on.Name
			parameters = append(parameters, keyParameter(on))
		}
	}
	if o.Kind == call.Action {
		properties, required := dict{}, []string{}
		for _, p := range o.Parameters {
			properties[p.Name] = parameterSchema(p)
			if p.Required {
				required = append(required, p.Name)
			}
		}
		if len(properties) > 0 {
			arguments := body(dict{"type": "object", "properties": properties, "required": required})
			arguments["required"] = len(required) > 0
			operation["requestBody"] = arguments
		}
		return dict{"post": withParameters(operation, parameters...)}
	}
	for _, p := range o.Parameters {
		if p.Required {
			parameters = append(parameters, dict{"name": p.Name, "in": "path", "required": true, "schema": parameterSchema(p)})
		}
	}
	return dict{"get": withParameters(operation, parameters...)}
}

// resultOf is the response of an operation.
func resultOf(r call.Return) dict {
	switch {
	case r.Rows:
		return jsonOf(dict{"type": "object", "properties": dict{"value": dict{"type": "array", "items": ref("Reference")}}})
	case r.Type != nil:
		return jsonOf(ref(r.Type.Name))
	}
	return noContent()
}

// parameterSchema is the values of a parameter.
func parameterSchema(p call.Parameter) dict {
	var s dict
	switch {
	case p.Row && len(p.Tables) == 1:
		s = ref(p.Tables[0])
	case p.Row || p.Type == schema.LookupTo:
		s = ref("Reference")
	case p.Enum != nil:
		s = dict{"type": "string"}
	default:
		s = scalarSchema(p.Type)
	}
	if p.Many {
		return dict{"type": "array", "items": s}
	}
	return s
}
