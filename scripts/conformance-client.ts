/**
 * The client that the official conformance suites test: this host's hub with a generated configuration, which accepts every question.
 * `conformance-client URL`. The suite passes the scenario and its credentials in the environment.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../src/config/reading/load.js";
import type { Question } from "../src/core/events.js";
import type { HubTool } from "../src/core/ports.js";
import { McpHub } from "../src/mcp/hub.js";

type Credentials = Record<string, string>;

interface Context {
  toolCalls?: { name: string; arguments: Record<string, unknown> }[];
  credentials: Credentials;
}

const url = process.argv.at(-1) ?? "";
const { toolCalls, credentials } = contextOf(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}");
const folder = mkdtempSync(join(tmpdir(), "mcp-platform-conformance-"));

const { config } = loadConfig({ mcpServers: { server: { url, oauth: oauth(credentials) } } }, { env: {} });
const hub = new McpHub(config.mcpServers, {
  observe: ({ level, message }) => process.stderr.write(`${level} ${message}\n`),
  auth: { folder, showPage: (page) => void fetch(page).then((response) => response.text()) },
});

let isGood = false;
try {
  hub.start();
  await hub.ready();
  isGood = hub.servers().every(({ state }) => state === "ready");
  for (const { name, args } of plannedCalls(hub.tools().filter(({ server }) => server === "server")))
    await call(name, args);
  for (const { uri } of hub.resources()) await hub.readResource(uri);
  for (const { name } of hub.prompts()) await hub.applyPrompt(name, {});
} finally {
  await hub.close();
  rmSync(folder, { recursive: true });
}
process.exit(isGood ? 0 : 1);

function contextOf(text: string): Context {
  const { toolCalls, ...credentials } = JSON.parse(text);
  return { toolCalls, credentials };
}

interface Call {
  /** Name of the tool as the model sees it. */
  name: string;
  args: Record<string, unknown>;
}

/**
 * Returns the calls that the scenario names. Without any, returns one call of `json_schema_echo` if it is offered beside another tool, else
 * a call of every tool.
 */
function plannedCalls(tools: readonly HubTool[]): Call[] {
  const nameOf = (tool: string) => tools.find((offered) => offered.tool === tool)?.name ?? tool;
  if (toolCalls) return toolCalls.map(({ name, arguments: args }) => ({ name: nameOf(name), args }));
  const echo = tools.find(({ tool }) => tool === "json_schema_echo");
  const other = tools.find((tool) => tool !== echo);
  if (echo && other) return [{ name: echo.name, args: { schema: other.inputSchema } }];
  return tools.map((tool) => ({ name: tool.name, args: argumentsFor(tool) }));
}

async function call(name: string, args: Record<string, unknown>): Promise<void> {
  const prepared = await hub.prepare({ id: "call_1", name, arguments: JSON.stringify(args) });
  const result =
    "refused" in prepared
      ? prepared.refused
      : await prepared.send({ signal: new AbortController().signal, ask: agree });
  if (result.isError) process.stderr.write(`${name}: ${JSON.stringify(result.content)}\n`);
}

async function agree(question: Question): Promise<unknown> {
  return question.kind === "elicitation" ? { action: "accept", content: {} } : true;
}

/** Returns the required arguments of a tool, with defaults or the simplest values. */
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

/** Returns the scenario's credentials as `mcpServers.<name>.oauth`. Without credentials, the client uses a client metadata document. */
function oauth({ client_id, client_secret, private_key_pem, signing_algorithm, idp_id_token, ...idp }: Credentials) {
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
    const privateKeyFile = fileWith("key.pem", private_key_pem);
    return {
      grant: "client_credentials",
      ...client,
      private_key_file: privateKeyFile,
      signing_alg: signing_algorithm ?? "RS256",
    };
  }
  const isAlone = process.env.MCP_CONFORMANCE_SCENARIO?.startsWith("auth/client-credentials");
  return { grant: isAlone ? "client_credentials" : "authorization_code", ...client };
}

function fileWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
