// dataverse-ify, https://github.com/scottdurow/dataverse-ify: the IOrganizationService
// of .NET in TypeScript. It asks for the definition of a table before it first uses it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { guid, marker, missing, scenario, sequenceForLeads, server, token } from "./scenario.mjs";

process.env.SUPPRESS_NO_CONFIG_WARNING = "1"; // of a configuration file that is not needed
const require = createRequire(import.meta.url);
const ify = require("dataverse-ify/lib/index.js");
const { NodeWebApi } = require("dataverse-ify/lib/webapi/node/index.js");
const { XrmApi } = require("dataverse-ify/lib/webapi/XrmApi.js");

// What its generator writes of two tables and three operations.
const action = (operationName, parameterTypes, boundParameter) => ({ parameterTypes, operationType: 0, operationName, boundParameter });
const text = { typeName: "Edm.String", structuralProperty: 1 };
ify.setMetadataCache({
  entities: {
    lead: {
      typeName: "mscrm.lead",
      logicalName: "lead",
      collectionName: "leads",
      primaryIdAttribute: "leadid",
      attributeTypes: { leadsourcecode: "Optionset", createdon: "DateAndTime:UserLocal" },
      navigation: { parentaccountid: ["mscrm.account"], parentcontactid: ["mscrm.contact"] },
    },
    account: { typeName: "mscrm.account", logicalName: "account", collectionName: "accounts", primaryIdAttribute: "accountid", attributeTypes: {}, navigation: {} },
  },
  actions: {
    msdyn_ConnectSequence: action("msdyn_ConnectSequence", { SequenceId: text, RegardingEntityId: text, RegardingEntityName: text }),
    msdyn_DisconnectSequence: action("msdyn_DisconnectSequence", { SequenceId: text, RegardingEntityId: text, RegardingEntityName: text }),
    WhoAmI: { parameterTypes: {}, operationType: 1, operationName: "WhoAmI" },
  },
});
const api = new NodeWebApi(server.origin, "9.2");
api.getRequestImplementation().setAccessToken(token);
global.Xrm = XrmApi.createInstance(api);
const service = new ify.XrmContextDataverseClient(global.Xrm.WebApi);

const mark = marker("dataverse-ify");
const ids = {};
const lead = (columns) => ({ logicalName: "lead", companyname: mark, ...columns });
const list = (filter, options) => service.retrieveMultiple(`?$select=subject&$filter=companyname eq '${mark}'${filter}&$orderby=subject`, { logicalName: "lead", ...options });
const subjects = ({ entities }) => entities.map((row) => row.subject);

await scenario("dataverse-ify", [
  ["create", async () => {
    ids.account = await service.create({ logicalName: "account", name: `${mark} account` });
    ids.lead = await service.create(lead({ subject: "first", leadsourcecode: 1, parentaccountid: new ify.EntityReference("account", ids.account) }));
    assert.match(ids.lead, guid);
  }],
  ["retrieve", async () => {
    const row = await service.retrieve("lead", ids.lead, ["subject", "leadsourcecode", "parentaccountid", "createdon"]);
    assert.equal(row.subject, "first");
    assert.equal(row.leadsourcecode, 1);
    assert.equal(row.parentaccountid.id, ids.account);
    assert.ok(row.createdon instanceof Date);
  }],
  ["retrieve, all columns", async () => assert.equal((await service.retrieve("lead", ids.lead, true)).companyname, mark)],
  ["retrieve, row that is not there", () => assert.rejects(service.retrieve("lead", missing, ["subject"]), (error) => JSON.stringify(error).includes("Does Not Exist") || String(error.message).includes("Does Not Exist"))],
  ["update", async () => {
    await service.update(lead({ id: ids.lead, subject: "second" }));
    assert.equal((await service.retrieve("lead", ids.lead, ["subject"])).subject, "second");
  }],
  ["update, null clears a lookup", async () => {
    await service.update(lead({ id: ids.lead, parentaccountid: null }));
    assert.equal((await service.retrieve("lead", ids.lead, ["parentaccountid"])).parentaccountid ?? null, null);
  }],
  ["retrieveMultiple, OData", async () => assert.deepEqual(subjects(await list("")), ["second"])],
  ["retrieveMultiple, pages", async () => {
    ids.other = await service.create(lead({ subject: "another" }));
    const page = await list("", { maxPageSize: 1 });
    assert.deepEqual(subjects(page), ["another"]);
    assert.ok(page.nextLink);
  }],
  ["retrieveMultiple, FetchXML", async () => {
    const rows = await service.retrieveMultiple(`<fetch count="5"><entity name="lead"><attribute name="subject"/><order attribute="subject"/><filter><condition attribute="companyname" operator="eq" value="${mark}"/></filter></entity></fetch>`);
    assert.deepEqual(subjects(rows), ["another", "second"]);
  }],
  ["execute, function", async () => assert.match((await service.execute({ logicalName: "WhoAmI" })).UserId, guid)],
  ["execute, action", async () => {
    const parameters = { SequenceId: await sequenceForLeads(), RegardingEntityId: ids.lead, RegardingEntityName: "lead" };
    await service.execute({ logicalName: "msdyn_ConnectSequence", ...parameters });
    await service.execute({ logicalName: "msdyn_DisconnectSequence", ...parameters });
  }],
  ["execute, action that is refused", async () =>
    assert.rejects(service.execute({ logicalName: "msdyn_ConnectSequence", SequenceId: missing, RegardingEntityId: ids.lead, RegardingEntityName: "lead" }))],
  ["execute, create and delete", async () => {
    const made = await service.execute({ logicalName: "Create", target: lead({ subject: "executed" }) });
    assert.match(made.id, guid);
    await service.execute({ logicalName: "Delete", target: new ify.EntityReference("lead", made.id) });
    await assert.rejects(service.retrieve("lead", made.id, ["subject"]));
  }],
  ["executeMultiple", async () => {
    const [made] = await service.executeMultiple([
      { logicalName: "Create", target: lead({ subject: "in a batch" }) },
      { logicalName: "Update", target: lead({ id: ids.other, subject: "another in a batch" }) },
    ]);
    assert.match(made.id, guid);
    assert.deepEqual(subjects(await list(" and endswith(subject,'batch')")), ["another in a batch", "in a batch"]);
  }],
  ["executeMultiple, change set", async () => {
    const [made] = await service.executeMultiple([[
      { logicalName: "Create", target: lead({ subject: "in a set" }) },
      { logicalName: "Update", target: lead({ id: ids.other, subject: "another in a set" }) },
    ]]);
    assert.match(made.id, guid);
    assert.deepEqual(subjects(await list(" and endswith(subject,'set')")), ["another in a set", "in a set"]);
  }],
  ["executeMultiple, a change set is all or nothing", async () => {
    await service.executeMultiple([[
      { logicalName: "Create", target: lead({ subject: "half" }) },
      { logicalName: "Delete", target: new ify.EntityReference("lead", missing) },
    ]]).catch(() => {});
    assert.deepEqual(subjects(await list(" and subject eq 'half'")), []);
  }],
  ["associate and disassociate", async () => {
    const references = [new ify.EntityReference("lead", ids.lead)];
    await service.associate("account", ids.account, "lead_parent_account", references);
    assert.equal((await service.retrieve("lead", ids.lead, ["parentaccountid"])).parentaccountid.id, ids.account);
    await service.disassociate("account", ids.account, "lead_parent_account", references);
    assert.equal((await service.retrieve("lead", ids.lead, ["parentaccountid"])).parentaccountid ?? null, null);
  }],
  ["delete", async () => {
    await service.delete("lead", ids.lead);
    await assert.rejects(service.retrieve("lead", ids.lead, ["subject"]));
  }],
]);
