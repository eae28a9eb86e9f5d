package operation

import (
	"context"
	"errors"
	"strings"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// retrievePrincipalAccess tells what a user may do with a row. Which roles a user has
// is known from that user's token alone, so it tells callers of themselves only.
func retrievePrincipalAccess() Declaration {
	const target, rights = "Target", "AccessRights"
	access := &call.Enum{
		Name: "AccessRights",
		Members: []string{
			"None", "ReadAccess", "WriteAccess", "AppendAccess", "AppendToAccess", "CreateAccess", "DeleteAccess", "ShareAccess", "AssignAccess",
		},
		Flags: []int{0, 1, 2, 4, 16, 32, 65536, 262144, 524288},
	}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "RetrievePrincipalAccess", About: "What the caller may do with a row.",
			Binding: call.ToRow, Tables: []string{name.User},
			Parameters: []call.Parameter{{Name: target, Type: schema.LookupTo, Required: true}},
			Returns: call.Return{Type: &call.Complex{Name: "RetrievePrincipalAccessResponse", Properties: []call.Property{
				{Name: rights, Type: schema.String, Enum: access},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			if _, err := e.Principals.Admit(ctx, q.Caller); err != nil {
				return Answer{}, err
			}
			if q.On.ID != string(q.Caller.ID) {
				return Answer{}, sales.Refuse(sales.Precondition, "the roles of systemuser With Id = %s are known only from that user's token; ask for yourself, %s", q.On.ID, q.Caller.ID)
			}
			may, err := e.access(ctx, q.Caller, rows.Ref(q.Given.Lookup(target)))
			return Answer{Value: call.Result{rights: may}}, err
		},
	}
}

// access returns what a caller may do with a row: nothing with one that the caller may
// not read.
func (e Executor) access(ctx context.Context, c sales.Caller, ref rows.Ref) (string, error) {
	row, err := e.Entities.Retrieve(ctx, c, ref)
	switch {
	case errors.Is(err, sales.Forbidden):
		return "None", nil
	case err != nil:
		return "", err
	}
	may := []string{"ReadAccess"}
	for _, p := range privilegesInOrder() {
		if p == sales.Read {
			continue
		}
		reaches, err := e.Principals.Reaches(ctx, c, p, row)
		if err != nil {
			return "", err
		}
		if reaches {
			may = append(may, p.String()+"Access")
		}
	}
	return strings.Join(may, ","), nil
}
