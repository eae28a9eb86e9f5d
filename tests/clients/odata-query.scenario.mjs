// odata-query, https://github.com/techniq/odata-query: it makes the text of a query and
// leaves sending it to others.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { api, marker, scenario, send, server, token } from "./scenario.mjs";

const { default: query, guid } = createRequire(import.meta.url)("odata-query");
const mark = marker("odata-query");
const ids = {};

// ask sends a query; it returns the status and the body.
async function ask(set, options) {
  const path = api + set + query(options);
  const response = await fetch(new URL(path, server), { headers: { Authorization: `Bearer ${token}` } });
  const body = await response.text();
  return { status: response.status, body: body.startsWith("{") ? JSON.parse(body) : body };
}

// finds has a step ask for leads of this scenario, and compares their topics.
const finds = (name, filter, topics, options = {}) => [name, async () => {
  const { status, body } = await ask("leads", { select: ["subject"], filter: [{ companyname: mark }, filter], orderBy: "subject", ...options });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body.value.map((row) => row.subject), topics);
}];

const refuses = (name, options, code) => [name, async () => {
  const { status, body } = await ask("leads", options);
  assert.equal(status, 400, JSON.stringify(body));
  assert.equal(body.error.code, code);
}];

await scenario("odata-query", [
  ["rows to begin with", async () => {
    ids.account = (await send("POST", "accounts", { name: `${mark} account` })).accountid;
    ids.b = (await send("POST", "leads", { subject: "bee", companyname: mark, revenue: 20, leadsourcecode: 1, "parentaccountid@odata.bind": `/accounts(${ids.account})` })).leadid;
    await send("POST", "leads", { subject: "O'B", companyname: mark, revenue: 30, donotemail: true });
    await send("POST", "tasks", { subject: "call", "regardingobjectid_lead_task@odata.bind": `/leads(${ids.b})` });
  }],
  finds("equal", { subject: "bee" }, ["bee"]),
  finds("apostrophe", { subject: "O'B" }, ["O'B"]),
  finds("null", { leadsourcecode: null }, ["O'B"]),
  finds("not null", { leadsourcecode: { ne: null } }, ["bee"]),
  finds("ne", { subject: { ne: "bee" } }, ["O'B"]),
  finds("gt and lt", { revenue: { gt: 10, lt: 25 } }, ["bee"]),
  finds("ge and le", { revenue: { ge: 20, le: 30 } }, ["bee", "O'B"]),
  finds("in", { leadsourcecode: { in: [1, 2] } }, ["bee"]),
  finds("in, guids", { leadid: { in: [guid("00000000-0000-4000-8000-000000000001")] } }, []),
  finds("or", { or: [{ subject: "bee" }, { subject: "O'B" }] }, ["bee", "O'B"]),
  finds("and in or", { or: [{ and: [{ subject: "bee" }, { revenue: 21 }] }, { donotemail: true }] }, ["O'B"]),
  finds("not", { not: { subject: "bee" } }, ["O'B"]),
  finds("contains", { subject: { contains: "E" } }, ["bee"]),
  finds("startswith", { subject: { startswith: "o'" } }, ["O'B"]),
  finds("endswith", { subject: { endswith: "ee" } }, ["bee"]),
  finds("date", { createdon: { ge: new Date(Date.now() - 86400000) } }, ["bee", "O'B"]),
  ["guid", async () => {
    const { body } = await ask("leads", { filter: { leadid: { eq: guid(ids.b) } } });
    assert.deepEqual(body.value.map((row) => row.leadid), [ids.b]);
  }],
  finds("path", { parentaccountid: { name: `${mark} account` } }, ["bee"]),
  finds("any", { Lead_Tasks: { any: { subject: "call" } } }, ["bee"]),
  finds("all", { Lead_Tasks: { all: { subject: "mail" } } }, ["O'B"]),
  finds("top", {}, ["bee"], { top: 1 }),
  finds("order, descending", {}, ["O'B", "bee"], { orderBy: ["subject desc"] }),
  ["count", async () => {
    const { body } = await ask("leads", { count: true, top: 1, filter: { companyname: mark } });
    assert.equal(body["@odata.count"], 2);
  }],
  ["count alone", async () => {
    const { body } = await ask("leads", { count: { companyname: mark } });
    assert.equal(body.replace("\ufeff", ""), "2");
  }],
  ["expand", async () => {
    const { body } = await ask("leads", { filter: { subject: "bee", companyname: mark }, expand: { parentaccountid: { select: ["name"] }, Lead_Tasks: { select: ["subject"], orderBy: "subject", top: 1 } } });
    assert.equal(body.value[0].parentaccountid.name, `${mark} account`);
    assert.deepEqual(body.value[0].Lead_Tasks.map((row) => row.subject), ["call"]);
  }],
  ["group", async () => {
    const { status, body } = await ask("leads", { transform: [{ filter: { companyname: mark } }, { groupBy: { properties: ["statecode"], transform: [{ aggregate: { revenue: { with: "sum", as: "total" } } }] } }] });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.value.map(({ statecode, total }) => ({ statecode, total })), [{ statecode: 0, total: 50 }]);
  }],
  refuses("skip", { skip: 1 }, "0x80060888"),
  refuses("search", { search: "x" }, "0x80060888"),
  refuses("format", { format: "xml" }, "0x80060888"),
]);
