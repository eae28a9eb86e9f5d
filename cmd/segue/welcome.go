package main

import (
	"fmt"
	"time"

	"segue/internal/boot/laptop"
	"segue/internal/guid"
	"segue/internal/sales"
)

// welcome prints how to talk to the server.
func welcome(laptop *laptop.App, addr string) error {
	token, err := laptop.Issuer.Issue(userID("Demo User"), "Demo User", []string{sales.SalesManager}, 12*time.Hour)
	if err != nil {
		return err
	}
	base := laptop.API.Public
	if base == "" {
		base = "http://" + addr
	}
	fmt.Printf(welcomeText, base, token, base, guid.New(), matchingLead)
	return nil
}

// matchingLead is a lead that a segment of the demo data takes.
const matchingLead = `"subject":"Sixty coffee machines","firstname":"Ada","lastname":"Example","companyname":"Example Roasters","leadsourcecode":7`

const welcomeText = `
Base URL  %s/api/data/v9.2/
Token     (12 hours, role Sales Manager; more: go run ./cmd/segue token --role Salesperson)

Paste these lines: the token, then three that create a lead, show its segment, and show
its sequence target with the first step.

TOKEN=%s BASE=%s/api/data/v9.2 LEAD=%s
curl -sS -X POST $BASE/leads -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H 'Prefer: return=representation' -d '{"leadid":"'$LEAD'",%s}'; echo
curl -sS "$BASE/leads($LEAD)?\$select=subject,_msdyn_segmentid_value,segue_evaluation" -H "Authorization: Bearer $TOKEN" -H 'Prefer: odata.include-annotations="*"'; echo
curl -sS "$BASE/msdyn_sequencetargets?\$filter=_msdyn_target_value%%20eq%%20$LEAD&\$select=_msdyn_parentsequence_value,statuscode,msdyn_currentstepname,_segue_currentstep_value" -H "Authorization: Bearer $TOKEN" -H 'Prefer: odata.include-annotations="*"'; echo

Stop with Ctrl-C.
`
