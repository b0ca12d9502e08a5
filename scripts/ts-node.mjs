/** Registers ts-node's ESM loader: `node --import ./scripts/ts-node.mjs src/main.ts` runs the host from source. */
import { register } from "node:module";
import { pathToFileURL } from "node:url";

register("ts-node/esm", pathToFileURL("./"));
