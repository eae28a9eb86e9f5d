package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/sales"
	"segue/internal/sales/right"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// locale is what formatted values are in (docs/webapi.md §6).
const locale = "en-US"

// me tells the caller what a program with a user interface must know of them.
func me() Declaration {
	depth := &call.Enum{Name: "PrivilegeDepth", Members: []string{"Basic", "Local", "Deep", "Global"}}
	privileges := &call.Complex{Name: "segue_TablePrivileges", Properties: []call.Property{{Name: "Table", Type: schema.String}}}
	for _, p := range privilegesInOrder() {
		privileges.Properties = append(privileges.Properties, call.Property{Name: p.String(), Type: schema.String, Enum: depth, Nullable: true})
	}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "segue_Me", About: "The caller: roles, privileges with their levels, settings, what is served.",
			Returns: call.Return{Type: &call.Complex{Name: "segue_MeResponse", Properties: []call.Property{
				{Name: "UserId", Type: schema.GUID}, {Name: "FullName", Type: schema.String}, {Name: "DomainName", Type: schema.String, Nullable: true},
				{Name: "BusinessUnitId", Type: schema.GUID}, {Name: "OrganizationId", Type: schema.GUID}, {Name: "OrganizationName", Type: schema.String},
				{Name: "Roles", Type: schema.String, Many: true}, {Name: "Privileges", Of: privileges, Many: true},
				{Name: "TimeZone", Type: schema.String}, {Name: "Locale", Type: schema.String},
				{Name: "RecordTypes", Type: schema.String, Many: true}, {Name: "Features", Type: schema.String, Many: true},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			admitted, err := e.Principals.Admit(ctx, q.Caller)
			if err != nil {
				return Answer{}, err
			}
			settings, err := e.Settings.Get(ctx)
			if err != nil {
				return Answer{}, err
			}
			own := e.Principals.Organization()
			value := call.Result{
				"UserId": string(q.Caller.ID), "FullName": q.Caller.Name, "BusinessUnitId": string(admitted.Unit),
				"OrganizationId": string(own.ID), "OrganizationName": own.Name, "Roles": q.Caller.Roles,
				"TimeZone": settings.Calendar.Zone.String(), "Locale": locale, "Features": features(),
			}
			if q.Caller.Login != "" {
				value["DomainName"] = q.Caller.Login
			}
			value["Privileges"], value["RecordTypes"] = e.privileges(q.Caller)
			return Answer{Value: value}, nil
		},
	}
}

// privilegesInOrder lists the privileges in the order of the matrix.
func privilegesInOrder() []sales.Privilege {
	return []sales.Privilege{sales.Create, sales.Read, sales.Write, sales.Delete, sales.Append, sales.AppendTo, sales.Assign}
}

// privileges returns how far each privilege of a caller reaches, for each table on the
// wire, and which tables are of records.
func (e Executor) privileges(c sales.Caller) (tables []call.Result, records []string) {
	tables, records = []call.Result{}, []string{}
	for _, t := range e.DB.Schema().Tables() {
		if t.Set == "" {
			continue
		}
		of := call.Result{"Table": t.Name}
		for _, p := range privilegesInOrder() {
			if depth := depthOf(e.Principals.Level(c, t, p)); depth != "" {
				of[p.String()] = depth
			}
		}
		tables = append(tables, of)
		if t.Is(name.RecordTrait) {
			records = append(records, t.Name)
		}
	}
	return tables, records
}

// depthOf is what Dataverse calls a level, "" for none.
func depthOf(level right.Level) string {
	switch level {
	case right.Own:
		return "Basic"
	case right.Unit:
		return "Local"
	case right.Organization:
		return "Global"
	case right.None:
	}
	return ""
}

// features lists the functions and actions that are served, by which a program sees what
// it may offer.
func features() []string {
	var names []string
	for _, s := range Registry() {
		names = append(names, s.Name)
	}
	return names
}
