// What two clients of one author do, which share the names of their functions: in Node
// they know nothing but https, and drop the port of a URL, for which Node's agent stands
// in here.
import assert from "node:assert/strict";
import { globalAgent } from "node:https";
import { guid, marker, missing, scenario, send, sequenceForLeads, server, token } from "./scenario.mjs";

// secure runs the steps that both clients can take, and those of one alone: web is its
// module, and own makes its steps of what they need.
export function secure(client, web, own = () => []) {
  globalAgent.defaultPort = Number(server.port || 443);
  const config = new web.WebApiConfig("9.2", token, server.origin);
  const mark = marker(client);
  const ids = {};
  const mine = `companyname eq '${mark}'`;
  const subjects = ({ value }) => value.map((row) => row.subject);
  return scenario(client, [
    ["create", async () => {
      await web.create(config, "leads", { subject: "first", companyname: mark });
      const { value } = await web.retrieveMultiple(config, "leads", `$select=subject&$filter=${mine}`);
      ids.lead = value[0].leadid;
      assert.match(ids.lead, guid);
    }],
    ["create, representation", async () => {
      const row = await web.createWithReturnData(config, "leads", { subject: "second", companyname: mark }, "$select=subject");
      assert.equal(row.subject, "second");
      ids.second = row.leadid;
    }],
    ["retrieve", async () => assert.equal((await web.retrieve(config, "leads", ids.lead, "$select=subject")).subject, "first")],
    ["retrieve, row that is not there", () => assert.rejects(web.retrieve(config, "leads", missing, "$select=subject"))],
    ["retrieveMultiple, pages", async () => {
      const paging = new web.WebApiConfig("9.2", token, server.origin); // the client leaves the link in it
      const page = await web.retrieveMultiple(paging, "leads", `$select=subject&$filter=${mine}&$orderby=subject`, { maxPageSize: 1 });
      assert.deepEqual(subjects(page), ["first"]);
      const next = await web.retrieveMultipleNextPage(paging, page["@odata.nextLink"], { maxPageSize: 1 });
      assert.deepEqual(subjects(next), ["second"]);
    }],
    ["update", async () => {
      await web.update(config, "leads", ids.lead, { subject: "changed" });
      assert.equal((await web.retrieve(config, "leads", ids.lead, "$select=subject")).subject, "changed");
    }],
    ["update, representation", async () => {
      const row = await web.updateWithReturnData(config, "leads", ids.lead, { subject: "again" }, "$select=subject");
      assert.equal(row.subject, "again");
    }],
    ["updateProperty", async () => {
      await web.updateProperty(config, "leads", ids.lead, "subject", "alone");
      assert.equal((await web.retrieve(config, "leads", ids.lead, "$select=subject")).subject, "alone");
    }],
    ["deleteProperty", async () => {
      await web.deleteProperty(config, "leads", ids.lead, "subject");
      assert.equal((await web.retrieve(config, "leads", ids.lead, "$select=subject")).subject, null);
    }],
    ["associate", async () => {
      ids.account = (await send("POST", "accounts", { name: `${mark} account` })).accountid;
      await web.associate(config, "accounts", ids.account, "lead_parent_account", "leads", ids.lead);
      assert.equal((await web.retrieve(config, "leads", ids.lead, "$select=_parentaccountid_value"))._parentaccountid_value, ids.account);
    }],
    ["disassociate", async () => {
      await web.disassociate(config, "accounts", ids.account, "lead_parent_account", ids.lead);
      assert.equal((await web.retrieve(config, "leads", ids.lead, "$select=_parentaccountid_value"))._parentaccountid_value, null);
    }],
    ["unboundAction", async () => {
      const parameters = { SequenceId: await sequenceForLeads(), RegardingEntityId: ids.lead, RegardingEntityName: "lead" };
      await web.unboundAction(config, "msdyn_ConnectSequence", parameters);
      await web.unboundAction(config, "msdyn_DisconnectSequence", parameters);
    }],
    ["boundAction", async () => {
      const made = await web.boundAction(config, "leads", ids.second, "QualifyLead", { CreateAccount: false, CreateContact: false, CreateOpportunity: true, Status: 3 });
      assert.match(made.value[0].opportunityid, guid);
    }],
    ["unboundFunction", async () => {
      const who = await web.unboundFunction(config, "WhoAmI");
      assert.match(who.UserId, guid);
      ids.user = who.UserId;
    }],
    ["impersonation of oneself", async () => {
      const row = await web.retrieve(config, "leads", ids.lead, "$select=leadid", { impersonateUserId: ids.user });
      assert.equal(row.leadid, ids.lead);
    }],
    ["batchOperation", async () => {
      const sets = [{ queryString: "leads", method: "POST", entity: { subject: "in a batch", companyname: mark } }, { queryString: `leads(${ids.lead})`, method: "PATCH", entity: { subject: "batched" } }];
      const answer = await web.batchOperation(config, "B1", "C1", sets, [`leads?$select=subject&$filter=${mine}`]);
      assert.ok(JSON.stringify(answer).includes("in a batch"), JSON.stringify(answer));
      assert.equal((await web.retrieve(config, "leads", ids.lead, "$select=subject")).subject, "batched");
    }],
    ["deleteRecord", async () => {
      await web.deleteRecord(config, "leads", ids.lead);
      await assert.rejects(web.retrieve(config, "leads", ids.lead, "$select=subject"));
    }],
    ...own(config, mark),
  ]);
}
