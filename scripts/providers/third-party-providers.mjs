/**
 * Tests third-party providers through the compiled command line. On each wire of a provider it runs `doctor --live`, and two turns of one
 * conversation that call a tool, both streamed and whole. `npm run providers:third-party [-- NAME…]`.
 * Prints one line for each check and exits with 1 if a check fails.
 *
 * llama.cpp's server is compiled from the sources in npm's node-llama-cpp (needs cmake, a C++ compiler and git; half an hour of one core)
 * into a temporary folder, or into the folder named by MCP_PROVIDERS_FOLDER, where the next run finds it. LLAMA_SERVER names an existing
 * server.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { startAimock } from "./aimock.mjs";
import { startLlamaCpp } from "./llama-cpp.mjs";

const execute = promisify(execFile);
const commandTimeoutMs = 300_000;
const kept = process.env.MCP_PROVIDERS_FOLDER;
const built = kept ? resolve(kept) : mkdtempSync(join(tmpdir(), "mcp-providers-"));
const home = mkdtempSync(join(tmpdir(), "mcp-providers-home-"));
mkdirSync(built, { recursive: true });

/**
 * `wires`: each with the end of its `base_url` and the name of a model. `losesTrack` is true if the model can only answer a first question.
 * The second turn then passes if the provider accepts the conversation so far and answers anything.
 */
const providers = {
  aimock: {
    start: startAimock,
    wires: {
      chat: { path: "/v1", model: "m1" },
      responses: { path: "/v1", model: "gpt-5.6-sol" },
      messages: { path: "/v1", model: "claude-opus-5-5" },
      gemini: { path: "/v1beta", model: "gemini-3.5-pro" },
    },
  },
  "llama.cpp": {
    start: () => startLlamaCpp(built),
    losesTrack: true,
    wires: {
      chat: { path: "/v1", model: "micro-tool" },
      responses: { path: "/v1", model: "micro-tool" },
      messages: { path: "/v1", model: "micro-tool" },
    },
  },
};

/** Request settings. The limit of tokens is there because a model of this size does not always end its answer. */
const bounds = { temperature: 0, max_tokens: 200 };

const wanted = process.argv.slice(2);
const chosen = Object.entries(providers).filter(([name]) => wanted.length === 0 || wanted.includes(name));
let differences = 0;

try {
  print("provider", "wire", "answers", "check", "result");
  for (const [name, { start, wires, losesTrack }] of chosen) {
    const server = await start();
    try {
      for (const [wire, { path, model }] of Object.entries(wires)) {
        configure({ base_url: `${server.origin}${path}`, wire, model });
        report(`${name} ${server.version}`, wire, "both", "doctor --live", await doctorProblem());
        // Each provider has conversations of its own: a small model loses track of another one's turns.
        for (const answers of ["streamed", "whole"])
          for (const [check, problem] of await turns(`${name}-${wire}-${answers}`, answers, losesTrack))
            report(`${name} ${server.version}`, wire, answers, check, problem);
      }
    } finally {
      await server.stop();
    }
  }
} finally {
  rmSync(home, { recursive: true, force: true });
  if (!kept) rmSync(built, { recursive: true, force: true });
}
process.exit(differences === 0 ? 0 : 1);

function report(provider, wire, answers, check, problem) {
  if (problem) differences++;
  print(provider, wire, answers, check, problem ?? "ok");
}

function print(...cells) {
  const widths = [18, 10, 9, 15];
  const padded = cells.map((cell, index) => String(cell).padEnd(widths[index] ?? 0));
  process.stdout.write(`${padded.join(" ").trimEnd()}\n`);
}

/** Writes a configuration with one server and two tools, because a small model cannot choose among many. */
function configure(provider) {
  const demo = { command: process.execPath, args: [resolve("dist/demo/mcp-server.js")], trusted: true };
  const config = {
    llm: { active: "tested", providers: { tested: { ...provider, api_key: "none-is-needed", ...bounds } } },
    mcpServers: { demo: { ...demo, tools: { allow: ["add", "echo"] } } },
    chat: { service: { system_prompt: "You are a helpful assistant." }, storage: { path: join(home, "log.db") } },
  };
  writeFileSync(join(home, "config.yaml"), JSON.stringify(config));
}

/** Resolves with the failed checks of `doctor --live`, or undefined if there are none. */
async function doctorProblem() {
  const { stdout } = await cli("doctor", "--live", "--json");
  const section = JSON.parse(stdout).sections.find(({ name }) => name === "provider tested");
  const failed = section.findings.filter(({ status }) => status === "fail");
  return failed.length > 0 ? failed.map(({ check, text }) => `${check}: ${text}`).join("; ") : undefined;
}

/** Runs two turns of a conversation. The request of the second one contains the first. Resolves with the problem of each, if any. */
async function turns(conversation, answers, losesTrack = false) {
  const problems = [];
  for (const [check, a, b] of [
    ["a tool turn", 2, 40],
    ["a second turn", 20, 3],
  ]) {
    const prompt = `use demo__add with a=${a} and b=${b}`;
    const flags = [
      "--yes",
      "--conversation",
      conversation,
      "--output-format",
      "json",
      ...(answers === "whole" ? ["--no-stream"] : []),
    ];
    const { stdout, stderr, code = 0 } = await cli("run", prompt, ...flags);
    problems.push([
      check,
      code === 0
        ? turnProblem(JSON.parse(stdout), losesTrack && check === "a second turn" ? undefined : a + b)
        : `run exits with ${code}: ${stderr.trim()}`,
    ]);
  }
  return problems;
}

/**
 * Returns what is wrong with a turn, if anything. The answer has to contain `sum`. If `sum` is undefined, any turn without an error is
 * right.
 */
function turnProblem({ text, tool_calls: calls, error }, sum) {
  if (sum === undefined) return error?.message;
  if (calls.length !== 1 || calls[0].name !== "demo__add") return `calls ${JSON.stringify(calls)}`;
  if (calls[0].is_error) return "the call has failed";
  return text.includes(String(sum)) ? undefined : `the answer is: ${text.slice(0, 200)}`;
}

function cli(...args) {
  const flags = ["--config", join(home, "config.yaml")];
  const env = { PATH: process.env.PATH, HOME: home };
  const options = { env, cwd: home, timeout: commandTimeoutMs, maxBuffer: 64 * 1024 * 1024 };
  const running = execute(process.execPath, [resolve("dist/main.js"), ...flags, ...args], options);
  running.child.stdin?.end();
  return running.catch((error) => error);
}
