/** The SDK's client, as this host uses it. Loaded through `lazy.ts` only: a host without servers does without it. */
import { createRequire } from "node:module";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { ClientCapabilities } from "@modelcontextprotocol/sdk/types.js";
import { record, string, unknown } from "zod";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** Takes any object: what a server sends is read leniently, by us. */
export const anyResult = record(string(), unknown());

/** A client connects once: caches of an earlier server would stay in it. */
export function newClient(capabilities: ClientCapabilities): Client {
  return new Client({ name: "mcp-platform", version }, { capabilities });
}
