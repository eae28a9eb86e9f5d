// dynamics-web-api, https://github.com/AleksandrRogov/DynamicsWebApi, over its whole
// surface: rows, conditions, lists, references, functions, actions, batches, definitions
// of tables, and the life of a lead on a sequence.
import assert from "node:assert/strict";
import { DynamicsWebApi } from "dynamics-web-api";
import { behindGateway, eventually, guid, marker, missing, server, scenario, sequenceForLeads, token } from "./scenario.mjs";

// client has the library's own defaults but one: errors are not swallowed.
function client(options = {}) {
  return new DynamicsWebApi({
    serverUrl: server.href,
    dataApi: { version: "9.2" },
    onTokenRefresh: async () => token,
    propagateErrors: true,
    ...options,
  });
}

const web = client();
const mark = marker("dynamics-web-api");
const number = mark.split(" ")[1]; // an account number has 20 characters at most
const draft = {
  subject: "Sixty coffee machines – now",
  firstname: "Zoë",
  lastname: "O'Example",
  companyname: mark,
  emailaddress1: "zoe@example.com",
  revenue: 1250000.5,
};
const ids = {}; // of rows that steps made, for those that come after
let etag;

const targets = async () => {
  const { value } = await web.retrieveMultiple({
    collection: "msdyn_sequencetargets",
    select: ["statecode", "statuscode", "_msdyn_target_value", "_msdyn_parentsequence_value"],
    filter: `_msdyn_target_value eq ${ids.lead}`,
  });
  return value;
};

// subjects returns the topics of leads of this scenario that a list has.
const subjects = ({ value }) => value.map((row) => row.subject);
const mine = (filter) => `companyname eq '${mark}' and (${filter})`;
const leads = (request) => web.retrieveMultiple({ collection: "leads", select: ["subject"], ...request });

await scenario("dynamics-web-api", [
  ["WhoAmI", async () => {
    const who = await web.callFunction("WhoAmI");
    assert.match(who.UserId, guid);
    assert.match(who.BusinessUnitId, guid);
    assert.match(who.OrganizationId, guid);
    ids.user = who.UserId;
  }],
  ["create", async () => {
    ids.account = await web.create({ collection: "accounts", data: { name: `${mark} account`, revenue: 100 } });
    ids.lead = await web.create({
      collection: "leads",
      data: { ...draft, "parentaccountid@odata.bind": `/accounts(${ids.account})` },
    });
    assert.match(ids.lead, guid);
  }],
  ["create with an id of one's own", async () => {
    ids.own = crypto.randomUUID();
    const id = await web.create({ collection: "leads", data: { leadid: ids.own, subject: "own", companyname: mark } });
    assert.equal(id, ids.own);
  }],
  ["create twice with one id is refused", () =>
    assert.rejects(web.create({ collection: "leads", data: { leadid: ids.own, subject: "again" } }), { status: 412, code: "0x80040237" })],
  ["create, representation", async () => {
    const row = await web.create({
      collection: "leads",
      data: { subject: "second", companyname: mark, leadsourcecode: 1 },
      returnRepresentation: true,
      select: ["subject", "createdon"],
      includeAnnotations: "*",
      duplicateDetection: true,
    });
    assert.equal(row.subject, "second");
    assert.ok(row.createdon instanceof Date);
    ids.second = row.leadid;
  }],
  ["create, deep", async () => {
    ids.deep = await web.create({
      collection: "accounts",
      data: { name: `${mark} deep`, primarycontactid: { lastname: "Inside" }, Account_Tasks: [{ subject: "one" }, { subject: "two" }] },
    });
    const account = await web.retrieve({
      collection: "accounts",
      key: ids.deep,
      select: ["name"],
      expand: [{ property: "primarycontactid", select: ["lastname"] }, { property: "Account_Tasks", select: ["subject"] }],
    });
    assert.equal(account.primarycontactid.lastname, "Inside");
    assert.deepEqual(account.Account_Tasks.map((task) => task.subject).sort(), ["one", "two"]);
  }],
  ["create, unknown column", () =>
    assert.rejects(web.create({ collection: "leads", data: { subject: "x", nosuch: 1 } }), { status: 400, code: "0x80048d19" })],
  ["create, unknown set", () =>
    assert.rejects(web.create({ collection: "nosuchs", data: { subject: "x" } }), { status: 404, code: "0x80060888" })],
  ["retrieve", async () => {
    const row = await web.retrieve({ collection: "leads", key: ids.lead, select: [...Object.keys(draft), "statecode", "createdon"] });
    const { "@odata.etag": tag, "@odata.context": context, oDataContext, createdon, ...columns } = row;
    etag = tag;
    assert.deepEqual(columns, { ...draft, _transactioncurrencyid_value: null, leadid: ids.lead, statecode: 0 });
    assert.match(tag, /^W\/"\d+"$/);
    assert.ok(context.startsWith(`${server.href}api/data/v9.2/$metadata#leads(`), context);
    assert.ok(createdon instanceof Date);
  }],
  ["retrieve, all columns", async () => {
    const row = await web.retrieve({ collection: "leads", key: ids.lead });
    assert.equal(row.fax, null);
    assert.equal(row._parentaccountid_value, ids.account);
  }],
  ["retrieve, expand", async () => {
    const row = await web.retrieve({
      collection: "leads",
      key: ids.lead,
      select: ["subject", "_ownerid_value"],
      expand: [{ property: "parentaccountid", select: ["name", "revenue"] }],
      includeAnnotations: "OData.Community.Display.V1.FormattedValue",
    });
    assert.equal(row.parentaccountid.name, `${mark} account`);
    assert.equal(typeof row._ownerid_value_Formatted, "string");
  }],
  ["retrieve, annotations", async () => {
    const row = await web.retrieve({ collection: "leads", key: ids.lead, select: ["statecode", "_parentaccountid_value", "revenue"], includeAnnotations: "*" });
    assert.equal(row.statecode_Formatted, "Open");
    assert.equal(row._parentaccountid_value_Formatted, `${mark} account`);
    assert.equal(row._parentaccountid_value_LogicalName, "account");
    assert.equal(row._parentaccountid_value_NavigationProperty, "parentaccountid");
    assert.match(row.revenue_Formatted, /1,250,000\.50/);
  }],
  ["retrieve, alternate key", async () => {
    await web.update({ collection: "accounts", key: ids.account, data: { accountnumber: number } });
    const row = await web.retrieve({ collection: "accounts", key: `accountnumber='${number}'`, select: ["name"] });
    assert.equal(row.accountid, ids.account);
  }],
  ["retrieve, key that is none", () =>
    assert.rejects(web.retrieve({ collection: "contacts", key: "fax='1'", select: ["fullname"] }), { status: 400, code: "0x80060890" })],
  ["retrieve, row that is not there", () =>
    assert.rejects(web.retrieve({ collection: "leads", key: missing, select: ["subject"] }), { status: 404, code: "0x80040217" })],
  ["retrieve, If-None-Match", async () => {
    const same = await web.retrieve({ collection: "leads", key: ids.lead, select: ["subject"], ifnonematch: etag });
    assert.equal(same?.subject, undefined, "304 has no body");
  }],
  ["retrieve, owner as a reference", async () => {
    const reference = await web.retrieve({ collection: "leads", key: ids.lead, select: ["ownerid/$ref"] });
    assert.ok(JSON.stringify(reference).includes(ids.user), JSON.stringify(reference));
  }],
  ["retrieve, through a lookup", async () => {
    const row = await web.retrieve({ collection: "leads", key: ids.lead, navigationProperty: "parentaccountid", select: ["name"] });
    assert.equal(row.name, `${mark} account`);
  }],
  ["update", async () => {
    await web.update({ collection: "leads", key: ids.lead, data: { subject: "Seventy" } });
    const row = await web.retrieve({ collection: "leads", key: ids.lead, select: ["subject", "companyname"] });
    assert.equal(row.subject, "Seventy");
    assert.equal(row.companyname, mark);
    assert.notEqual(row["@odata.etag"], etag);
  }],
  ["update, old version", () =>
    assert.rejects(web.update({ collection: "leads", key: ids.lead, ifmatch: etag, data: { subject: "Eighty" } }), { status: 412, code: "0x80060882" })],
  ["update, this version, representation", async () => {
    const { "@odata.etag": current } = await web.retrieve({ collection: "leads", key: ids.lead, select: ["subject"] });
    const row = await web.update({ collection: "leads", key: ids.lead, ifmatch: current, data: { subject: "Eighty" }, returnRepresentation: true, select: ["subject"] });
    assert.equal(row.subject, "Eighty");
  }],
  ["update, row that is not there", () =>
    assert.rejects(web.update({ collection: "leads", key: missing, data: { subject: "x" } }), { status: 404, code: "0x80040217" })],
  ["update, null clears", async () => {
    await web.update({ collection: "leads", key: ids.lead, data: { emailaddress1: null, "parentaccountid@odata.bind": null } });
    const row = await web.retrieve({ collection: "leads", key: ids.lead, select: ["emailaddress1", "_parentaccountid_value"] });
    assert.equal(row.emailaddress1, null);
    assert.equal(row._parentaccountid_value, null);
  }],
  ["updateSingleProperty", async () => {
    await web.updateSingleProperty({ collection: "leads", key: ids.lead, fieldValuePair: { subject: "Ninety" } });
    const row = await web.retrieve({ collection: "leads", key: ids.lead, select: ["subject"] });
    assert.equal(row.subject, "Ninety");
  }],
  ["deleteRecord, one property", async () => {
    await web.deleteRecord({ collection: "leads", key: ids.lead, property: "subject" });
    const row = await web.retrieve({ collection: "leads", key: ids.lead, select: ["subject"] });
    assert.equal(row.subject, null);
  }],
  ["upsert changes", async () => {
    await web.upsert({ collection: "leads", key: ids.lead, data: { subject: "V" } });
    const row = await web.retrieve({ collection: "leads", key: ids.lead, select: ["subject"] });
    assert.equal(row.subject, "V");
  }],
  ["upsert creates", async () => {
    ids.upserted = crypto.randomUUID();
    await web.upsert({ collection: "leads", key: ids.upserted, data: { subject: "upserted", companyname: mark } });
    const row = await web.retrieve({ collection: "leads", key: ids.upserted, select: ["subject"] });
    assert.equal(row.subject, "upserted");
  }],
  ["upsert, representation", async () => {
    const row = await web.upsert({ collection: "leads", key: ids.upserted, data: { subject: "third" }, returnRepresentation: true, select: ["subject"] });
    assert.equal(row.subject, "third");
  }],
  ["upsert, If-None-Match", () =>
    assert.rejects(web.upsert({ collection: "leads", key: ids.upserted, data: { subject: "x" }, ifnonematch: "*" }), { status: 412, code: "0x80040237" })],
  ["upsert, If-Match", () =>
    assert.rejects(web.upsert({ collection: "leads", key: missing, data: { subject: "x" }, ifmatch: "*" }), { status: 404 })],
  ["upsert, alternate key creates", async () => {
    await web.upsert({ collection: "accounts", key: `accountnumber='${number} new'`, data: { name: "by number" } });
    const row = await web.retrieve({ collection: "accounts", key: `accountnumber='${number} new'`, select: ["name", "accountnumber"] });
    assert.equal(row.accountnumber, `${number} new`);
    ids.numbered = row.accountid;
  }],
  ["upsert, alternate key changes", async () => {
    await web.upsert({ collection: "accounts", key: `accountnumber='${number} new'`, data: { name: "renamed" } });
    const row = await web.retrieve({ collection: "accounts", key: ids.numbered, select: ["name"] });
    assert.equal(row.name, "renamed");
  }],
  ["create, alternate key that is taken", () =>
    assert.rejects(web.create({ collection: "accounts", data: { name: "x", accountnumber: number } }), { status: 412, code: "0x80060892" })],

  ["retrieveMultiple", async () => {
    const list = await leads({ filter: `companyname eq '${mark}'` });
    assert.deepEqual(subjects(list).sort(), ["V", "own", "second", "third"]);
  }],
  ["retrieveMultiple, order", async () => {
    const up = await leads({ filter: `companyname eq '${mark}'`, orderBy: ["subject"] });
    const down = await leads({ filter: `companyname eq '${mark}'`, orderBy: ["subject desc"] });
    assert.deepEqual(subjects(up), subjects(down).reverse());
    assert.deepEqual(subjects(up), ["own", "second", "third", "V"]);
  }],
  ["retrieveMultiple, count and top", async () => {
    const list = await leads({ filter: `companyname eq '${mark}'`, orderBy: ["createdon desc", "subject"], count: true, top: 2 });
    assert.equal(list.oDataCount, 4);
    assert.equal(list.value.length, 2);
    assert.equal(list.oDataNextLink, undefined);
  }],
  ["retrieveMultiple, or", async () => assert.deepEqual(subjects(await leads({ filter: mine("subject eq 'own' or subject eq 'SECOND'"), orderBy: ["subject"] })), ["own", "second"])],
  ["retrieveMultiple, not", async () => assert.deepEqual(subjects(await leads({ filter: mine("not (subject eq 'own')"), orderBy: ["subject"] })), ["second", "third", "V"])],
  ["retrieveMultiple, ne", async () => assert.deepEqual(subjects(await leads({ filter: mine("leadsourcecode ne 1"), orderBy: ["subject"] })), ["own", "third", "V"])],
  ["retrieveMultiple, gt and le", async () => assert.deepEqual(subjects(await leads({ filter: mine("revenue gt 1250000 and revenue le 1250000.5") })), ["V"])],
  ["retrieveMultiple, null", async () => assert.equal((await leads({ filter: mine("revenue eq null") })).value.length, 3)],
  ["retrieveMultiple, contains", async () => assert.deepEqual(subjects(await leads({ filter: mine("contains(subject,'eco')") })), ["second"])],
  ["retrieveMultiple, startswith and endswith", async () => assert.deepEqual(subjects(await leads({ filter: mine("startswith(subject,'o') or endswith(subject,'ird')"), orderBy: ["subject"] })), ["own", "third"])],
  ["retrieveMultiple, date", async () => assert.equal((await leads({ filter: mine(`createdon ge ${new Date(Date.now() - 86400000).toISOString()}`) })).value.length, 4)],
  ["retrieveMultiple, owner", async () => assert.equal((await leads({ filter: mine(`_ownerid_value eq ${ids.user}`) })).value.length, 4)],
  ["retrieveMultiple, quote", async () => assert.equal((await leads({ filter: mine("lastname eq 'O''Example'") })).value.length, 1)],
  ["retrieveMultiple, & and + in text", async () => {
    await web.update({ collection: "leads", key: ids.own, data: { subject: "a & b + c" } });
    assert.deepEqual(subjects(await leads({ filter: mine("subject eq 'a & b + c'") })), ["a & b + c"]);
    await web.update({ collection: "leads", key: ids.own, data: { subject: "own" } });
  }],
  ["retrieveMultiple, path through a lookup", async () => {
    await web.update({ collection: "leads", key: ids.own, data: { "parentaccountid@odata.bind": `accounts(${ids.account})` } });
    assert.deepEqual(subjects(await leads({ filter: `parentaccountid/name eq '${mark} account'` })), ["own"]);
  }],
  ["retrieveMultiple, any", async () => {
    const list = await web.retrieveMultiple({ collection: "accounts", select: ["name"], filter: `startswith(name,'${mark}') and lead_parent_account/any(l:l/subject eq 'own')` });
    assert.deepEqual(list.value.map((row) => row.accountid), [ids.account]);
  }],
  ["retrieveMultiple, all", async () => {
    const list = await web.retrieveMultiple({ collection: "accounts", select: ["name"], filter: `startswith(name,'${mark}') and lead_parent_account/all(l:l/subject eq 'other')`, orderBy: ["name"] });
    assert.deepEqual(list.value.map((row) => row.accountid), [ids.deep]);
  }],
  ["retrieveMultiple, In with aliases", async () => {
    const list = await web.retrieveMultiple({
      collection: "leads",
      select: ["subject"],
      filter: `companyname eq '${mark}' and Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)`,
      queryParams: ["@p1='subject'", '@p2=["own","second"]'],
      orderBy: ["subject"],
    });
    assert.deepEqual(subjects(list), ["own", "second"]);
  }],
  ["retrieveMultiple, Between", async () => assert.deepEqual(subjects(await leads({ filter: mine("Microsoft.Dynamics.CRM.Between(PropertyName='revenue',PropertyValues=[\"1\",\"2000000\"])") })), ["V"])],
  ["retrieveMultiple, LastXHours", async () => assert.equal((await leads({ filter: mine("Microsoft.Dynamics.CRM.LastXHours(PropertyName='createdon',PropertyValue=2)") })).value.length, 4)],
  ["retrieveMultiple, EqualUserId", async () => assert.equal((await leads({ filter: mine("Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')") })).value.length, 4)],
  ["retrieveMultiple, expand", async () => {
    const list = await leads({ filter: mine("subject eq 'own'"), expand: [{ property: "parentaccountid", select: ["name"] }] });
    assert.equal(list.value[0].parentaccountid.name, `${mark} account`);
  }],
  ["retrieveMultiple, expand a collection", async () => {
    const list = await web.retrieveMultiple({
      collection: "accounts",
      select: ["name"],
      filter: `accountid eq ${ids.account}`,
      expand: [{ property: "lead_parent_account", select: ["subject"], filter: "statecode eq 0", orderBy: ["subject"], top: 1 }],
    });
    assert.deepEqual(list.value[0].lead_parent_account.map((row) => row.subject), ["own"]);
  }],
  ["retrieveMultiple, pages", async () => {
    const first = await leads({ filter: `companyname eq '${mark}'`, orderBy: ["subject"], maxPageSize: 3 });
    assert.deepEqual(subjects(first), ["own", "second", "third"]);
    const second = await web.retrieveMultiple({ collection: "leads", select: ["subject"], maxPageSize: 3 }, first.oDataNextLink);
    assert.deepEqual(subjects(second), ["V"]);
    assert.equal(second.oDataNextLink, undefined);
  }],
  ["retrieveAll", async () => {
    const list = await web.retrieveAll({ collection: "leads", select: ["subject"], filter: `companyname eq '${mark}'`, maxPageSize: 1 });
    assert.deepEqual(subjects(list).sort(), ["V", "own", "second", "third"]);
  }],
  ["retrieveMultiple, bad filter", () => assert.rejects(leads({ filter: "subject eq" }), { status: 400, code: "0x80060888" })],
  ["retrieveMultiple, unknown column", () => assert.rejects(leads({ filter: "nosuch eq 1" }), { status: 400, code: "0x80060888" })],
  ["retrieveMultiple, unknown order", () => assert.rejects(leads({ orderBy: ["nosuch"] }), { status: 400, code: "0x80060888" })],
  ["retrieveMultiple, apply", async () => {
    const list = await web.retrieveMultiple({ collection: "leads", apply: `filter(companyname eq '${mark}')/groupby((statuscode),aggregate($count as count))` });
    assert.deepEqual(list.value.map(({ statuscode, count }) => ({ statuscode, count })), [{ statuscode: 1, count: 4 }]);
  }],
  ["retrieveMultiple, long filter by batch", async () => {
    const names = Array.from({ length: 60 }, (_, i) => `subject eq 'a long text that is not there, number ${i}'`).join(" or ");
    assert.deepEqual(subjects(await leads({ filter: mine(`${names} or subject eq 'own'`) })), ["own"]);
  }],
  ["count", async () => assert.ok((await web.count({ collection: "leads" })) >= 4)],
  ["count, filter", async () => assert.equal(await web.count({ collection: "leads", filter: `companyname eq '${mark}'` }), 4)],
  ["countAll", async () => assert.equal(await web.countAll({ collection: "leads", filter: `companyname eq '${mark}'` }), 4)],
  ["change tracking", async () => {
    const id = await web.create({ collection: "opportunities", data: { name: mark } });
    const first = await web.retrieveMultiple({ collection: "opportunities", select: ["name"], trackChanges: true });
    assert.ok(first.oDataDeltaLink);
    await web.update({ collection: "opportunities", key: id, data: { name: "tracked" } });
    const changed = ({ value }) => value.some((row) => row.opportunityid === id && row.name === "tracked");
    const delta = await eventually(() => web.retrieveMultiple({ collection: "opportunities" }, first.oDataDeltaLink), changed);
    assert.ok(changed(delta));
    await web.deleteRecord({ collection: "opportunities", key: id });
  }],
  ["fetch", async () => {
    const list = await web.fetch({ collection: "leads", fetchXml: `<fetch><entity name="lead"><attribute name="subject"/><order attribute="subject"/><filter><condition attribute="companyname" operator="eq" value="${mark}"/></filter></entity></fetch>` });
    assert.deepEqual(subjects(list), ["own", "second", "third", "V"]);
  }],
  ["fetchAll", async () => {
    const list = await web.fetchAll({ collection: "leads", fetchXml: `<fetch count="3"><entity name="lead"><attribute name="subject"/><order attribute="subject"/><filter><condition attribute="companyname" operator="eq" value="${mark}"/></filter></entity></fetch>` });
    assert.deepEqual(subjects(list), ["own", "second", "third", "V"]);
  }],

  ["associate", async () => {
    await web.associate({ collection: "accounts", primaryKey: ids.account, relationshipName: "lead_parent_account", relatedCollection: "leads", relatedKey: ids.second });
    const row = await web.retrieve({ collection: "leads", key: ids.second, select: ["_parentaccountid_value"] });
    assert.equal(row._parentaccountid_value, ids.account);
  }],
  ["disassociate", async () => {
    await web.disassociate({ collection: "accounts", primaryKey: ids.account, relationshipName: "lead_parent_account", relatedKey: ids.second });
    const row = await web.retrieve({ collection: "leads", key: ids.second, select: ["_parentaccountid_value"] });
    assert.equal(row._parentaccountid_value, null);
  }],
  ["associateSingleValued", async () => {
    await web.associateSingleValued({ collection: "leads", primaryKey: ids.second, navigationProperty: "parentaccountid", relatedCollection: "accounts", relatedKey: ids.account });
    const row = await web.retrieve({ collection: "leads", key: ids.second, select: ["_parentaccountid_value"] });
    assert.equal(row._parentaccountid_value, ids.account);
  }],
  ["disassociateSingleValued", async () => {
    await web.disassociateSingleValued({ collection: "leads", primaryKey: ids.second, navigationProperty: "parentaccountid" });
    const row = await web.retrieve({ collection: "leads", key: ids.second, select: ["_parentaccountid_value"] });
    assert.equal(row._parentaccountid_value, null);
  }],

  ["msdyn_ConnectSequence", async () => {
    ids.sequence = await sequenceForLeads();
    await web.callAction({ actionName: "msdyn_ConnectSequence", action: { SequenceId: ids.sequence.toUpperCase(), RegardingEntityId: ids.lead, RegardingEntityName: "lead" } });
    const [target, ...others] = await eventually(targets, (list) => list.length > 0);
    assert.deepEqual(others, []);
    assert.equal(target._msdyn_target_value, ids.lead);
    assert.equal(target._msdyn_parentsequence_value, ids.sequence);
    assert.equal(target.statecode, 0);
  }],
  ["msdyn_ConnectSequence, once more changes nothing", async () => {
    await web.callAction({ actionName: "msdyn_ConnectSequence", action: { SequenceId: ids.sequence, RegardingEntityId: ids.lead, RegardingEntityName: "lead" } });
    assert.equal((await targets()).length, 1);
  }],
  ["msdyn_DisconnectSequence", async () => {
    await web.callAction({ actionName: "msdyn_DisconnectSequence", action: { SequenceId: ids.sequence, RegardingEntityId: ids.lead, RegardingEntityName: "lead" } });
    const [target] = await eventually(targets, ([row]) => row?.statecode === 1);
    assert.equal(target.statuscode, 5);
  }],
  ["action with a parameter left out", () =>
    assert.rejects(web.callAction({ actionName: "msdyn_ConnectSequence", action: { RegardingEntityName: "lead" } }), { status: 400, code: "0x80040203" })],
  ["action that is not there", () => assert.rejects(web.callAction({ actionName: "msdyn_Nothing" }), { status: 404, code: "0x80060888" })],
  ["QualifyLead", async () => {
    const made = await web.callAction({
      collection: "leads",
      key: ids.second,
      actionName: "Microsoft.Dynamics.CRM.QualifyLead",
      action: { CreateAccount: false, CreateContact: false, CreateOpportunity: true, Status: 3 },
    });
    ids.opportunity = made.value[0].opportunityid;
    const row = await web.retrieve({ collection: "opportunities", key: ids.opportunity, select: ["_originatingleadid_value"] });
    assert.equal(row._originatingleadid_value, ids.second);
  }],
  ["WinOpportunity", async () => {
    await web.callAction({
      actionName: "WinOpportunity",
      action: { Status: 3, OpportunityClose: { subject: "Won", "opportunityid@odata.bind": `/opportunities(${ids.opportunity})` } },
    });
    const row = await web.retrieve({ collection: "opportunities", key: ids.opportunity, select: ["statecode"] });
    assert.equal(row.statecode, 1);
  }],
  ["LoseOpportunity", async () => {
    const id = await web.create({ collection: "opportunities", data: { name: mark } });
    await web.callAction({ actionName: "LoseOpportunity", action: { Status: 4, OpportunityClose: { subject: "Lost", "opportunityid@odata.bind": `/opportunities(${id})` } } });
    const row = await web.retrieve({ collection: "opportunities", key: id, select: ["statecode"] });
    assert.equal(row.statecode, 2);
  }],
  ["function with parameters", async () => {
    const version = await web.callFunction({ functionName: "RetrieveVersion" });
    assert.match(version.Version, /^\d+(\.\d+)+$/);
    const organization = await web.callFunction({ functionName: "RetrieveCurrentOrganization", parameters: { AccessType: "Microsoft.Dynamics.CRM.EndpointAccessType'Default'" } });
    assert.match(organization.Detail.OrganizationId, guid);
  }],
  ["function that is not there", () => assert.rejects(web.callFunction("WhoAreYou"), { status: 404, code: "0x80060888" })],
  ["impersonation of oneself", async () => {
    const row = await web.retrieve({ collection: "leads", key: ids.lead, select: ["subject"], impersonate: ids.user, noCache: true, tag: "my tag", headers: { "x-own": "1" } });
    assert.equal(row.subject, "V");
  }],
  ["impersonation of nobody", () =>
    assert.rejects(web.retrieve({ collection: "leads", key: ids.lead, select: ["subject"], impersonate: missing }), { status: 403 })],

  ["batch", async () => {
    web.startBatch();
    web.create({ collection: "leads", data: { subject: "B1", companyname: `${mark} batch` } });
    web.deleteRecord({ collection: "leads", key: ids.own });
    web.retrieveMultiple({ collection: "leads", select: ["subject"], filter: `companyname eq '${mark} batch'`, top: 1, orderBy: ["createdon desc"] });
    const [id, , list] = await web.executeBatch();
    assert.match(id, guid);
    assert.equal(list.value[0].leadid, id);
    ids.batched = id;
  }],
  ["batch, reference in a change set", async () => {
    web.startBatch();
    web.create({ collection: "accounts", data: { name: `${mark} parent` }, contentId: "1" });
    web.create({ collection: "contacts", data: { lastname: "Child", "parentcustomerid_account@odata.bind": "$1" } });
    const [account, contact] = await web.executeBatch();
    const row = await web.retrieve({ collection: "contacts", key: contact, select: ["_parentcustomerid_value"] });
    assert.equal(row._parentcustomerid_value, account);
  }],
  ["batch, a change set is all or nothing", async () => {
    web.startBatch();
    web.create({ collection: "leads", data: { subject: "half", companyname: `${mark} half` } });
    web.update({ collection: "leads", key: missing, data: { subject: "x" } });
    await assert.rejects(web.executeBatch());
    assert.equal(await web.count({ collection: "leads", filter: `companyname eq '${mark} half'` }), 0);
  }],
  ["batch, continue on error", async () => {
    web.startBatch();
    web.retrieve({ collection: "leads", key: missing, select: ["subject"] });
    web.retrieve({ collection: "leads", key: ids.lead, select: ["subject"] });
    const answers = await web.executeBatch({ continueOnError: true });
    assert.equal(answers[0].status ?? answers[0].error?.status ?? answers[0].statusCode, 404);
    assert.equal(answers[1].subject, "V");
  }],
  ["batch, outside a change set", async () => {
    web.startBatch();
    web.update({ collection: "leads", key: ids.lead, data: { subject: "alone" }, inChangeSet: false });
    web.retrieve({ collection: "leads", key: ids.lead, select: ["subject"] });
    const [, row] = await web.executeBatch();
    assert.equal(row.subject, "alone");
  }],

  ["names of tables by themselves", async () => {
    const named = client({ useEntityNames: true });
    const row = await named.retrieve({ collection: "lead", key: ids.lead, select: ["subject"] });
    assert.equal(row.subject, "alone");
  }],
  ["retrieveEntities", async () => {
    const { value } = await web.retrieveEntities({ select: ["LogicalName", "EntitySetName"], filter: "LogicalName eq 'lead'" });
    assert.deepEqual(value.map(({ LogicalName, EntitySetName }) => [LogicalName, EntitySetName]), [["lead", "leads"]]);
    ids.table = value[0].MetadataId;
  }],
  ["retrieveEntity", async () => {
    const table = await web.retrieveEntity({ key: "LogicalName='lead'", select: ["LogicalName"], expand: [{ property: "Attributes", select: ["LogicalName"] }] });
    assert.ok(table.Attributes.some((column) => column.LogicalName === "subject"));
  }],
  ["retrieveAttributes", async () => {
    const { value } = await web.retrieveAttributes({ entityKey: "LogicalName='lead'", select: ["LogicalName", "AttributeType"] });
    assert.equal(value.find((column) => column.LogicalName === "leadsourcecode").AttributeType, "Picklist");
  }],
  ["retrieveAttribute, options", async () => {
    const column = await web.retrieveAttribute({
      entityKey: "LogicalName='lead'",
      attributeKey: "LogicalName='leadsourcecode'",
      castType: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
      select: ["LogicalName"],
      expand: [{ property: "OptionSet", select: ["Options"] }],
    });
    assert.ok(column.OptionSet.Options.some((option) => option.Value === 1));
  }],
  ["retrieveRelationships", async () => {
    const { value } = await web.retrieveRelationships({ castType: "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata", select: ["SchemaName", "ReferencingEntity"] });
    assert.ok(value.some((one) => one.SchemaName === "lead_parent_account" && one.ReferencingEntity === "lead"));
  }],
  ["retrieveRelationship", async () => {
    const one = await web.retrieveRelationship({ key: "SchemaName='Lead_Tasks'" });
    assert.equal(one.ReferencingEntity, "task");
  }],
  ["retrieveGlobalOptionSets", async () => {
    const { value } = await web.retrieveGlobalOptionSets();
    assert.ok(value.some((one) => one.Name === "rating"));
  }],
  ["retrieveGlobalOptionSet", async () => {
    const rating = await web.retrieveGlobalOptionSet({ key: "Name='rating'" });
    assert.deepEqual(rating.Options.map((option) => option.Label.UserLocalizedLabel.Label), ["Hot", "Warm", "Cold"]);
  }],
  ["retrieveCsdlMetadata", async () => {
    const text = await web.retrieveCsdlMetadata();
    assert.match(text, /<EntityType Name="lead"/);
    assert.match(await web.retrieveCsdlMetadata({ addAnnotations: true }), /<Annotation /);
  }],

  ["a token that is none", () => {
    // A gateway answers it before Segue does, and knows no codes of Dataverse.
    const code = behindGateway ? {} : { code: /^0x[0-9a-f]{8}$/ };
    return assert.rejects(client({ onTokenRefresh: async () => "none" }).callFunction("WhoAmI"), { status: 401, ...code });
  }],
  ["deleteRecord, old version", () => assert.rejects(web.deleteRecord({ collection: "leads", key: ids.lead, ifmatch: etag }), { status: 412, code: "0x80060882" })],
  ["deleteRecord", async () => {
    for (const [collection, id] of [["leads", ids.lead], ["leads", ids.batched], ["accounts", ids.numbered]]) {
      await web.deleteRecord({ collection, key: id });
      await assert.rejects(web.retrieve({ collection, key: id, select: ["createdon"] }), { status: 404, code: "0x80040217" });
    }
  }],
]);
