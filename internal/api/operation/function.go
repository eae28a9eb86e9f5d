package operation

import (
	"context"
	"strings"

	"segue/internal/odata/call"
	"segue/internal/schema"
)

// whoAmI tells who the caller is.
func whoAmI() Declaration {
	const unit, user, organization = "BusinessUnitId", "UserId", "OrganizationId"
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "WhoAmI", About: "Who the caller is.",
			Returns: call.Return{Type: &call.Complex{Name: "WhoAmIResponse", Properties: []call.Property{
				{Name: unit, Type: schema.GUID}, {Name: user, Type: schema.GUID}, {Name: organization, Type: schema.GUID},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			admitted, err := e.Principals.Admit(ctx, q.Caller)
			return Answer{Value: call.Result{
				unit: string(admitted.Unit), user: string(q.Caller.ID), organization: string(e.Principals.Organization().ID),
			}}, err
		},
	}
}

// apiVersion is the version of Dataverse that clients take Segue for: that of the Web
// API which it serves. Some refuse to work with an older one.
const apiVersion = "9.2.0.0"

// retrieveVersion tells which version of the API is served.
func retrieveVersion() Declaration {
	const version = "Version"
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "RetrieveVersion", About: "The version of the API.",
			Returns: call.Return{Type: &call.Complex{
				Name: "RetrieveVersionResponse", Properties: []call.Property{{Name: version, Type: schema.String}},
			}},
		},
		ask: func(context.Context, Executor, Question) (Answer, error) {
			return Answer{Value: call.Result{version: apiVersion}}, nil
		},
	}
}

// retrieveCurrentOrganization tells what clients of .NET ask for when they sign in.
func retrieveCurrentOrganization() Declaration {
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "RetrieveCurrentOrganization", About: "The organization and where it is served.",
			Parameters: []call.Parameter{{
				Name: "AccessType", Type: schema.String, Required: true,
				Enum: &call.Enum{Name: "EndpointAccessType", Members: []string{"Default", "Internet", "Intranet"}},
			}},
			Returns: call.Return{Type: &call.Complex{Name: "RetrieveCurrentOrganizationResponse", Properties: []call.Property{
				{Name: "Detail", Of: organizationDetail()},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			if _, err := e.Principals.Admit(ctx, q.Caller); err != nil {
				return Answer{}, err
			}
			own := e.Principals.Organization()
			site, _, _ := strings.Cut(q.Base, "api/data/")
			return Answer{Value: call.Result{"Detail": call.Result{
				"OrganizationId": string(own.ID), "FriendlyName": own.Name, "OrganizationVersion": apiVersion,
				"EnvironmentId": string(own.ID), "UrlName": own.Name, "UniqueName": own.Name, "State": "Enabled",
				"Endpoints": call.Result{
					"Count": int64(2), "IsReadOnly": true,
					"Keys":   []string{"WebApplication", "OrganizationDataService"},
					"Values": []string{site, q.Base},
				},
			}}}, nil
		},
	}
}

// organizationDetail is the type of what is known of an organization.
func organizationDetail() *call.Complex {
	endpoint := &call.Enum{Name: "EndpointType", Members: []string{"OrganizationService", "OrganizationDataService", "WebApplication"}}
	state := &call.Enum{Name: "OrganizationState", Members: []string{"Enabled", "Disabled"}}
	return &call.Complex{Name: "OrganizationDetail", Properties: []call.Property{
		{Name: "OrganizationId", Type: schema.GUID},
		{Name: "FriendlyName", Type: schema.String},
		{Name: "OrganizationVersion", Type: schema.String},
		{Name: "EnvironmentId", Type: schema.String},
		{Name: "DatacenterId", Type: schema.GUID, Nullable: true},
		{Name: "Geo", Type: schema.String, Nullable: true},
		{Name: "TenantId", Type: schema.String, Nullable: true},
		{Name: "UrlName", Type: schema.String},
		{Name: "UniqueName", Type: schema.String},
		{Name: "State", Type: schema.String, Enum: state},
		{Name: "Endpoints", Of: &call.Complex{Name: "EndpointCollection", Properties: []call.Property{
			{Name: "Count", Type: schema.Integer},
			{Name: "IsReadOnly", Type: schema.Boolean},
			{Name: "Keys", Type: schema.String, Enum: endpoint, Many: true},
			{Name: "Values", Type: schema.String, Many: true},
		}}},
	}}
}
