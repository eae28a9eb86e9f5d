package main

import (
	"fmt"
	"strings"
	"time"

	"segue/internal/boot/laptop"
	"segue/internal/guid"
	"segue/internal/sales"
)

// welcome prints how to talk to the server.
func welcome(laptop *laptop.App, p *program, at address) error {
	token, err := laptop.Issuer.Issue(userID("Demo User"), "Demo User", []string{sales.SalesManager}, 12*time.Hour)
	if err != nil {
		return err
	}
	base := laptop.API.Public
	if base == "" {
		base = at.url()
	}
	curl := "curl"
	if at.certificate.File != "" {
		curl = "curl --cacert " + at.certificate.File
		fmt.Printf("\nCertificate  %s, signed by itself, for 127.0.0.1, ::1 and localhost\nSHA-256      %s\n", at.certificate.File, at.certificate.Fingerprint)
	}
	fmt.Print(strings.NewReplacer(
		"{base}", base, "{self}", self(), "{data}", p.Data, "{token}", token, "{id}", guid.New(), "{lead}", matchingLead, "{curl}", curl,
	).Replace(welcomeText))
	return nil
}

// matchingLead is a lead that a segment of the demo data takes.
const matchingLead = `"subject":"Sixty coffee machines","firstname":"Ada","lastname":"Example","companyname":"Example Roasters","leadsourcecode":7`

const welcomeText = `
Base URL  {base}/api/data/v9.2/
Store     {data} (other commands find the server by it: --data)
Token     (12 hours, role Sales Manager; more: {self} token --role Salesperson)

Paste these lines: the token, then three that create a lead, show its segment, and show
its sequence target with the first step.

TOKEN={token} BASE={base}/api/data/v9.2 LEAD={id}
{curl} -sS -X POST $BASE/leads -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H 'Prefer: return=representation' -d '{"leadid":"'$LEAD'",{lead}}'; echo
{curl} -sS "$BASE/leads($LEAD)?\$select=subject,_msdyn_segmentid_value,segue_evaluation" -H "Authorization: Bearer $TOKEN" -H 'Prefer: odata.include-annotations="*"'; echo
{curl} -sS "$BASE/msdyn_sequencetargets?\$filter=_msdyn_target_value%20eq%20$LEAD&\$select=_msdyn_parentsequence_value,statuscode,msdyn_currentstepname,_segue_currentstep_value" -H "Authorization: Bearer $TOKEN" -H 'Prefer: odata.include-annotations="*"'; echo

Stop with Ctrl-C.
`
