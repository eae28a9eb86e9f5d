// Requests as Microsoft's public samples of the Web API send them
// (https://github.com/microsoft/PowerApps-Samples, dataverse/webapi: basic operations,
// conditional operations, query data, functions and actions, batch, bulk operations,
// metadata), with the headers of their library.
import assert from "node:assert/strict";
import { api, behindGateway, guid, missing, scenario, server, token } from "./scenario.mjs";

const base = new URL(api, server).href;
const ids = {};
const sample = `(sample ${Date.now().toString(36)})`;
const annotated = { Prefer: 'odata.include-annotations="*"' };
const represented = { Prefer: "return=representation" };
const filter = (text) => `$filter=${encodeURIComponent(text)}`;

// ask sends a request as the samples' library does.
async function ask(method, path, body, headers = {}) {
  const response = await fetch(path.startsWith("http") ? path : base + path, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      Accept: "application/json",
      "If-None-Match": "null",
      "OData-Version": "4.0",
      "OData-MaxVersion": "4.0",
      ...(body === undefined ? {} : { "Content-Type": "application/json; charset=utf-8" }),
      ...headers,
    },
    body: typeof body === "string" || body === undefined ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const type = response.headers.get("Content-Type") ?? "";
  return { status: response.status, headers: response.headers, text, body: type.startsWith("application/json") && text ? JSON.parse(text) : undefined };
}

// created takes the id from the header that the samples take it from.
function created({ status, headers, text }) {
  assert.equal(status, 204, text);
  return headers.get("OData-EntityId").match(/\(([0-9a-f-]{36})\)$/)[1];
}
function is(status, answer) {
  assert.equal(answer.status, status, answer.text);
  return answer;
}
function refused(status, code, answer) {
  is(status, answer);
  assert.equal(answer.body.error.code, code, answer.text);
}
const get = async (path, headers) => is(200, await ask("GET", path, undefined, headers)).body;
const values = async (path, headers) => (await get(path, headers)).value;
const person = (firstname, jobtitle, annualincome) => ({
  firstname,
  lastname: sample,
  jobtitle,
  annualincome,
  Contact_Tasks: [{ subject: `Task for ${firstname}`, description: "to do", actualdurationminutes: 5 }],
});
const ofContoso = () => `_parentcustomerid_value eq ${ids.contoso}`;
const names = (rows) => rows.map((row) => row.fullname.split(" ")[0]);
const part = (request, body, id) =>
  `Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n${id ? `Content-ID: ${id}\r\n` : ""}\r\n${request} HTTP/1.1\r\n${body ? `Content-Type: application/json;type=entry\r\n\r\n${JSON.stringify(body)}` : ""}\r\n`;
const multipart = (boundary, parts) => parts.map((one) => `--${boundary}\r\n${one}`).join("") + `--${boundary}--\r\n`;
const batch = (parts, headers = {}) => ask("POST", "$batch", multipart("batch_b", parts), { "Content-Type": 'multipart/mixed; boundary="batch_b"', ...headers });
const changes = (parts) => `Content-Type: multipart/mixed; boundary="changeset_c"\r\n\r\n${multipart("changeset_c", parts)}`;

await scenario("Microsoft's samples", [
  // Basic operations
  ["basic: create a contact", async () => {
    ids.rafel = created(await ask("POST", "contacts", { firstname: "Rafel", lastname: sample }));
  }],
  ["basic: update it", async () => is(204, await ask("PATCH", `contacts(${ids.rafel})`, { annualincome: 80000, jobtitle: "Junior Developer" }, { "If-Match": "*" }))],
  ["basic: retrieve it", async () => {
    const row = await get(`contacts(${ids.rafel})?$select=fullname,annualincome,jobtitle,description`, annotated);
    assert.equal(row.fullname, `Rafel ${sample}`);
    assert.equal(row["annualincome@OData.Community.Display.V1.FormattedValue"], "$80,000.00");
    assert.equal(row.description, null);
  }],
  ["basic: update a property", async () => is(204, await ask("PUT", `contacts(${ids.rafel})/telephone1`, { value: "555-0105" }))],
  ["basic: retrieve a property", async () => assert.equal((await get(`contacts(${ids.rafel})/telephone1`)).value, "555-0105")],
  ["basic: a property without a value", async () => is(204, await ask("GET", `contacts(${ids.rafel})/telephone2`))],
  ["basic: create with an association", async () => {
    ids.account = created(await ask("POST", "accounts", { name: `Contoso Inc ${sample}`, telephone1: "555-5555", "primarycontactid@odata.bind": `/contacts(${ids.rafel})` }));
    const row = await get(`accounts(${ids.account})?$select=name,telephone1&$expand=primarycontactid($select=fullname,jobtitle,annualincome)`);
    assert.equal(row.primarycontactid.jobtitle, "Junior Developer");
  }],
  ["basic: create related rows", async () => {
    ids.coffee = created(await ask("POST", "accounts", { name: `Fourth Coffee ${sample}`, primarycontactid: { firstname: "Susie", lastname: sample, Contact_Tasks: [{ subject: "Sign invoice", scheduledstart: "2026-10-26T08:00:00Z", scheduledend: "2026-10-27T08:00:00Z" }] } }));
  }],
  ["basic: expand what was created", async () => {
    const row = await get(`accounts(${ids.coffee})?$select=name&$expand=primarycontactid($select=fullname,jobtitle,annualincome)`);
    ids.susie = row.primarycontactid.contactid;
    const contact = await get(`contacts(${ids.susie})?$select=fullname&$expand=Contact_Tasks($select=subject,description,scheduledstart,scheduledend)`);
    assert.deepEqual(contact.Contact_Tasks.map((task) => [task.subject, task.scheduledend]), [["Sign invoice", "2026-10-27T08:00:00Z"]]);
  }],
  ["basic: associate", async () => is(204, await ask("POST", `accounts(${ids.coffee})/contact_customer_accounts/$ref`, { "@odata.id": `${base}contacts(${ids.rafel})` }))],
  ["basic: related rows", async () => assert.deepEqual(names(await values(`accounts(${ids.coffee})/contact_customer_accounts?$select=fullname`)), ["Rafel"])],
  ["basic: references of related rows", async () => assert.equal((await values(`accounts(${ids.coffee})/contact_customer_accounts/$ref`)).length, 1)],
  ["basic: count of related rows", async () => assert.equal(is(200, await ask("GET", `accounts(${ids.coffee})/contact_customer_accounts/$count`)).text.replace("\ufeff", ""), "1")],
  ["basic: disassociate", async () => is(204, await ask("DELETE", `accounts(${ids.coffee})/contact_customer_accounts/$ref?$id=${base}contacts(${ids.rafel})`))],
  ["basic: set a lookup by reference", async () => is(204, await ask("PUT", `accounts(${ids.coffee})/primarycontactid/$ref`, { "@odata.id": `contacts(${ids.rafel})` }))],
  ["basic: clear a lookup by reference", async () => is(204, await ask("DELETE", `accounts(${ids.coffee})/primarycontactid/$ref`))],
  ["basic: delete", async () => {
    is(204, await ask("DELETE", `accounts(${ids.coffee})`));
    refused(404, "0x80040217", await ask("GET", `accounts(${ids.coffee})`));
  }],

  // Conditional operations
  ["conditional: get what is unchanged", async () => {
    const answer = is(201, await ask("POST", "accounts?$select=name,revenue,telephone1", { name: `Contoso Ltd ${sample}`, telephone1: "555-0000", revenue: 5000000 }, represented));
    Object.assign(ids, { conditional: answer.body.accountid, first: answer.body["@odata.etag"] });
    is(304, await ask("GET", `accounts(${ids.conditional})?$select=revenue`, undefined, { "If-None-Match": ids.first }));
  }],
  ["conditional: get what has changed", async () => {
    is(204, await ask("PATCH", `accounts(${ids.conditional})`, { telephone1: "555-0001" }));
    const answer = is(200, await ask("GET", `accounts(${ids.conditional})?$select=telephone1`, undefined, { "If-None-Match": ids.first }));
    ids.second = answer.body["@odata.etag"];
    assert.notEqual(ids.second, ids.first);
  }],
  ["conditional: delete by an old version", async () => refused(412, "0x80060882", await ask("DELETE", `accounts(${ids.conditional})`, undefined, { "If-Match": ids.first }))],
  ["conditional: update by an old version", async () => refused(412, "0x80060882", await ask("PATCH", `accounts(${ids.conditional})`, { telephone1: "555-0005" }, { "If-Match": ids.first }))],
  ["conditional: update by this version", async () => is(204, await ask("PATCH", `accounts(${ids.conditional})`, { telephone1: "555-0005" }, { "If-Match": ids.second }))],
  ["conditional: no update by upsert", async () => refused(412, "0x80040237", await ask("PATCH", `accounts(${ids.conditional})`, { telephone1: "1" }, { "If-None-Match": "*" }))],
  ["conditional: no create by upsert", async () => refused(404, "0x80040217", await ask("PATCH", `accounts(${missing})`, { telephone1: "1" }, { "If-Match": "*" }))],

  // Query data
  ["query: rows to query", async () => {
    ids.contoso = created(await ask("POST", "accounts", {
      name: `Contoso, Ltd. ${sample}`,
      Account_Tasks: [{ subject: "Task 1 for Contoso", actualdurationminutes: 10 }, { subject: "Task 2 for Contoso", actualdurationminutes: 10 }],
      primarycontactid: person("Yvonne", "Coffee Master", 45000),
      contact_customer_accounts: [
        person("Susanna", "Senior Purchaser", 52000), person("Nancy", "Activities Manager", 55500), person("Maria", "Accounts Manager", 31000),
        person("Scott", "Accounts Manager", 38000), person("Robert", "Senior Technician", 78000), person("Jim", "Senior International Sales Manager", 81400),
      ],
    }));
    const row = await get(`accounts(${ids.contoso})?$select=accountid&$expand=primarycontactid($select=contactid),contact_customer_accounts($select=contactid)`);
    ids.yvonne = row.primarycontactid.contactid;
    assert.equal(row.contact_customer_accounts.length, 6);
  }],
  ["query: select", async () => {
    const row = await get(`contacts(${ids.yvonne})?$select=fullname,jobtitle,annualincome`, annotated);
    assert.equal(row["annualincome@OData.Community.Display.V1.FormattedValue"], "$45,000.00");
  }],
  ["query: contains", async () => assert.equal((await values(`contacts?$select=fullname,jobtitle,annualincome&${filter(`contains(fullname,'${sample}') and ${ofContoso()}`)}`, annotated)).length, 6)],
  ["query: a function of Dataverse with aliases", async () =>
    assert.equal((await values(`contacts?$select=fullname&${filter(`Microsoft.Dynamics.CRM.LastXHours(PropertyName=@p1,PropertyValue=@p2) and ${ofContoso()}`)}&@p1='createdon'&@p2='1'`, annotated)).length, 6)],
  ["query: greater than", async () => assert.deepEqual(names(await values(`contacts?$select=fullname&${filter(`contains(fullname,'(sample') and annualincome gt 55000  and ${ofContoso()}`)}`)).sort(), ["Jim", "Nancy", "Robert"])],
  ["query: brackets", async () =>
    assert.deepEqual(names(await values(`contacts?$select=fullname&${filter(`contains(fullname,'(sample') and (contains(jobtitle, 'senior') or contains(jobtitle,'manager')) and annualincome gt 55000 and ${ofContoso()}`)}`)).sort(), ["Jim", "Nancy", "Robert"])],
  ["query: order by two columns", async () =>
    assert.deepEqual(names(await values(`contacts?$select=fullname,jobtitle,annualincome&${filter(`contains(fullname,'(sample')and ${ofContoso()}`)}&$orderby=jobtitle asc, annualincome desc`)), ["Scott", "Maria", "Nancy", "Jim", "Susanna", "Robert"])],
  ["query: aliases everywhere", async () =>
    assert.deepEqual(names(await values(`contacts?$select=fullname,jobtitle,annualincome&$filter=contains(@p1,'(sample') and @p2 eq @p3&$orderby=@p4 asc, @p5 desc&@p1=fullname&@p2=_parentcustomerid_value&@p3=${ids.contoso}&@p4=jobtitle&@p5=annualincome`, annotated)), ["Scott", "Maria", "Nancy", "Jim", "Susanna", "Robert"])],
  ["query: top", async () => assert.equal((await values(`contacts?$select=fullname&${filter(ofContoso())}&$top=5`)).length, 5)],
  ["query: count of a table", async () => assert.match(is(200, await ask("GET", "contacts/$count")).text, /^\ufeff?\d+$/)],
  ["query: count with rows", async () => {
    const answer = await get(`contacts?$select=fullname&${filter(`(contains(jobtitle,'senior') or contains(jobtitle, 'manager')) and ${ofContoso()}`)}&$count=true`, annotated);
    assert.equal(answer["@odata.count"], 6);
    assert.equal(answer["@Microsoft.Dynamics.CRM.totalrecordcount"], 6);
    assert.equal(answer["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"], false);
  }],
  ["query: pages", async () => {
    const pages = { Prefer: 'odata.include-annotations="*",odata.maxpagesize=4' };
    const first = await get(`contacts?$select=fullname&${filter(ofContoso())}&$count=true`, pages);
    assert.equal(first.value.length, 4);
    const second = await get(first["@odata.nextLink"], pages);
    assert.equal(second.value.length, 2);
    assert.equal(new Set([...names(first.value), ...names(second.value)]).size, 6);
  }],
  ["query: expand a lookup", async () => assert.equal((await get(`accounts(${ids.contoso})?$select=name&$expand=primarycontactid($select=fullname,jobtitle,annualincome)`, annotated)).primarycontactid.jobtitle, "Coffee Master")],
  ["query: expand the partner of a lookup", async () => assert.deepEqual((await get(`contacts(${ids.yvonne})?$select=fullname&$expand=account_primary_contact($select=name)`)).account_primary_contact.map((row) => row.accountid), [ids.contoso])],
  ["query: expand a collection", async () => assert.equal((await get(`accounts(${ids.contoso})?$select=name&$expand=contact_customer_accounts($select=fullname,jobtitle,annualincome)`)).contact_customer_accounts.length, 6)],
  ["query: expand several", async () => {
    const row = await get(`accounts(${ids.contoso})?$select=name&$expand=primarycontactid($select=fullname),contact_customer_accounts($select=fullname),Account_Tasks($select=subject,description)`);
    assert.equal(row.Account_Tasks.length, 2);
  }],
  ["query: expand in expand", async () => {
    const rows = await values(`tasks?$select=subject&${filter(`regardingobjectid_contact_task/_parentcustomerid_value eq ${ids.contoso}`)}&$expand=regardingobjectid_contact_task($select=fullname;$expand=parentcustomerid_account($select=name;$expand=createdby($select=fullname)))`);
    assert.equal(rows.length, 6);
    assert.equal(rows[0].regardingobjectid_contact_task.parentcustomerid_account.name, `Contoso, Ltd. ${sample}`);
    assert.equal(typeof rows[0].regardingobjectid_contact_task.parentcustomerid_account.createdby.fullname, "string");
  }],
  ["query: group and average", async () => {
    const rows = await values(`contacts?$apply=filter(${encodeURIComponent(ofContoso())})/aggregate(annualincome with average as average,annualincome with sum as total,annualincome with min as least,annualincome with max as most)`);
    assert.deepEqual([rows[0].total, rows[0].least, rows[0].most], [335900, 31000, 81400]);
  }],
  ["query: FetchXML", async () => {
    const fetchXml = `<fetch mapping="logical"><entity name="contact"><attribute name="fullname"/><attribute name="jobtitle"/><order descending="true" attribute="fullname"/><filter type="and"><condition value="%${sample}%" attribute="fullname" operator="like"/><condition attribute="parentcustomerid" operator="eq" value="${ids.contoso}"/></filter></entity></fetch>`;
    assert.deepEqual(names(await values(`contacts?fetchXml=${encodeURIComponent(fetchXml)}`)), ["Susanna", "Scott", "Robert", "Nancy", "Maria", "Jim"]);
  }],
  ["query: FetchXML with a link", async () => {
    const fetchXml = `<fetch><entity name="task"><attribute name="subject"/><link-entity name="contact" from="contactid" to="regardingobjectid" link-type="inner" alias="c"><attribute name="fullname"/><filter><condition attribute="parentcustomerid" operator="eq" value="${ids.contoso}"/></filter></link-entity></entity></fetch>`;
    const rows = await values(`tasks?fetchXml=${encodeURIComponent(fetchXml)}`);
    assert.equal(rows.length, 6);
    assert.ok(rows.every((row) => row["c.fullname"]));
  }],
  ["query: FetchXML that counts", async () => {
    const fetchXml = `<fetch aggregate="true"><entity name="contact"><attribute name="contactid" aggregate="count" alias="number"/><attribute name="jobtitle" groupby="true" alias="job"/><filter><condition attribute="parentcustomerid" operator="eq" value="${ids.contoso}"/></filter></entity></fetch>`;
    const rows = await values(`contacts?fetchXml=${encodeURIComponent(fetchXml)}`);
    assert.equal(rows.find((row) => row.job === "Accounts Manager").number, 2);
  }],
  ["query: a view that everyone has", async () => {
    const [view] = await values(`savedqueries?$select=name,savedqueryid&$filter=name eq 'Open leads without sequences'`);
    assert.ok(Array.isArray(await values(`leads?savedQuery=${view.savedqueryid}`)));
  }],
  ["query: a view of one's own", async () => {
    const view = created(await ask("POST", "userqueries", { name: `mine ${sample}`, returnedtypecode: "contact", querytype: 0, fetchxml: `<fetch><entity name="contact"><attribute name="fullname"/><filter><condition attribute="parentcustomerid" operator="eq" value="${ids.contoso}"/></filter></entity></fetch>` }));
    assert.equal((await values(`contacts?userQuery=${view}`)).length, 6);
    is(204, await ask("DELETE", `userqueries(${view})`));
  }],

  // Functions and actions
  ["functions: WhoAmI", async () => {
    const answer = is(200, await ask("GET", "WhoAmI"));
    assert.match(answer.body.UserId, guid);
    assert.equal(answer.headers.get("x-ms-dop-hint"), String(Number(answer.headers.get("x-ms-dop-hint"))));
    ids.user = answer.body.UserId;
  }],
  ["functions: RetrieveCurrentOrganization", async () => {
    const answer = await get("RetrieveCurrentOrganization(AccessType=@p1)?@p1=Microsoft.Dynamics.CRM.EndpointAccessType'Default'");
    assert.match(answer.Detail.OrganizationId, guid);
  }],
  ["functions: RetrieveVersion", async () => assert.match((await get("RetrieveVersion")).Version, /^9\.2\./)],
  ["functions: users whose names begin otherwise", async () => assert.ok((await values(`systemusers?$select=fullname&${filter("not startswith(fullname,'#')")}&$top=10`)).length > 0)],
  ["functions: without the namespace", async () => is(404, await ask("GET", `systemusers(${ids.user})/IsSystemAdmin()`))],
  ["functions: an unbound action", async () => refused(404, "0x80040217", await ask("POST", "msdyn_ConnectSequence", { SequenceId: missing, RegardingEntityId: missing, RegardingEntityName: "lead" }))],
  ["functions: a bound action", async () => {
    const lead = created(await ask("POST", "leads", { subject: "to qualify", lastname: sample }));
    const { value } = is(200, await ask("POST", `leads(${lead})/Microsoft.Dynamics.CRM.QualifyLead`, { CreateAccount: true, CreateContact: true, CreateOpportunity: true, Status: 3 })).body;
    assert.deepEqual(value.map((row) => row["@odata.type"]).sort(), ["#Microsoft.Dynamics.CRM.account", "#Microsoft.Dynamics.CRM.contact", "#Microsoft.Dynamics.CRM.opportunity"]);
    ids.opportunity = value.find((row) => row.opportunityid).opportunityid;
  }],
  ["functions: LoseOpportunity", async () => is(204, await ask("POST", "LoseOpportunity", { Status: 4, OpportunityClose: { subject: "Lost", "opportunityid@odata.bind": `/opportunities(${ids.opportunity})` } }))],
  ["functions: a parameter that is wrong", async () => refused(400, "0x80040203", await ask("POST", "msdyn_ConnectSequence", { Nothing: 1 }))],

  // Batch
  ["batch: change set", async () => {
    const answer = is(200, await batch([
      changes([part(`POST ${base}tasks`, { subject: "Task 1 in batch", "regardingobjectid_account_task@odata.bind": `accounts(${ids.contoso})` }, 1), part(`POST ${base}tasks`, { subject: "Task 2 in batch", "regardingobjectid_account_task@odata.bind": `accounts(${ids.contoso})` }, 2)]),
      part(`GET ${base}accounts(${ids.contoso})/Account_Tasks?$select=subject`),
    ]));
    assert.ok(answer.text.startsWith("--batchresponse_"), answer.text);
    assert.equal(answer.text.match(/HTTP\/1\.1 204 No Content/g)?.length, 2);
    assert.match(answer.text, /Task 2 in batch/);
  }],
  ["batch: references", async () => {
    const answer = is(200, await batch([changes([
      part(`POST ${base}contacts`, { firstname: "Bill", lastname: sample }, 1),
      part(`POST ${base}accounts`, { name: `Bill's ${sample}`, "primarycontactid@odata.bind": "$1" }, 2),
      part("PUT $1/lastname", { value: `changed ${sample}` }, 3),
      part("PATCH $2", { telephone1: "555-0123" }, 4),
    ])]));
    assert.equal(answer.text.match(/HTTP\/1\.1 204 No Content/g)?.length, 4);
  }],
  ["batch: the first that fails ends it", async () => {
    const answer = await batch([part(`GET ${base}accounts(${missing})`), part(`GET ${base}WhoAmI`)]);
    assert.equal(answer.status, 404);
    assert.doesNotMatch(answer.text, /UserId/);
  }],
  ["batch: go on after errors", async () => {
    const answer = is(200, await batch([part(`GET ${base}accounts(${missing})`), part(`GET ${base}WhoAmI`)], { Prefer: "odata.continue-on-error" }));
    assert.match(answer.text, /HTTP\/1\.1 404 Not Found/);
    assert.match(answer.text, /UserId/);
  }],

  // Bulk operations
  ["bulk: CreateMultiple", async () => {
    const target = (i) => ({ "@odata.type": "Microsoft.Dynamics.CRM.account", name: `bulk ${i} ${sample}` });
    const { Ids } = is(200, await ask("POST", "accounts/Microsoft.Dynamics.CRM.CreateMultiple", { Targets: [0, 1, 2].map(target) })).body;
    assert.equal(Ids.length, 3);
    ids.bulk = Ids;
  }],
  ["bulk: UpdateMultiple", async () => {
    is(204, await ask("POST", "accounts/Microsoft.Dynamics.CRM.UpdateMultiple", { Targets: ids.bulk.map((accountid) => ({ "@odata.type": "Microsoft.Dynamics.CRM.account", accountid, telephone1: "555-0199" })) }));
    assert.equal((await values(`accounts?$select=name&${filter(`telephone1 eq '555-0199' and startswith(name,'bulk') and endswith(name,'${sample}')`)}`)).length, 3);
  }],
  ["bulk: UpsertMultiple", async () => {
    const number = Date.now().toString(36);
    is(204, await ask("POST", "accounts/Microsoft.Dynamics.CRM.UpsertMultiple", { Targets: [{ "@odata.type": "Microsoft.Dynamics.CRM.account", "@odata.id": `accounts(accountnumber='${number}')`, name: `bulk ${sample}` }] }));
    assert.equal((await get(`accounts(accountnumber='${number}')?$select=name`)).name, `bulk ${sample}`);
  }],
  ["bulk: BulkDelete", async () => {
    const answer = is(200, await ask("POST", "BulkDelete", {
      QuerySet: [{ "@odata.type": "Microsoft.Dynamics.CRM.QueryExpression", EntityName: "account", ColumnSet: { AllColumns: false, Columns: ["accountid"] }, Criteria: { FilterOperator: "And", Conditions: [{ AttributeName: "accountid", Operator: "In", Values: ids.bulk.map((id) => ({ Value: id, Type: "System.Guid" })) }] } }],
      JobName: "sample", SendEmailNotification: false, ToRecipients: [], CCRecipients: [], RecurrencePattern: "", StartDateTime: new Date().toISOString(), RunNow: false,
    }));
    assert.match(answer.body.JobId, guid);
  }],

  // Metadata
  ["metadata: service document", async () => assert.ok((await values("")).some((one) => one.url === "leads" && one.kind === "EntitySet"))],
  ["metadata: $metadata", async () => {
    const answer = is(200, await ask("GET", "$metadata", undefined, { Accept: "application/xml" }));
    assert.match(answer.headers.get("Content-Type"), /^application\/xml/);
    assert.match(answer.text, /<EntitySet Name="leads" EntityType="Microsoft.Dynamics.CRM.lead"/);
  }],
  ["metadata: a table", async () => {
    const table = await get("EntityDefinitions(LogicalName='account')?$select=SchemaName,LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,MetadataId,IsOptimisticConcurrencyEnabled,ChangeTrackingEnabled,DisplayName");
    assert.equal(table.EntitySetName, "accounts");
    assert.equal(table.DisplayName.UserLocalizedLabel.Label, "Account");
    assert.equal(table.IsOptimisticConcurrencyEnabled, true);
    ids.table = table.MetadataId;
  }],
  ["metadata: a table by its id", async () => assert.equal((await get(`EntityDefinitions(${ids.table})?$select=LogicalName`)).LogicalName, "account")],
  ["metadata: tables by a filter", async () => assert.deepEqual((await values("EntityDefinitions?$select=LogicalName&$filter=LogicalName eq 'lead' or LogicalName eq 'opportunity'")).map((one) => one.LogicalName).sort(), ["lead", "opportunity"])],
  ["metadata: columns", async () => {
    const rows = await values("EntityDefinitions(LogicalName='account')/Attributes?$select=LogicalName,AttributeType,SchemaName,RequiredLevel");
    assert.equal(rows.find((one) => one.LogicalName === "revenue").AttributeType, "Money");
  }],
  ["metadata: a column", async () => assert.equal((await get("EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=MaxLength")).MaxLength, 160)],
  ["metadata: options of a choice", async () => {
    const column = await get("EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='leadsourcecode')/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)");
    assert.ok(column.OptionSet.Options.some((one) => one.Value === 1 && one.Label.UserLocalizedLabel.Label === "Advertisement"));
  }],
  ["metadata: states", async () => {
    const column = await get("EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='statecode')/Microsoft.Dynamics.CRM.StateAttributeMetadata?$expand=OptionSet");
    assert.deepEqual(column.OptionSet.Options.map((one) => one.Value), [0, 1, 2]);
  }],
  ["metadata: relationships", async () => {
    const rows = await values("EntityDefinitions(LogicalName='account')/OneToManyRelationships?$select=SchemaName,ReferencingEntity,ReferencingAttribute");
    assert.deepEqual(rows.find((one) => one.SchemaName === "contact_customer_accounts").ReferencingAttribute, "parentcustomerid");
    assert.ok((await values("EntityDefinitions(LogicalName='lead')/ManyToOneRelationships?$select=SchemaName")).some((one) => one.SchemaName === "lead_parent_account"));
  }],
  ["metadata: keys", async () => assert.deepEqual((await values("EntityDefinitions(LogicalName='account')/Keys?$select=KeyAttributes")).map((one) => one.KeyAttributes), [["accountnumber"]])],
  ["without a token", async () => {
    const response = await fetch(`${base}WhoAmI`);
    assert.equal(response.status, 401);
    if (!behindGateway) {
      assert.match(response.headers.get("WWW-Authenticate"), /^Bearer/);
    }
  }],
]);
