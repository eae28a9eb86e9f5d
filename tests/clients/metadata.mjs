// What Segue tells of itself, checked by others: $metadata against the XML schema of
// the OASIS committee that defines OData and by the strict reader of the same committee,
// the definitions of tables and the functions by dynamics-web-api.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { DynamicsWebApi } from "dynamics-web-api";
import { validateXML } from "xmllint-wasm";

const require = createRequire(import.meta.url);
const { xml2json } = require("odata-csdl");

// setting reads a variable of the environment that the tests cannot do without.
function setting(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; see scripts/clients.sh`);
  }
  return value;
}

// oasis reads a file of the schema, which comes with the reader.
function oasis(name) {
  return readFileSync(require.resolve(`odata-csdl/schemas/${name}`), "utf8");
}

async function metadata(query) {
  const url = new URL(`/api/data/v9.2/$metadata${query}`, setting("SEGUE_URL"));
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${setting("SEGUE_TOKEN")}`, Accept: "application/xml" } });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^application\/xml/);
  return answer.text();
}

for (const query of ["", "?annotations=true"]) {
  test(`$metadata${query} obeys the OASIS XML schema`, async () => {
    const text = await metadata(query);
    const check = (contents) =>
      validateXML({
        xml: [{ fileName: "metadata.xml", contents }],
        schema: [oasis("edmx.xsd")],
        preload: [{ fileName: "edm.xsd", contents: oasis("edm.xsd") }],
        initialMemoryPages: 512,
        maxMemoryPages: 4096,
      });
    const { valid, errors } = await check(text);
    assert.ok(valid, JSON.stringify(errors.slice(0, 5)));
    // The check can fail: it refuses an attribute that there is not.
    const broken = await check(text.replace("<EntityType Name=", "<EntityType Title="));
    assert.ok(!broken.valid);
  });

  test(`$metadata${query} is read by the committee's own strict reader`, async () => {
    const model = xml2json(await metadata(query), { strict: true });
    const schema = model["Microsoft.Dynamics.CRM"];
    assert.equal(schema.lead.$Kind, "EntityType");
    assert.equal(schema.System.leads.$Type, "mscrm.lead");
    assert.equal(schema.WhoAmI[0].$Kind, "Function");
  });
}

test("definitions and functions, by dynamics-web-api", async (t) => {
  const of = (options) =>
    new DynamicsWebApi({
      serverUrl: new URL("/", setting("SEGUE_URL")).href,
      dataApi: { version: "9.2" },
      onTokenRefresh: async () => setting("SEGUE_TOKEN"),
      propagateErrors: true,
      ...options,
    });
  const api = of({});
  const entityKey = "LogicalName='lead'";
  const crm = "Microsoft.Dynamics.CRM.";
  const steps = {
    "tables by filter": async () => {
      const { value } = await api.retrieveEntities({ select: ["LogicalName", "EntitySetName"], filter: "LogicalName eq 'lead'" });
      assert.deepEqual(value.map((one) => one.EntitySetName), ["leads"]);
    },
    "a table with its columns": async () => {
      const lead = await api.retrieveEntity({ key: entityKey, select: ["LogicalName"], expand: [{ property: "Attributes", select: ["LogicalName"] }] });
      assert.ok(lead.Attributes.some((one) => one.LogicalName === "subject"));
      const again = await api.retrieveEntity({ key: lead.MetadataId });
      assert.equal(again.PrimaryIdAttribute, "leadid");
    },
    "choices with their options": async () => {
      const { value } = await api.retrieveAttributes({
        entityKey,
        castType: `${crm}PicklistAttributeMetadata`,
        select: ["LogicalName"],
        expand: [{ property: "OptionSet" }, { property: "GlobalOptionSet" }],
      });
      const rating = value.find((one) => one.LogicalName === "leadqualitycode");
      assert.deepEqual(rating.OptionSet.Options.map((one) => one.Label.UserLocalizedLabel.Label), ["Hot", "Warm", "Cold"]);
    },
    "a column": async () => {
      const subject = await api.retrieveAttribute({ entityKey, attributeKey: "LogicalName='subject'", castType: `${crm}StringAttributeMetadata` });
      assert.equal(subject.MaxLength, 300);
    },
    relationships: async () => {
      const { value } = await api.retrieveRelationships({ castType: `${crm}OneToManyRelationshipMetadata`, select: ["SchemaName"], filter: "ReferencedEntity eq 'lead'" });
      assert.ok(value.some((one) => one.SchemaName === "Lead_Tasks"));
      const one = await api.retrieveRelationship({ key: "SchemaName='Lead_Tasks'" });
      assert.equal(one.ReferencingEntity, "task");
    },
    "global option sets": async () => {
      const { value } = await api.retrieveGlobalOptionSets({});
      assert.ok(value.some((one) => one.Name === "rating"));
      const rating = await api.retrieveGlobalOptionSet({ key: "Name='rating'" });
      assert.equal(rating.Options.length, 3);
    },
    $metadata: async () => assert.match(await api.retrieveCsdlMetadata({}), /<EntityType Name="lead"/),
    "names of tables for sets": async () => {
      const { value } = await of({ useEntityNames: true }).retrieveMultiple({ collection: "lead", select: ["subject"], top: 1 });
      assert.ok(Array.isArray(value));
    },
    "functions, without and with parameters, bound": async () => {
      const me = await api.callFunction("WhoAmI");
      const parameters = { AccessType: `${crm}EndpointAccessType'Default'` };
      const { Detail } = await api.callFunction({ functionName: "RetrieveCurrentOrganization", parameters });
      assert.equal(Detail.OrganizationId, me.OrganizationId);
      const access = await api.callFunction({
        collection: "systemusers",
        key: me.UserId,
        functionName: `${crm}RetrievePrincipalAccess`,
        parameters: { Target: { "@odata.id": `systemusers(${me.UserId})` } },
      });
      assert.match(access.AccessRights, /ReadAccess/);
    },
  };
  for (const [name, step] of Object.entries(steps)) {
    await t.test(name, step);
  }
});
