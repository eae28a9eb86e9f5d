// o.js, https://github.com/janhommes/o.js: an OData client of a few lines. It sends no
// OData headers and encodes the names of options.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { api, guid, marker, missing, scenario, server, token } from "./scenario.mjs";

const { o } = createRequire(import.meta.url)("o.js/dist/cjs/o.js");
const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
const mark = marker("o.js");
const own = `companyname eq '${mark}'`;
const id = crypto.randomUUID();
// web makes a handler, which serves one request or batch.
const web = (options) => o(new URL(api, server).href, { headers, ...options });
const subjects = (rows) => rows.map((row) => row.subject);

await scenario("o.js", [
  ["post", async () => {
    const response = await web().post("leads", { leadid: id, subject: "a b", companyname: mark }).fetch();
    assert.equal(response.status, 204);
  }],
  ["get, one row", async () => assert.equal((await web({ fragment: "" }).get(`leads(${id})`).query({ $select: "subject" })).subject, "a b")],
  ["get, rows", async () => assert.deepEqual(subjects(await web().get("leads").query({ $select: "subject", $filter: `${own} and subject eq 'a b'`, $top: 3 })), ["a b"])],
  ["get, order", async () => {
    await web().post("leads", { subject: "b", companyname: mark }).fetch();
    assert.deepEqual(subjects(await web().get("leads").query({ $filter: own, $orderby: "subject desc" })), ["b", "a b"]);
  }],
  ["get, count", async () => assert.equal((await web({ fragment: "@odata.count" }).get("leads").query({ $filter: own, $count: true, $top: 1 })), 2)],
  ["get, function", async () => assert.match((await web({ fragment: "" }).get("WhoAmI()").query()).UserId, guid)],
  ["get, row that is not there", async () => {
    const response = await web().get(`leads(${missing})`).fetch();
    assert.equal(response.status, 404);
  }],
  ["patch", async () => {
    await web().patch(`leads(${id})`, { subject: "changed" }).query();
    assert.equal((await web({ fragment: "" }).get(`leads(${id})`).query()).subject, "changed");
  }],
  ["put of a row is refused", async () => {
    const response = await web().put(`leads(${id})`, { subject: "x" }).fetch();
    assert.equal(response.status, 405);
  }],
  ["batch", async () => {
    const batch = web({ batch: { endpoint: "$batch", headers: new Headers(headers), useChangset: false } }).get("leads").get("accounts");
    const answers = await batch.batch({ $top: 1, $orderby: "createdon desc" });
    assert.equal(answers.length, 2);
  }],
  ["batch, change set", async () => {
    const batch = web({ batch: { endpoint: "$batch", headers: new Headers(headers), useChangset: true } }).post("leads", { subject: "one", companyname: `${mark} set` }).post("leads", { subject: "two", companyname: `${mark} set` });
    await batch.batch();
    assert.deepEqual(subjects(await web().get("leads").query({ $filter: `companyname eq '${mark} set'`, $orderby: "subject" })), ["one", "two"]);
  }],
  ["delete", async () => {
    await web().delete(`leads(${id})`).query();
    assert.equal((await web().get(`leads(${id})`).fetch()).status, 404);
  }],
]);
