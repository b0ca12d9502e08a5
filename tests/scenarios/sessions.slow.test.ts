import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { runScript } from "../../src/index.js";
import { ended } from "../support/cli.js";
import { temporaryFolder } from "../support/mcp-hub.js";

const folder = "scripts/sessions";
const named = (end: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(end))
    .map((name) => join(folder, name))
    .sort();
const sessions = named(".session.yaml");
const cassettes = named(".cassette.jsonl");

const canBeAlone = spawnSync("unshare", ["-rn", "true"]).status === 0;
const withoutNetwork = canBeAlone ? "and a network" : "(with a network: this machine allows no namespaces)";

test(`all of them play through the command line, without keys ${withoutNetwork}`, async () => {
  using home = temporaryFolder();
  const [command, ...args] = [
    ...(canBeAlone ? ["unshare", "-rn"] : []),
    ...[process.execPath, "dist/main.js", "run", ...sessions, "--replay"],
  ];
  const startedAt = performance.now();
  const child = spawn(command ?? "", args, { env: { PATH: process.env.PATH, HOME: home.path } });
  const { exitCode, stdout, stderr } = await ended(child, "");
  const seconds = (performance.now() - startedAt) / 1000;
  expect(exitCode === 0 ? "" : stderr).toBe("");
  expect(stdout.match(/^passed /gm)).toHaveLength(sessions.length);
  // A quiet machine takes about 4 seconds. A busy one runs other tests at the same time.
  expect(seconds).toBeLessThan(60);
});

test("every one of them is recorded, and nothing else is", () => {
  const names = (paths: string[], end: string) => paths.map((path) => path.slice(0, -end.length));
  expect(names(cassettes, ".cassette.jsonl")).toEqual(names(sessions, ".session.yaml"));
});

test.each(cassettes)("%s knows nothing of the machine it was recorded on", (path) => {
  const text = readFileSync(path, "utf8");
  const own = [process.cwd(), homedir(), tmpdir(), hostname()].filter((word) => word.length > 4);
  expect(own.filter((word) => text.includes(word))).toEqual([]);
  expect(text.match(/(?<![\w./-])\/(?:home|Users|root|tmp|var|opt|mnt|work|workspace)\/[^"\s\\]*/g) ?? []).toEqual([]);
});

interface Line {
  mcp?: string;
  hello?: { era: string };
  method?: string;
  params?: { name?: string };
  events?: [
    number,
    { progress?: object; notify?: { method: string }; ask?: { method: string; params: { mode?: string } } },
  ][];
  result?: { isError?: boolean; structuredContent?: object };
  error?: { code: number };
  open?: boolean;
}

const linesIn = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

/** Returns the features of MCP that a line of a cassette used. */
function featuresIn({ hello, method, events = [], result, error, open }: Line): string[] {
  const beside = events.flatMap(([, { progress, notify, ask }]) => [
    progress && "progress",
    notify?.method,
    ask && [ask.method, ask.params.mode].filter(Boolean).join(" "),
  ]);
  const features = [
    hello?.era,
    method,
    ...beside,
    result?.isError && "tool error",
    result?.structuredContent && "structured content",
    error && `error ${error.code}`,
    open && "given up",
  ];
  return features.filter((feature) => typeof feature === "string");
}

/** Features that appear on the wire as such. */
const everyFeature = [
  ...["legacy", "modern", "tools/call", "prompts/get", "resources/read"],
  ...["tools/list", "prompts/list", "resources/list", "resources/templates/list"],
  ...["structured content", "tool error", "error -32042", "given up"],
  ...["progress", "notifications/message", "notifications/tasks/status"],
  ...["sampling/createMessage", "elicitation/create form", "elicitation/create url", "roots/list"],
];

test("the session files use every feature of MCP", () => {
  const features = new Set(cassettes.flatMap(linesIn).flatMap(featuresIn));
  expect([...features]).toEqual(expect.arrayContaining(everyFeature));
  const lists = linesIn(join(folder, "list-changed.cassette.jsonl")).filter(
    ({ mcp, method }) => mcp === "official" && method === "tools/list",
  );
  expect(lists).toHaveLength(2);
});

test("one recorded live against the demo model and four official servers plays with the servers uninstalled, 20 times of 20", async () => {
  using place = temporaryFolder();
  const script = join(place.path, "four.session.yaml");
  const packages = join(place.path, "node_modules");
  const written = readFileSync(join(folder, "official-servers.session.yaml"), "utf8");
  writeFileSync(
    script,
    written.replaceAll("node_modules/", `${packages}/`).replaceAll("scripts/sessions/files", join(place.path, "files")),
  );
  cpSync(join(folder, "files"), join(place.path, "files"), { recursive: true });
  mkdirSync(packages);
  symlinkSync(resolve("node_modules/@modelcontextprotocol"), join(packages, "@modelcontextprotocol"));
  const sessionsMemoryFile = join(place.path, "memory.jsonl");
  const env = { HOME: place.path, PATH: process.env.PATH, SESSIONS_MEMORY_FILE: sessionsMemoryFile };
  const quiet = { observe: () => {}, env };

  const recorded = await runScript(script, { ...quiet, cassette: "record" });
  expect(recorded.error ?? recorded.steps.filter(({ passed }) => !passed)).toEqual([]);
  expect(recorded.transcript.split("\n").length).toBeGreaterThan(10);

  for (const gone of [packages, join(place.path, "files"), sessionsMemoryFile]) rmSync(gone, { recursive: true });
  const nothing = { ...quiet, env: { HOME: place.path, PATH: "" } };
  expect((await runScript(script, nothing)).error?.kind).toBe("required_server_down");
  for (let time = 0; time < 20; time++) {
    const played = await runScript(script, { ...nothing, cassette: "replay" });
    expect(played.error ?? played.steps.filter(({ passed }) => !passed)).toEqual([]);
    expect(played.transcript).toBe(recorded.transcript);
  }
});
