import { createRequire } from "node:module";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** What this host calls itself to servers. */
export const clientInfo = { name: "mcp-platform", version };
