// What the scenarios of all clients share: where Segue is, how one is told, and rows
// to begin with. A scenario is a list of steps that a client takes one after the other;
// each says what a program written for Dataverse would do and what it relies on.
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

// setting reads a variable of the environment that the scenarios cannot do without.
function setting(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; see scripts/clients.sh`);
  }
  return value;
}

export const token = setting("SEGUE_TOKEN");
export const server = new URL("/", setting("SEGUE_URL"));
// behindGateway reports whether a gateway checks tokens before Segue sees them.
export const behindGateway = Boolean(process.env.SEGUE_GATEWAY);
export const api = "api/data/v9.2/";
export const missing = "00000000-0000-4000-8000-000000000001";
export const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

// scenario runs the steps of a client in their order. A step that fails does not keep
// the others from being tried: what they need and do not find makes them fail too.
export function scenario(client, steps) {
  return test(client, async (t) => {
    for (const [name, take] of steps) {
      await t.test(name, take);
    }
  });
}

// send makes a request with nothing but fetch, for rows that a scenario begins with.
export async function send(method, path, body) {
  const response = await fetch(new URL(api + path, server), {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Prefer: "return=representation" },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) {
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  }
  return response.status === 204 ? undefined : response.json();
}

// sequenceForLeads returns the id of an active sequence that leads can be connected to.
export async function sequenceForLeads() {
  const { value } = await send("GET", "msdyn_sequences?$select=msdyn_regardingentityname,statecode");
  const row = value.find((one) => one.statecode === 1 && one.msdyn_regardingentityname === "lead");
  if (!row) {
    throw new Error("there is no active sequence for leads: load the demo data first");
  }
  return row.msdyn_sequenceid;
}

// eventually asks again until the answer satisfies: an index lags behind its rows. The
// last answer is returned whatever it is, for the caller to judge.
export async function eventually(ask, satisfies) {
  for (let left = 50; ; left--) {
    const answer = await ask();
    if (satisfies(answer) || left === 0) {
      return answer;
    }
    await pause(100);
  }
}

// marker is a text that no row has yet, by which a scenario finds its own rows again.
export function marker(client) {
  return `${client} ${process.env.SEGUE_MARK ?? Date.now().toString(36)}`;
}
