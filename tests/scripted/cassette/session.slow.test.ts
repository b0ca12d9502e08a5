import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import type { App } from "../../../src/host/app.js";
import { script } from "../../support/app.js";
import { chunk, stall, startLlmServer, stream } from "../../support/llm-server.js";
import { temporaryFolder, until } from "../../support/mcp-hub.js";
import { linesOf, taped } from "../../support/taped.js";

const official = (name: string, ...args: string[]) =>
  script(`node_modules/@modelcontextprotocol/server-${name}/dist/index.js`, ...args);

function fourServers(folder: string) {
  mkdirSync(join(folder, "files"));
  writeFileSync(join(folder, "files", "note.txt"), "from the file, with an umlaut: ü");
  return {
    fs: official("filesystem", join(folder, "files")),
    memory: { ...official("memory"), env: { MEMORY_FILE_PATH: join(folder, "memory.json") } },
    thinking: official("sequential-thinking"),
    everything: official("everything", "stdio"),
  };
}

/** Returns the same servers with a command that does not exist, as on a machine where none is installed. */
function uninstalled(servers: Record<string, object>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [name, { ...server, command: "/nowhere/at-all", args: [] }]),
  );
}

const promptsFor = (folder: string) => [
  `fs__read_text_file(path="${join(folder, "files", "note.txt")}") and also everything__echo(message="hello") then everything__get-sum(a=2, b=40)`,
  `memory__create_entities {"entities":[{"name":"MCP","entityType":"protocol","observations":["works"]}]}`,
  `thinking__sequentialthinking(thought="one", nextThoughtNeeded=false, thoughtNumber=1, totalThoughts=1) then everything__trigger-long-running-operation(duration=0.2, steps=2)`,
];

test.each([true, false])(
  "a session with four official servers plays without them, 20 of 20 times (streaming: %s)",
  async (streaming) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "session.cassette.jsonl");
    const mcpServers = fourServers(folder.path);
    const prompts = promptsFor(folder.path);
    const session = { config: { mcpServers }, prompts, streaming, home: folder.path };
    const recorded = await taped({ path, mode: "record" }, session);
    expect(recorded.problems).toEqual([]);
    expect(recorded.transcript).toContain("from the file, with an umlaut: ü");
    expect(recorded.transcript).toContain("42");
    for (let time = 0; time < 20; time++) {
      const played = await taped(
        { path, mode: "replay", strict: true },
        { ...session, config: { mcpServers: uninstalled(mcpServers) } },
      );
      expect([played.misses, played.problems]).toEqual([[], []]);
      expect(played.transcript).toBe(recorded.transcript);
    }
    const progress = (await taped({ path, mode: "replay" }, session)).live.filter(
      ({ type }) => type === "tool_progress",
    );
    expect(progress).toEqual(recorded.live.filter(({ type }) => type === "tool_progress"));
  },
  120_000,
);

test("what an unset llm.active stood for is in the cassette; nothing of the machine is asked or written when it plays", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "demo.cassette.jsonl");
  const session = { config: {}, prompts: ["Add 2 and 40"], home: join(folder.path, "home") };
  const recorded = await taped({ path, mode: "record" }, session);
  const home = join(folder.path, "other-home");
  const env = { OPENAI_API_KEY: "sk-of-another-person-0123456789" };
  const played = await taped({ path, mode: "replay", strict: true }, { ...session, env, home });
  expect([played.misses, played.problems]).toEqual([[], []]);
  expect(played.transcript).toBe(recorded.transcript);
  expect(existsSync(home)).toBe(false);
});

test("a lazy server needs no lists of an earlier run", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "lazy.cassette.jsonl");
  const servers = { everything: { ...official("everything", "stdio"), lazy: true } };
  const session = { config: { mcpServers: servers }, prompts: ["everything__get-sum(a=2, b=40)"], home: folder.path };
  const recorded = await taped({ path, mode: "record" }, session);
  expect(recorded.transcript).toContain("42");
  const nowhere = { ...session, config: { mcpServers: uninstalled(servers) }, home: join(folder.path, "other") };
  const played = await taped({ path, mode: "replay", strict: true }, nowhere);
  expect([played.misses, played.problems]).toEqual([[], []]);
  expect(played.transcript).toBe(recorded.transcript);
});

test("a turn that was cancelled in the middle of an answer is cancelled again, and nothing is waited for", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "cancel.cassette.jsonl");
  await using server = await startLlmServer([stream([chunk({ content: "half of" }), stall])]);
  const llm = {
    active: "test",
    providers: { test: { base_url: server.url, model: "m1", api_key: "sk-test-0123456789" } },
  };
  const cancelled = async (app: App) => {
    const session = app.sessions.open("cancelled");
    const types: string[] = [];
    for await (const event of session.prompt({ requestId: "c", text: "go", streaming: true })) {
      types.push(event.type);
      if (event.type === "text_delta") session.cancel();
    }
    seen.push(types);
  };
  const seen: string[][] = [];
  const session = { config: { llm }, prompts: [], home: folder.path, work: cancelled };
  await taped({ path, mode: "record" }, session);
  expect(linesOf(path).at(-1)).toContain('"open":true');
  const { misses } = await taped({ path, mode: "replay" }, session);
  expect(misses).toEqual([]);
  expect(seen[1]).toEqual(seen[0]);
});

test("links are alive while they play: pings are answered, and are not recorded", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "ping.cassette.jsonl");
  const servers = { everything: { ...official("everything", "stdio"), ping_interval: "30ms" } };
  const pinged = async (app: App) => {
    const before = app.hub.servers()[0]?.latencyMs;
    await until(() => app.hub.servers()[0]?.latencyMs !== before);
    expect(app.hub.servers()[0]?.state).toBe("ready");
  };
  const session = { config: { mcpServers: servers }, prompts: [], home: folder.path, work: pinged };
  await taped({ path, mode: "record" }, session);
  expect(linesOf(path).join("\n")).not.toContain("ping");
  const quiet = async (app: App) => {
    await new Promise((done) => setTimeout(done, 150)); // a few intervals, in which nothing may happen
    expect(app.hub.servers()[0]?.state).toBe("ready");
  };
  await taped({ path, mode: "replay" }, { ...session, config: { mcpServers: uninstalled(servers) }, work: quiet });
});
