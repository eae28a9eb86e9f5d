// $metadata, checked by others: against the XML schema of the OASIS committee that
// defines OData, and by the strict reader of the same committee, odata-csdl.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { validateXML } from "xmllint-wasm";
import { api, scenario, server, token } from "./scenario.mjs";

const require = createRequire(import.meta.url);
const { xml2json } = require("odata-csdl");

// oasis reads a file of the schema, which comes with the reader.
function oasis(name) {
  return readFileSync(require.resolve(`odata-csdl/schemas/${name}`), "utf8");
}

async function metadata(query) {
  const url = new URL(`${api}$metadata${query}`, server);
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}`, Accept: "application/xml" } });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^application\/xml/);
  return answer.text();
}

const checks = (query) => [
  [`$metadata${query} obeys the OASIS XML schema`, async () => {
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
  }],
  [`$metadata${query} is read by the committee's own strict reader`, async () => {
    const model = xml2json(await metadata(query), { strict: true });
    const schema = model["Microsoft.Dynamics.CRM"];
    assert.equal(schema.lead.$Kind, "EntityType");
    assert.equal(schema.System.leads.$Type, "mscrm.lead");
    assert.equal(schema.WhoAmI[0].$Kind, "Function");
  }],
];

await scenario("odata-csdl", [...checks(""), ...checks("?annotations=true")]);
