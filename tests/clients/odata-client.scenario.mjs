// @odata/client, https://github.com/Soontao/light-odata: an OData client that knows
// nothing of Dataverse and sends no OData headers.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { api, guid, marker, missing, scenario, send, server, token } from "./scenario.mjs";

const { EdmV4: Edm, OData } = createRequire(import.meta.url)("@odata/client");
const client = OData.New4({
  serviceEndpoint: new URL(api, server).href,
  processCsrfToken: false,
  commonHeaders: { Authorization: `Bearer ${token}` },
});
const leads = client.getEntitySet("leads");
const mark = marker("@odata/client");
const ids = {};
const mine = () => client.newFilter().property("companyname").eqString(mark);
const subjects = (rows) => rows.map((row) => row.subject);

await scenario("@odata/client", [
  ["rows to begin with", async () => {
    ids.first = (await send("POST", "leads", { subject: "first", companyname: mark })).leadid;
    ids.second = (await send("POST", "leads", { subject: "second", companyname: mark })).leadid;
  }],
  ["create", async () => {
    await leads.create({ subject: "third", companyname: mark });
    assert.deepEqual(subjects(await leads.query(mine())).sort(), ["first", "second", "third"]);
  }],
  ["retrieve, by a Guid", async () => assert.equal((await leads.retrieve(Edm.Guid.from(ids.first))).subject, "first")],
  ["retrieve, by a string", async () => assert.equal((await leads.retrieve(ids.first)).subject, "first")],
  ["retrieve, row that is not there", () => assert.rejects(leads.retrieve(missing), /Does Not Exist/)],
  ["find", async () => assert.deepEqual(subjects(await leads.find({ companyname: mark, subject: "second" })), ["second"])],
  ["query, order and top", async () => {
    const options = client.newOptions().filter(mine()).orderby("subject", "desc").top(2).select(["subject"]);
    assert.deepEqual(subjects(await leads.query(options)), ["third", "second"]);
  }],
  ["query, comparisons", async () => {
    const filter = mine().property("statecode").eq(0).property("createdon").gt(Edm.DateTimeOffset.from(new Date("2020-01-01T00:00:00Z")));
    assert.equal((await leads.query(filter)).length, 3);
  }],
  ["query, apostrophe that is not doubled", () => assert.rejects(leads.find({ companyname: "O'B" }))],
  ["query, expand", async () => {
    const options = client.newOptions().filter(mine()).expand("parentaccountid");
    assert.equal((await leads.query(options))[0].parentaccountid, null);
  }],
  ["count", async () => assert.equal(await leads.count(mine()), 3)],
  ["update", async () => {
    await leads.update(Edm.Guid.from(ids.first), { subject: "changed" });
    assert.equal((await leads.retrieve(Edm.Guid.from(ids.first))).subject, "changed");
  }],
  ["function", async () => assert.match((await client.functionImport("WhoAmI")).UserId, guid)],
  ["action that is refused", () => assert.rejects(leads.action("Microsoft.Dynamics.CRM.Nothing", Edm.Guid.from(ids.first), {}))],
  ["batch", async () => {
    const answers = await client.execBatchRequests([
      client.newBatchRequest({ collection: "leads", entity: { subject: "in a batch", companyname: mark }, method: "POST" }),
      client.newBatchRequest({ collection: "leads", params: client.newOptions().filter(mine()).select(["subject"]) }),
    ]);
    for (const answer of answers) {
      assert.ok(answer.status < 300, `${answer.status} ${await answer.text()}`);
    }
    assert.equal(await leads.count(mine()), 4);
  }],
  ["delete", async () => {
    await leads.delete(Edm.Guid.from(ids.first));
    await assert.rejects(leads.retrieve(Edm.Guid.from(ids.first)), /Does Not Exist/);
  }],
]);
