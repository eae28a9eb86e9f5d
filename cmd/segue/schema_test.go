package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"segue/internal/dynamo/dynamotest"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// leadColumns is a schema folder that adds columns to leads.
func leadColumns(t *testing.T, columns string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "tables"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "tables", "lead.json"), []byte(`{"name":"lead","columns":[`+columns+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestSchema(t *testing.T) {
	good := leadColumns(t, `{"name":"new_visits","label":"Visits","type":"integer"}`)
	bad := leadColumns(t, `{"name":"visits","label":"Visits","type":"integer"}`)
	p := &program{Data: t.TempDir(), Table: "segue"}
	if err := (&schemaCommand{Folder: good}).Run(t.Context(), p); err != nil {
		t.Error(err)
	}
	if err := (&schemaCommand{Folder: bad}).Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "needs a prefix") {
		t.Errorf("a column without a prefix: %v", err)
	}
	if err := (&schemaCommand{Folder: good, Was: good}).Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "--endpoint") {
		t.Errorf("without a deployment: %v", err)
	}
}

// Before a deployment the rows of its table are counted that use what goes.
func TestSchemaOfATable(t *testing.T) {
	table := dynamotest.Open(t, rows.Indexes())
	before := leadColumns(t, `{"name":"new_visits","label":"Visits","type":"integer"}`)
	after := leadColumns(t, `{"name":"new_other","label":"Other","type":"integer"}`)
	p := &program{Data: t.TempDir(), Table: table.Name, Endpoint: dynamotest.Endpoint(t)}
	t.Setenv("SEGUE_SCHEMA", before)
	app, err := p.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		set := map[string]schema.Value{"new_visits": schema.Int(7)}
		if _, _, err := app.Entities.Update(t.Context(), sales.Engine(), rows.Ref{Table: name.Lead, ID: salestest.ID("lead", n)}, set, entity.If{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := (&schemaCommand{Folder: after, Was: before}).Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "lead.new_visits is used by 2 rows") {
		t.Errorf("a column that goes: %v", err)
	}
	if err := (&schemaCommand{Folder: before, Was: after}).Run(t.Context(), p); err != nil {
		t.Errorf("a column that no row uses: %v", err)
	}
	with, other, without := builtFolder(t), builtFolder(t), builtFolder(t)
	for template, folder := range map[string]string{with: before, other: after} {
		if err := (&builtCommand{Template: template, Schema: folder}).Run(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := (&builtCommand{Template: without, Deployed: with}).Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "lead.new_visits is used by 2 rows") {
		t.Errorf("a build that forgets a column: %v", err)
	}
	if err := (&builtCommand{Template: without, Deployed: other}).Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "no row of "+table.Name) {
		t.Errorf("a build that forgets a column that no row uses: %v", err)
	}
}
