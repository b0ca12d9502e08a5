/**
 * The client that the official conformance suites test: this host's hub over its own configuration, with a person who agrees to
 * everything. `conformance-client URL`; the suite names the scenario and its credentials in the environment.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.js";
import type { Question } from "../src/core/chat.js";
import type { HubTool } from "../src/core/ports.js";
import { McpHub } from "../src/mcp/hub.js";

const url = process.argv.at(-1) ?? "";
const context: Record<string, string> = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}");
const folder = mkdtempSync(join(tmpdir(), "mcp-platform-conformance-"));

const { config } = loadConfig({ mcpServers: { server: { url, oauth: oauth(context) } } }, { env: {} });
const hub = new McpHub(config.mcpServers, {
  observe: ({ level, message }) => process.stderr.write(`${level} ${message}\n`),
  auth: { folder, showPage: (page) => void fetch(page).then((response) => response.text()) },
});

let isGood = false;
try {
  hub.start();
  await hub.ready();
  isGood = hub.servers().every(({ state }) => state === "ready");
  for (const tool of hub.tools()) isGood = (await call(tool)) && isGood;
} finally {
  await hub.close();
  rmSync(folder, { recursive: true });
}
process.exit(isGood ? 0 : 1);

async function call(tool: HubTool): Promise<boolean> {
  const text = JSON.stringify(argumentsFor(tool));
  const prepared = hub.prepare({ id: "call_1", name: tool.name, arguments: text });
  const result =
    "refused" in prepared
      ? prepared.refused
      : await prepared.send({ signal: new AbortController().signal, ask: agree });
  if (result.isError) process.stderr.write(`${tool.name}(${text}): ${JSON.stringify(result.content)}\n`);
  return !result.isError;
}

async function agree(question: Question): Promise<unknown> {
  return question.kind === "elicitation" ? { action: "accept", content: {} } : true;
}

/** What the schema requires, with the simplest values. */
function argumentsFor({ inputSchema }: HubTool): Record<string, unknown> {
  const { properties = {}, required = [] } = inputSchema as {
    properties?: Record<string, { type?: string; default?: unknown; enum?: unknown[] }>;
    required?: string[];
  };
  const simplest: Record<string, unknown> = {
    string: "a",
    number: 1,
    integer: 1,
    boolean: true,
    array: [],
    object: {},
  };
  return Object.fromEntries(
    required.map((name) => {
      const { type = "string", default: value, enum: values } = properties[name] ?? {};
      return [name, value ?? values?.[0] ?? simplest[type]];
    }),
  );
}

/** The credentials of the scenario as `mcpServers.<name>.oauth`. Without any, the client has a metadata document. */
function oauth({ client_id, client_secret, private_key_pem, signing_algorithm, idp_id_token, ...idp }: typeof context) {
  if (!client_id) return { client_metadata_url: "https://conformance-test.local/client-metadata.json" };
  const client = { client_id, ...(client_secret && { client_secret }) };
  if (idp_id_token) {
    const idToken = fileWith("id-token", idp_id_token);
    const { idp_client_id, idp_token_endpoint } = idp;
    return {
      grant: "cross_app_access",
      ...client,
      idp: { client_id: idp_client_id, token_endpoint: idp_token_endpoint, id_token_file: idToken },
    };
  }
  if (private_key_pem) {
    const private_key_file = fileWith("key.pem", private_key_pem);
    return { grant: "client_credentials", ...client, private_key_file, signing_alg: signing_algorithm ?? "RS256" };
  }
  const isAlone = process.env.MCP_CONFORMANCE_SCENARIO?.startsWith("auth/client-credentials");
  return { grant: isAlone ? "client_credentials" : "authorization_code", ...client };
}

function fileWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
