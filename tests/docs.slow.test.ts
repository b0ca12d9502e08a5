import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import ts from "typescript";
import { blocksOf, pagesOfDocs } from "../scripts/docs.js";
import { answer, type LlmRequest, type Step, startLlmServer, toolCalls } from "./support/llm-server.js";
import { noLocalModels } from "./support/no-local-models.js";

const read = (path: string) => readFileSync(path, "utf8");
const pages = ["docs/README.md", ...pagesOfDocs()];
const commandsOf = (page: string) => blocksOf(read(page)).filter(({ language }) => language === "sh");
const place = mkdtempSync(join(tmpdir(), "mcp-platform-docs-"));
const programs = join(place, "bin");
const path = [programs, process.env.PATH].join(delimiter);

mkdirSync(programs);
symlinkSync(resolve("dist/main.js"), join(programs, "mcp-platform"));
afterAll(() => rmSync(place, { recursive: true }));

/** Makes a reader's machine: its own home and an empty folder, in which `npx` and our scripts find the packages of this repository. */
function readersFolder(name: string): { folder: string; env: NodeJS.ProcessEnv } {
  const home = join(place, name);
  const folder = join(home, "work");
  mkdirSync(folder, { recursive: true });
  for (const entry of ["node_modules", "scripts", "dist"]) symlinkSync(resolve(entry), join(folder, entry));
  return { folder, env: { PATH: path, HOME: home, TMPDIR: home, ...noLocalModels } };
}

interface Ended {
  stdout: string;
  stderr: string;
  status: number | null;
}

async function run(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Ended> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { stdout, stderr, status: child.exitCode };
}

function expectSaid({ stdout, stderr, status }: Ended, expected: readonly string[]): void {
  expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  expect(stdout).not.toBe("");
  for (const line of expected) expect(stdout).toContain(line);
}

describe("README.md", () => {
  const env = { PATH: path, HOME: place, TMPDIR: place, ...noLocalModels };
  /** All code blocks but the first, which installs or runs this very suite. */
  const [, ...blocks] = commandsOf("README.md");

  test("the command line of the first block works", async () => {
    const { stdout, status } = await run("npm", ["start", "--", "run", "Add 2 and 40 with the add tool"], {
      cwd: ".",
      env,
    });
    expect([status, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "The answer is 42."]);
  });

  test.each(blocks)("$code", async ({ code, expected }) => {
    expectSaid(await run("bash", ["-euo", "pipefail", "-c", code], { cwd: ".", env }), expected);
  });
});

describe.each(pages.filter((page) => commandsOf(page).length > 0))("the commands of %s", (page) => {
  const { folder, env } = readersFolder(page.replaceAll("/", "-"));
  let model: AsyncDisposable | undefined;
  afterAll(async () => {
    await model?.[Symbol.asyncDispose]();
  });

  test.each(commandsOf(page))("$code", async ({ code, expected }) => {
    // The quickstart begins with the demo, and then uses a model on the reader's machine.
    if (page === "docs/quickstart.md" && !code.includes("Add 2 and 40")) model ??= await startModelOfReader(env);
    expectSaid(await run("bash", ["-euo", "pipefail", "-c", code], { cwd: folder, env }), expected);
  });
});

/**
 * Starts the model at Ollama's address. With QUICKSTART_MODEL=http://…/v1 it is a real server; otherwise it lists a folder, reads the first
 * file in it, and says what it holds.
 */
async function startModelOfReader(env: NodeJS.ProcessEnv): Promise<AsyncDisposable> {
  const real = process.env.QUICKSTART_MODEL;
  const server = real ? undefined : await startLlmServer(saidByModel);
  env.MCP_PLATFORM_LLM__PROVIDERS__OLLAMA__BASE_URL = real ?? server?.url;
  return { [Symbol.asyncDispose]: async () => server?.[Symbol.asyncDispose]() };
}

function saidByModel({ path: address, body }: LlmRequest): Step {
  if (address.endsWith("/models")) {
    return (response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ object: "list", data: [{ id: "qwen3:8b", object: "model" }] }));
    };
  }
  const results = (body.messages ?? []).filter(({ role }) => role === "tool").map(({ content }) => String(content));
  const [list, file] = results;
  const folder = /\/[^\s"',]*\/notes/.exec(JSON.stringify(body.messages))?.[0] ?? "notes";
  if (!body.tools?.some(({ function: tool }) => tool?.name === "notes__list_directory")) return answer("Hello.");
  if (list === undefined) return toolCalls([{ name: "notes__list_directory", arguments: { path: folder } }]);
  const name = /\[FILE\] (\S+)/.exec(list)?.[1] ?? "";
  if (file === undefined)
    return toolCalls([{ name: "notes__read_text_file", arguments: { path: join(folder, name) } }]);
  return answer(`There is one file, ${name}: ${file}`);
}

const examples = ["README.md", ...pages].flatMap((page) => blocksOf(read(page)).map((block) => ({ page, ...block })));

/** Runs the example against the package by its name. The file is in dist, where it finds the package and its development dependencies. */
async function runExample(code: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync("dist/docs-example.mjs", outputText);
  const ended = await run(process.execPath, ["dist/docs-example.mjs"], { cwd: ".", env });
  rmSync("dist/docs-example.mjs");
  return ended;
}

test.each(examples.filter(({ language }) => language === "ts"))("$page: $code", async ({ code, expected }) => {
  const { env } = readersFolder(`ts-${code.length}`);
  const ended = await runExample(code, env);
  expect(ended.stderr).toBe("");
  expect(expected).not.toEqual([]);
  expectSaid(ended, expected);
});

test.each(examples.filter(({ language }) => language === "js"))("$page: a JavaScript program: $code", ({ code }) => {
  const { diagnostics } = ts.transpileModule(code, {
    reportDiagnostics: true,
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  expect(diagnostics?.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
});

describe("with OpenAI's SDK", () => {
  const { folder, env } = readersFolder("openai");
  let host: ChildProcess;
  beforeAll(async () => {
    env.MCP_PLATFORM_SERVE__TOKEN = "a-token-that-is-long-enough";
    host = spawn(join(programs, "mcp-platform"), ["serve"], { cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] });
    for await (const line of host.stderr ?? []) if (String(line).includes("listening on")) break;
  });
  afterAll(async () => {
    host.kill();
    if (host.exitCode === null) await once(host, "close");
  });

  test.each(examples.filter(({ language, code }) => language === "js" && code.includes('from "openai"')))(
    "$page: $code",
    async ({ code }) => {
      expectSaid(await runExample(code, env), ["The answer is 42."]);
    },
  );
});

test("every command and flag that a page names exists", () => {
  const help = new Map<string, string>();
  const helpOf = (words: readonly string[]) => {
    const name = words.join(" ");
    if (!help.has(name)) {
      const { stdout } = spawnSync(join(programs, "mcp-platform"), [...words, "--help"], { encoding: "utf8" });
      help.set(name, stdout);
    }
    return help.get(name) ?? "";
  };
  const unknown = ["README.md", ...pages].flatMap((page) => {
    const said = read(page).replaceAll(/\\\n\s*/g, " ");
    return [...said.matchAll(/(?<![\w"/-])mcp-platform ([a-z][^`\n|]*)/g)].flatMap(([whole, rest = ""]) => {
      const line = rest.replace(/\s(#|2>|--\s|&).*$/, "").replaceAll(/"[^"]*"|'[^']*'/g, "TEXT");
      const [command = "", second = ""] = line.split(" ");
      if (!helpOf([]).includes(`\n  ${command} `)) return /^[a-z]+$/.test(command) ? [`${page}: ${whole}`] : [];
      const isFamily = new RegExp(`\n  ${second}( |\n)`).test(helpOf([command])) && /^[a-z]+$/.test(second);
      const all = `${helpOf([])}${helpOf([command])}${isFamily ? helpOf([command, second]) : ""}`;
      const flags = line.match(/(?<=\s)--?[a-z][a-z-]*/g) ?? [];
      return flags.filter((flag) => !new RegExp(`${flag}[ ,\n]`).test(all)).map((flag) => `${page}: ${whole}: ${flag}`);
    });
  });
  expect(unknown).toEqual([]);
});
