/**
 * Tests third-party MCP servers through the compiled command line: starts and lists each server, and calls it if it works without a
 * network. `npm run servers:third-party [-- NAME…]`. The packages are installed into a temporary folder, or into the folder named by
 * MCP_SERVERS_FOLDER, where they stay. Prints one line for each server and exits with 1 if a server is not as expected.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const commandTimeoutMs = 120_000;
const installTimeoutMs = 900_000;

/**
 * `tools`: number of tools that the model is offered (pdf has six more for its own pages). `call`: a tool call, with a part of the expected
 * result if there is one. `built`: a dependency whose install script has to run.
 */
const servers = {
  playwright: {
    package: "@playwright/mcp@0.0.83",
    bin: "playwright-mcp",
    args: ["--headless"],
    era: "legacy",
    tools: 25,
  },
  devtools: {
    package: "chrome-devtools-mcp@1.11.0",
    bin: "chrome-devtools-mcp",
    args: ["--no-usage-statistics"],
    era: "legacy",
    tools: 32,
  },
  context7: { package: "@upstash/context7-mcp@4.1.1", bin: "context7-mcp", era: "modern", tools: 2 },
  kubernetes: {
    package: "mcp-server-kubernetes@4.1.7",
    bin: "mcp-server-kubernetes",
    era: "legacy",
    tools: 23,
    call: { tool: "ping", arguments: {} },
  },
  sqlite: {
    package: "mcp-server-sqlite-npx@0.8.0",
    bin: "mcp-server-sqlite-npx",
    built: "sqlite3",
    args: ["data.db"],
    era: "legacy",
    tools: 5,
    call: { tool: "read_query", arguments: { query: "SELECT 40 + 2 AS answer" }, result: "42" },
  },
  chart: { package: "@antv/mcp-server-chart@0.9.10", bin: "mcp-server-chart", era: "legacy", tools: 27 },
  map: {
    package: "@modelcontextprotocol/server-map@2.0.3",
    bin: "mcp-map-server",
    args: ["--stdio"],
    era: "legacy",
    tools: 2,
    call: { tool: "show-map", arguments: { west: 6, south: 46, east: 7, north: 47 }, result: "Displaying globe" },
  },
  pdf: {
    package: "@modelcontextprotocol/server-pdf@2.0.4",
    bin: "mcp-pdf-server",
    args: ["--stdio"],
    era: "legacy",
    tools: 3,
    call: { tool: "list_pdfs", arguments: {}, result: "localFiles" },
  },
  github: {
    package: "@modelcontextprotocol/server-github@2025.4.8",
    bin: "mcp-server-github",
    era: "legacy",
    tools: 26,
  },
  postgres: {
    package: "@modelcontextprotocol/server-postgres@0.6.2",
    bin: "mcp-server-postgres",
    args: ["postgresql://127.0.0.1:9/none"],
    state: "degraded", // its resources are tables, and this database does not exist
    era: "legacy",
    tools: 1,
    call: { tool: "query", arguments: { sql: "SELECT 1" }, isError: true, result: "ECONNREFUSED" },
  },
};

const wanted = process.argv.slice(2);
const chosen = Object.entries(servers).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const kept = process.env.MCP_SERVERS_FOLDER;
const packages = kept ? resolve(kept) : mkdtempSync(join(tmpdir(), "mcp-servers-"));
const home = mkdtempSync(join(tmpdir(), "mcp-servers-home-"));
const model = await startModel();
let differences = 0;

try {
  await install();
  const widths = [11, 8, 9, 11, 12];
  const print = (...cells) =>
    process.stdout.write(
      `${cells
        .map((cell, index) => String(cell).padEnd(widths[index] ?? 0))
        .join(" ")
        .trimEnd()}\n`,
    );
  print("server", "era", "state", "tools", "latency", "difference");
  for (const [name, server] of chosen) {
    const { status, problems } = await check(name, server);
    differences += problems.length;
    const latency = status.latency_ms === null ? "-" : `${status.latency_ms} ms`;
    print(name, status.era ?? "-", status.state, `${status.tools} of ${server.tools}`, latency, problems.join("; "));
  }
} finally {
  model.close();
  rmSync(home, { recursive: true, force: true });
  if (!kept) rmSync(packages, { recursive: true, force: true });
}
process.exit(differences === 0 ? 0 : 1);

/** Installs the packages without install scripts, except that of the dependency `built`. */
async function install() {
  mkdirSync(packages, { recursive: true });
  const missing = chosen.filter(([, { bin }]) => !existsSync(join(packages, "node_modules", ".bin", bin)));
  const npm = (...args) =>
    execute("npm", [...args, "--prefix", packages, "--no-audit", "--no-fund"], {
      cwd: packages,
      timeout: installTimeoutMs,
      maxBuffer: 64 * 1024 * 1024,
    });
  if (missing.length === 0) return;
  await npm("install", "--ignore-scripts", ...missing.map(([, server]) => server.package));
  for (const [, { built }] of missing) if (built) await npm("rebuild", built);
}

async function check(name, { bin, args = [], era, state = "ready", tools, call }) {
  const command = join(packages, "node_modules", ".bin", bin);
  const mcpServers = { [name]: { command, args, cwd: home, startup_timeout: "60s", startup_grace: "60s" } };
  writeFileSync(join(home, "servers.json"), JSON.stringify({ mcpServers }));
  const problems = [];
  const expect = (what, got, expected) => {
    if (got !== expected) problems.push(`${what}: ${got} instead of ${expected}`);
  };

  const [status] = JSON.parse((await cli("servers", "list", "--json")).stdout);
  expect("state", status.state, state);
  if (status.reason && state === "ready") problems.push(status.reason);
  expect("era", status.era, era);
  expect("tools", status.tools, tools);
  if (status.latency_ms === null) problems.push("no latency");
  const listed = (await cli("tools")).stdout.split("\n").filter((line) => line.startsWith(`${name}.`));
  expect("lines of `tools`", listed.length, tools);
  if (call) problems.push(...(await calledOtherwise(name, call)));
  return { status, problems };
}

/** Runs a turn whose model calls the tool. Resolves with the differences from the expected result. */
async function calledOtherwise(name, { tool, arguments: args, isError = false, result = "" }) {
  model.willCall({ name: `${name}__${tool}`, arguments: JSON.stringify(args) });
  const { stdout, code = 0 } = await cli("run", "call it", "--yes", "--no-stream", "--output-format", "json");
  if (code !== 0) return [`run exits with ${code}`];
  const [made] = JSON.parse(stdout).tool_calls;
  if (made?.is_error !== isError) return [`${tool}: is_error ${made?.is_error} instead of ${isError}`];
  return model.result().includes(result) ? [] : [`${tool} answered: ${model.result().slice(0, 200)}`];
}

function cli(...args) {
  writeFileSync(
    join(home, "config.yaml"),
    JSON.stringify({ llm: { active: "scripted", providers: { scripted: { base_url: model.url, model: "m" } } } }),
  );
  const flags = ["--config", join(home, "config.yaml"), "--mcp-config", join(home, "servers.json")];
  const env = { PATH: process.env.PATH, HOME: home };
  const options = { env, cwd: home, timeout: commandTimeoutMs, maxBuffer: 64 * 1024 * 1024 };
  const running = execute(process.execPath, [resolve("dist/main.js"), ...flags, ...args], options);
  running.child.stdin?.end();
  return running.catch((error) => error);
}

/** Starts a mock provider on loopback that calls one tool and then ends its answer, whatever the result. */
async function startModel() {
  let call = {};
  let result = "";
  const http = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const last = JSON.parse(text).messages.at(-1);
    const isResult = last.role === "tool";
    if (isResult) result = JSON.stringify(last.content);
    const message = isResult
      ? { role: "assistant", content: "done" }
      : { role: "assistant", content: null, tool_calls: [{ id: "call_1", type: "function", function: call }] };
    const choices = [{ index: 0, message, finish_reason: isResult ? "stop" : "tool_calls" }];
    response.setHeader("content-type", "application/json").end(JSON.stringify({ choices }));
  });
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${http.address().port}/v1`,
    willCall(next) {
      call = next;
      result = "";
    },
    result: () => result,
    close: () => http.close(),
  };
}
