/**
 * Tests third-party clients against a real `serve`: each calls a tool of an MCP server, has a second turn, and gets failures of the
 * provider. `npm run clients:third-party [-- NAME…]`. The packages are installed into a temporary folder, or into the folder named by
 * MCP_CLIENTS_FOLDER, where they stay. Prints one line for each check and exits with 1 if a check fails.
 */
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startModel } from "./model.mjs";

const execute = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const callTimeoutMs = 240_000;
const startTimeoutMs = 120_000;
const installTimeoutMs = 900_000;

/** The Node that runs the clients. The newest of these packages need a newer version than the host. */
const node = {
  package: `node-${process.platform}-${process.arch}@22.23.3`,
  folder: `node-${process.platform}-${process.arch}`,
};
const ways = ["chat", "chat, streamed", "responses", "responses, streamed"];
const messages = ["messages", "messages, streamed"];

/**
 * `ways`: the APIs of a client, each tested separately. `hasNoTools`: true for a client without tools of its own. `run`: runs turns of one
 * conversation; resolves with the answers and the error that ended it.
 */
const clients = {
  openai: { packages: ["openai@7.59.0"], ways, run: library("openai.mjs") },
  "ai-sdk": {
    packages: ["@ai-sdk/openai@4.0.118", "ai@7.0.173", "zod@4.6.7"],
    ways,
    run: library("ai-sdk.mjs"),
  },
  "ai-sdk-anthropic": {
    packages: ["@ai-sdk/anthropic@4.0.105", "ai@7.0.173", "zod@4.6.7"],
    ways: messages,
    run: library("ai-sdk-anthropic.mjs"),
  },
  "ai-sdk-5": {
    packages: ["@ai-sdk/openai@2.0.131", "ai@5.0.277", "zod@4.6.7"],
    ways,
    run: library("ai-sdk.mjs"),
  },
  "ai-sdk-5-anthropic": {
    packages: ["@ai-sdk/anthropic@2.0.112", "ai@5.0.277", "zod@4.6.7"],
    ways: messages,
    run: library("ai-sdk-anthropic.mjs"),
  },
  anthropic: {
    packages: ["@anthropic-ai/sdk@1.14.0"],
    ways: [...messages, "tool runner, streamed"],
    run: library("anthropic.mjs"),
  },
  claude: {
    packages: ["@anthropic-ai/claude-agent-sdk@0.3.332", "zod@4.6.7"],
    ways: ["messages, streamed"],
    run: library("claude.mjs"),
  },
  acp: {
    packages: [
      "@agentclientprotocol/claude-agent-acp@0.101.0",
      "@agentclientprotocol/sdk@2.4.0",
      "@modelcontextprotocol/sdk@1.32.2",
      "zod@4.6.7",
    ],
    ways: ["messages, streamed"],
    run: library("acp.mjs"),
  },
  inspector: {
    packages: ["@modelcontextprotocol/inspector@2.12.0"],
    ways: ["stdio", "http"],
    hasNoTools: true,
    run: library("inspector.mjs"),
  },
  langchain: { packages: ["@langchain/openai@1.6.0", "@langchain/core@1.4.0"], ways, run: library("langchain.mjs") },
  codex: { packages: ["@openai/codex@0.171.0"], ways: ["responses, streamed"], run: codex },
  opencode: { packages: ["opencode-ai@1.18.33"], ways: ["chat, streamed"], run: opencode },
};

/** `calls`: how often the tool of the host's MCP server has to run. `answers` and `error`: texts that they have to contain. */
const checks = [
  {
    name: "a tool, and a second turn",
    prompts: ["add 2 40", "add 20 3"],
    calls: 2,
    answers: [["The sum is 42."], ["The sum is 23."]],
  },
  {
    name: "its own tool beside ours",
    ownTool: true,
    prompts: ["both 2 40", "add 20 3"],
    calls: 2,
    answers: [["The results are 42", "cold"], ["The sum is 23."]],
  },
  { name: "401", prompts: ["fail key"], calls: 0, error: /Incorrect API key|Authentication required/ },
  { name: "429", prompts: ["fail rate"], calls: 0, error: /rate limit|429|Too Many/i },
  { name: "context overflow", prompts: ["fail context"], calls: 0, error: /context|too long/i },
  // A client that keeps its conversation on the host may send the prompt again: the host knows the tool's result.
  {
    name: "failure after a tool ran",
    prompts: ["add 2 40 fail server"],
    calls: 1,
    error: /Tools have run|Send it again/,
  },
  { name: "quota after a tool ran", prompts: ["add 2 40 fail quota"], calls: 1, error: /quota/i },
];

const wanted = process.argv.slice(2);
const chosen = Object.entries(clients).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const kept = process.env.MCP_CLIENTS_FOLDER;
const packages = kept ? resolve(kept) : mkdtempSync(join(tmpdir(), "mcp-clients-"));
const home = mkdtempSync(join(tmpdir(), "mcp-clients-home-"));
const counted = join(home, "calls.txt");
const model = await startModel();
let differences = 0;
let host;

try {
  await install();
  host = await startHost();
  for (const [, client] of chosen) {
    const fitting = checks.filter(({ ownTool }) => !(ownTool && client.hasNoTools));
    for (const way of client.ways) for (const check of fitting) await report(client, way, check);
  }
} finally {
  host?.process.kill();
  model.close();
  rmSync(home, { recursive: true, force: true });
  if (!kept) rmSync(packages, { recursive: true, force: true });
}
process.exit(differences === 0 ? 0 : 1);

async function report({ packages: [version], run }, way, check) {
  writeFileSync(counted, "");
  const before = model.requests.length;
  const { answers, error } = await run(way, check.prompts);
  const calls = readFileSync(counted, "utf8").split("\n").length - 1;
  const problems = [];
  if (calls !== check.calls) problems.push(`the tool ran ${calls} times instead of ${check.calls}`);
  const missing = (check.answers ?? []).filter(
    (texts, index) => !texts.every((text) => answers[index]?.includes(text)),
  );
  if (missing.length > 0)
    problems.push(`answered ${JSON.stringify(answers)} instead of ${JSON.stringify(check.answers)}`);
  const knowsAll = ({ messages }) => check.prompts.every((prompt) => JSON.stringify(messages).includes(prompt));
  if (!model.requests.slice(before).some(knowsAll))
    problems.push("no request of the last turn has the turns before it");
  const told = error && JSON.stringify(error);
  if (check.error ? !check.error.test(told ?? "") : error) problems.push(`error: ${told ?? "none"}`);
  differences += problems.length;
  const requests = model.requests.length - before;
  const cells = [version, way, check.name, `${calls} calls, ${requests} requests`];
  const widths = [38, 22, 26, 22];
  const line = cells.map((cell, index) => cell.padEnd(widths[index])).join(" ");
  process.stdout.write(`${line} ${problems.length === 0 ? "as expected" : problems.join("; ")}\n`);
}

/** Installs the packages without their install scripts. The clients need none: their binaries are packages too. */
async function install() {
  mkdirSync(packages, { recursive: true });
  const all = [node.package, ...chosen.flatMap(([, client]) => client.packages)];
  const isThere = (name) => existsSync(join(packages, "node_modules", name.slice(0, name.lastIndexOf("@"))));
  const missing = all.filter((name) => !isThere(name));
  const options = { cwd: packages, timeout: installTimeoutMs, maxBuffer: 64 * 1024 * 1024 };
  // Some clients need a newer Node, which is installed beside them; npm passes the strictness of this repository on.
  const flags = ["--prefix", packages, "--ignore-scripts", "--no-audit", "--no-fund", "--no-engine-strict"];
  if (missing.length > 0) await execute("npm", ["install", ...flags, ...all], options);
  const drivers = join(here, "drivers");
  for (const file of readdirSync(drivers)) copyFileSync(join(drivers, file), join(packages, file));
}

/** Starts the host with its MCP server. Clients need a token. */
async function startHost() {
  const token = randomBytes(24).toString("base64url");
  const config = {
    llm: {
      active: "mock",
      http: { max_retries: 0 },
      providers: { mock: { base_url: model.url, model: "m", api_key: "sk-mock-0123456789" } },
    },
    mcpServers: {
      calc: { command: process.execPath, args: [join(here, "counting-server.mjs"), counted], startup_grace: "60s" },
    },
    chat: { service: { approval: "auto" }, storage: { path: join(home, "log.db") } },
    serve: { port: 0, requests_per_minute: 100_000 },
  };
  writeFileSync(join(home, "config.yaml"), JSON.stringify(config));
  const env = { PATH: process.env.PATH, HOME: home, MCP_PLATFORM_SERVE__TOKEN: token };
  const started = spawn(process.execPath, [resolve("dist/main.js"), "--config", join(home, "config.yaml"), "serve"], {
    cwd: home,
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const baseUrl = await addressIn(started);
  return { process: started, baseUrl, token, config: join(home, "config.yaml") };
}

async function addressIn(started) {
  let text = "";
  const late = AbortSignal.timeout(startTimeoutMs);
  for (;;) {
    const [bytes] = await once(started.stderr, "data", { signal: late });
    text += bytes;
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
    if (!address) continue;
    started.stderr.resume();
    return `${address}/v1`;
  }
}

/** Returns `run` for a client library: a driver uses the library in its own process. */
function library(file) {
  return async (way, prompts) => {
    const { stdout } = await start(newNode(), [join(packages, file), way, ...prompts]);
    return JSON.parse(stdout);
  };
}

function newNode() {
  return join(packages, "node_modules", node.folder, "bin", "node");
}

async function codex(_way, prompts) {
  const folder = mkdtempSync(join(home, "codex-"));
  const provider = `{ name = "host", base_url = "${host.baseUrl}", wire_api = "responses", env_key = "API_KEY" }`;
  writeFileSync(
    join(folder, "config.toml"),
    [
      'model = "mcp-platform"',
      'model_provider = "host"',
      // Codex's sandbox needs rights that a container may not have. It is not needed: the mock model only runs `echo`.
      'sandbox_mode = "danger-full-access"',
      'approval_policy = "never"',
      `model_providers.host = ${provider}`,
    ].join("\n"),
  );
  const more = { CODEX_HOME: folder };
  const answers = [];
  const flags = ["--json", "--skip-git-repo-check"];
  for (const [index, prompt] of prompts.entries()) {
    const args = index === 0 ? ["exec", ...flags, prompt] : ["exec", "resume", ...flags, "--last", prompt];
    const { stdout, stderr } = await start(join(packages, "node_modules/.bin/codex"), args, more, folder);
    const events = jsonLines(stdout);
    const failed = events.find(({ type }) => type === "turn.failed");
    if (failed) return { answers, error: failed.error };
    const said = events.flatMap(({ item }) => (item?.type === "agent_message" ? [item.text] : []));
    if (said.length === 0) return { answers, error: { message: stderr.slice(-500) } };
    answers.push(said.at(-1));
  }
  return { answers };
}

async function opencode(_way, prompts) {
  const folder = mkdtempSync(join(home, "opencode-"));
  const config = {
    $schema: "https://opencode.ai/config.json",
    model: "host/mcp-platform",
    small_model: "host/mcp-platform/plain",
    autoupdate: false,
    share: "disabled",
    provider: {
      host: {
        npm: "@ai-sdk/openai-compatible",
        options: { baseURL: host.baseUrl, apiKey: host.token },
        models: { "mcp-platform": { name: "host" }, "mcp-platform/plain": { name: "plain" } },
      },
    },
  };
  writeFileSync(join(folder, "opencode.json"), JSON.stringify(config));
  const more = {
    XDG_DATA_HOME: folder,
    XDG_CONFIG_HOME: folder,
    XDG_STATE_HOME: folder,
    XDG_CACHE_HOME: folder,
    OPENCODE_DISABLE_MODELS_FETCH: "1",
  };
  const answers = [];
  for (const [index, prompt] of prompts.entries()) {
    const args = ["run", "--format", "json", ...(index === 0 ? [] : ["--continue"]), prompt];
    const { stdout, stderr } = await start(
      join(packages, "node_modules", opencodePackage(), "bin/opencode"),
      args,
      more,
      folder,
    );
    const events = jsonLines(stdout);
    const failed = events.find(({ type }) => type === "error");
    if (failed) return { answers, error: failed.error };
    const said = events.flatMap(({ type, part }) => (type === "text" ? [part.text] : []));
    if (said.length === 0) return { answers, error: { message: stderr.slice(-500) } };
    answers.push(said.at(-1));
  }
  return { answers };
}

function opencodePackage() {
  return readdirSync(join(packages, "node_modules")).find(
    (name) => name === `opencode-${process.platform}-${process.arch}`,
  );
}

/** Resolves with the output of a program, whatever its exit code. */
function start(command, args, more = {}, cwd = home) {
  const env = {
    PATH: `${dirname(newNode())}:${process.env.PATH}`,
    HOME: home,
    BASE_URL: host.baseUrl,
    API_KEY: host.token,
    CONFIG: host.config,
    HOST: resolve("dist/main.js"),
    ...more,
  };
  const running = execute(command, args, { env, cwd, timeout: callTimeoutMs, maxBuffer: 64 * 1024 * 1024 });
  running.child.stdin?.end();
  return running.catch((error) => error);
}

function jsonLines(text) {
  return text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
}
