// Runs the scenario of each client, or of those that are named, and prints a line for
// each: the client with its version, how many of its steps passed, and how many it has.
// Ends with an error if a step failed, or if a client has none. Clients that know
// nothing but https are run when Segue's address is https only.
import { readFileSync, readdirSync } from "node:fs";
import { run } from "node:test";

const versions = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")).dependencies;
const endings = process.env.SEGUE_URL?.startsWith("https:") ? /\.(secure|scenario)\.mjs$/ : /\.scenario\.mjs$/;
const scenarios = readdirSync(new URL(".", import.meta.url)).filter((name) => endings.test(name));
const wanted = process.argv.slice(2);

let failed = false;
for (const file of scenarios.sort()) {
  const name = file.replace(endings, "");
  if (wanted.length > 0 && !wanted.includes(name)) {
    continue;
  }
  const { passed, failures, client } = await outcome(file);
  const total = passed + failures.length;
  console.log(`${(client ?? name).padEnd(24)} ${(versions[client] ?? "").padEnd(8)} ${passed}/${total}`);
  for (const failure of failures) {
    console.log(`  not: ${failure}`);
  }
  failed ||= total === 0 || failures.length > 0;
}
process.exitCode = failed ? 1 : 0;

// outcome runs a scenario. Its steps are the tests inside the one of the client.
async function outcome(file) {
  let passed = 0;
  let client;
  const failures = [];
  const events = run({ files: [new URL(file, import.meta.url).pathname], concurrency: false });
  for await (const { type, data } of events) {
    if (type === "test:pass" && data.nesting > 0) {
      passed++;
    } else if (type === "test:fail" && data.nesting > 0) {
      failures.push(`${data.name}: ${reason(data.details.error)}`);
    } else if (type === "test:start" && data.nesting === 0 && !data.name.endsWith(".mjs")) {
      client = data.name;
    } else if (type === "test:fail" && failures.length === 0) {
      failures.push(`${data.name}: ${reason(data.details.error)}`);
    } else if (type === "test:stderr") {
      process.stderr.write(data.message);
    }
  }
  return { passed, failures, client };
}

// reason is one line of why a step failed.
function reason(error) {
  const cause = error.cause ?? error;
  const text = [cause.code, cause.status, cause.message ?? JSON.stringify(cause)].filter(Boolean).join(" ");
  return text.replace(/\s+/g, " ").slice(0, 300);
}
