// xrm-webapi, https://github.com/derekfinlinson/xrm-webapi.
import web from "xrm-webapi/dist/xrm-webapi-node.js";
import { secure } from "./secure.mjs";

await secure("xrm-webapi", web);
