import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import ts from "typescript";
import { temporaryFolder } from "../support/mcp-hub.js";
import { noLocalModels } from "../support/no-local-models.js";

/** An empty project with this package installed as `npm pack` makes it, and with the package's dependencies and nothing else. */
const project = temporaryFolder();
const installed = join(project.path, "node_modules/mcp-platform");
const env = { PATH: process.env.PATH, HOME: project.path, ...noLocalModels };
const { bin, exports, dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
  bin: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
  dependencies: Record<string, string>;
};

const program = `
import { type App, createApp, type RunScriptOptions, runScript, type ScriptObject, type ScriptResult } from "mcp-platform";

const said: string[] = [];
{
  await using app: App = await createApp({ config: { chat: { storage: { driver: "memory" } } }, observe: () => {} });
  for await (const event of app.sessions.open().prompt({ requestId: "r1", text: "Add 2 and 40" })) {
    if (event.type === "text_delta") said.push(event.delta);
  }
}
const script: ScriptObject = {
  model: "scripted",
  mcpServers: {},
  scripted: [{ reply: "hello" }],
  steps: [{ user: "hi", assert: [{ type: "javascript", value: "output === 'hel' + 'lo'" }] }],
};
const scripted: ScriptResult = await runScript(script);
const replay: RunScriptOptions = { cassette: "replay", env: {} };
const { passed, steps, transcript }: ScriptResult = await runScript("tools.session.yaml", replay);
const calls = steps.flatMap(({ outcome }) => outcome?.calls ?? []).map(({ server, tool }) => \`\${server}.\${tool}\`);
const lines: number = transcript.trimEnd().split("\\n").length;
console.log(JSON.stringify({ said: said.join(""), scripted: scripted.passed, passed, calls, lines }));
`;

beforeAll(() => {
  mkdirSync(installed, { recursive: true });
  const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", project.path], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename = "" } = {}] = JSON.parse(packed) as { filename?: string }[];
  execFileSync("tar", ["-xzf", join(project.path, filename), "-C", installed, "--strip-components=1"]);
  for (const name of [...Object.keys(dependencies), "@types/node"]) {
    const place = join(project.path, "node_modules", name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(resolve("node_modules", name), place);
  }
  for (const name of ["tools.session.yaml", "tools.cassette.jsonl"]) {
    cpSync(join("scripts/sessions", name), join(project.path, name));
  }
  writeFileSync(join(project.path, "package.json"), '{"type":"module"}');
}, 60_000);

afterAll(() => project[Symbol.dispose]());

test("the package contains every file that it declares", () => {
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === "string" ? target : Object.values(target),
  );
  for (const target of [...targets, ...Object.values(bin)]) accessSync(join(installed, target), constants.R_OK);
  const systems = ["darwin", "linux", "win32"].flatMap((system) => [`${system}-arm64/glibc`, `${system}-x64/glibc`]);
  for (const system of [...systems, "linux-arm64/musl", "linux-x64/musl"]) {
    const driver = `dist/prebuilds/${system.replace("/", "/@photostructure+sqlite.")}.node`;
    accessSync(join(installed, driver), constants.R_OK);
  }
  for (const target of Object.values(bin)) {
    accessSync(join(installed, target), constants.X_OK);
    expect(readFileSync(join(installed, target), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  }
});

test("every bundled package is listed with its hash, and its licence is included", () => {
  const licences = readFileSync(join(installed, "dist/THIRD-PARTY-LICENSES"), "utf8");
  const sbom = JSON.parse(readFileSync(join(installed, "dist/sbom.cdx.json"), "utf8")) as {
    components: { purl: string; hashes: { content: string }[] }[];
  };
  const purls = sbom.components.map(({ purl }) => purl.replace(/@[^@]*$/, ""));
  // A package of the page, one whose licence is only in its README, the driver of SQLite, and a dependency of a dependency.
  for (const name of ["preact", "pg-types", "%40photostructure/sqlite", "eventsource-parser"]) {
    expect(purls).toContain(`pkg:npm/${name}`);
  }
  expect(sbom.components.every(({ hashes: [hash] }) => /^[0-9a-f]{128}$/.test(hash?.content ?? ""))).toBe(true);
  expect(licences).toMatch(/^pg-types 2\..*\n\nThe MIT License[^-]*Brian M\. Carlson/ms);
  expect(licences).toMatch(/^preact \d/m);
});

test("a TypeScript program that uses the package type-checks, and runs a host, scripts and a cassette", () => {
  const file = join(project.path, "program.ts");
  writeFileSync(file, program);
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    types: ["node"],
    typeRoots: [join(project.path, "node_modules/@types")],
  };
  const compiled = ts.createProgram([file], options);
  const problems = ts
    .getPreEmitDiagnostics(compiled)
    .map(({ messageText, file: at }) => `${at?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
  expect(problems).toEqual([]);
  compiled.emit();
  const { stdout, stderr, status } = run("program.js");
  expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toEqual({
    said: "The answer is 42.",
    scripted: true,
    passed: true,
    calls: ["demo.add", "demo.echo"],
    lines: expect.any(Number),
  });
}, 60_000);

test("the command line of the package prints its version, runs the demo and plays a session", () => {
  const main = join("node_modules/mcp-platform", bin["mcp-platform"] ?? "");
  expect(run(main, "--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(run(main, "run", "Add 2 and 40").stdout).toBe("The answer is 42.\n");
  expect(run(main, "run", "tools.session.yaml", "--replay")).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("passed"),
  });
  expect(JSON.parse(run(main, "config", "schema", "--session").stdout)).toHaveProperty("title", "MCP-Platform session");
}, 60_000);

function run(...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: project.path, env, encoding: "utf8" });
}
