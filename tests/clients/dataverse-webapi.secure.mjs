// dataverse-webapi, https://github.com/derekfinlinson/powerapps-tools.
import assert from "node:assert/strict";
import * as web from "dataverse-webapi/lib/node";
import { send } from "./scenario.mjs";
import { secure } from "./secure.mjs";

await secure("dataverse-webapi", web, (config, mark) => [
  ["retrieveAlternateKey", async () => {
    const number = `W-${mark.split(" ")[1]}`; // other clients have the same mark
    await send("POST", "accounts", { name: mark, accountnumber: number });
    assert.equal((await web.retrieveAlternateKey(config, "accounts", `accountnumber='${number}'`, "$select=name")).name, mark);
  }],
]);
