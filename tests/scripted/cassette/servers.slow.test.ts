import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { textOf } from "../../../src/core/messages.js";
import type { App } from "../../../src/host/app.js";
import { script } from "../../support/app.js";
import { everything } from "../../support/mcp-http.js";
import { temporaryFolder, until } from "../../support/mcp-hub.js";
import { modernServer, type Way, ways } from "../../support/modern-server.js";
import { linesOf, type TapedSession, taped } from "../../support/taped.js";

async function everythingOver(way: "stdio" | "http" | "sse"): Promise<AsyncDisposable & { server: object }> {
  if (way === "stdio") {
    const server = script("node_modules/@modelcontextprotocol/server-everything/dist/index.js", "stdio");
    return { server, async [Symbol.asyncDispose]() {} };
  }
  const http = await everything(way === "sse" ? "sse" : "streamableHttp");
  return {
    server: { url: http.url, type: way },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

const hasTool = (name: string) => async (app: App) => until(() => app.hub.tools().some((tool) => tool.name === name));

const form = { action: "accept", content: { name: "Ada", check: true } };

test.each(["stdio", "http", "sse"] as const)(
  "what a server asks during a call is asked again when played: the model, the person, the folders (%s)",
  async (way) => {
    using folder = temporaryFolder();
    const path = `${folder.path}/asked.cassette.jsonl`;
    const sessionWith = (server: object): TapedSession => ({
      config: { mcpServers: { s: { roots: [folder.path], sampling: "allow", ...server } } },
      prompts: [
        's__trigger-sampling-request(prompt="say hi", maxTokens=50)',
        "s__trigger-elicitation-request()",
        "s__get-roots-list()",
      ],
      answer: form,
      home: folder.path,
      work: hasTool("s__trigger-elicitation-request"),
    });
    const { recorded, server } = await (async () => {
      await using live = await everythingOver(way);
      return { server: live.server, recorded: await taped({ path, mode: "record" }, sessionWith(live.server)) };
    })();
    expect(recorded.transcript).toContain("I am the demo model");
    expect(recorded.transcript).toContain("Ada");
    expect(readFileSync(path, "utf8")).toContain('"method":"sampling/createMessage"');

    const gone = way === "stdio" ? { ...server, command: "/nowhere/at-all" } : server;
    const elsewhere = sessionWith({ ...gone, roots: ["/tmp"] });
    const played = await taped({ path, mode: "replay", strict: true }, elsewhere);
    expect([played.misses, played.problems]).toEqual([[], []]);
    expect(played.transcript).toBe(recorded.transcript);

    const otherwise = { ...form, content: { name: "Eve", check: true } };
    const changed = await taped({ path, mode: "replay" }, { ...elsewhere, answer: otherwise });
    expect(changed.misses[0]).toBe(
      'elicitation/create had another answer when it was recorded:\n  $.result.content.name\n    recorded: "Ada"\n    now:      "Eve"',
    );
  },
);

const prompts: Record<string, readonly string[]> = {
  "mcp-official.mjs": ["m__ask()", "m__learn()", "m__learned1()", "m__log()", "m__add(a=1, b=2)"],
  "mcp-modern.mjs": [
    "m__ask()",
    'm__shard(region="eu")',
    'm__task {"plan":[{"status":"working","statusMessage":"half"},{"status":"completed","result":{"content":[{"type":"text","text":"done"}]}}]}',
    "m__grow()",
    "m__echo(word=last)",
  ],
};
const eachServer = Object.keys(prompts).flatMap((name) => ways.map((way): [string, Way] => [name, way]));

test.each(eachServer)(
  "a server of 2026-07-28 plays with its input rounds, tasks and changes of lists (%s, %s)",
  async (name, way) => {
    using folder = temporaryFolder();
    const path = `${folder.path}/modern.cassette.jsonl`;
    const sessionWith = (server: object): TapedSession => ({
      config: { mcpServers: { m: server } },
      prompts: prompts[name] ?? [],
      answer: { action: "accept", content: { n: 7 } },
      home: folder.path,
    });
    const { recorded, server } = await (async () => {
      await using live = await modernServer(way, {}, name as "mcp-modern.mjs");
      const { config } = live;
      const args = [resolve("tests/support", name), "{}"];
      const server =
        config.transport === "stdio" ? { command: process.execPath, args } : { url: config.url, type: "http" };
      return { server, recorded: await taped({ path, mode: "record" }, sessionWith(server)) };
    })();
    expect(recorded.transcript).toContain(name === "mcp-official.mjs" ? "n is 7" : "done");
    const nowhere = { ...server, ...("command" in server && { command: "/nowhere/at-all" }) };
    for (let time = 0; time < 5; time++) {
      const played = await taped({ path, mode: "replay", strict: true }, sessionWith(nowhere));
      expect([played.misses, played.problems]).toEqual([[], []]);
      expect(played.transcript).toBe(recorded.transcript);
    }
    if (name === "mcp-official.mjs") expect(linesOf(path).join("\n")).toContain("low on disk");
  },
);

test("prompts, resources and completions play too", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/read.cassette.jsonl`;
  const server = script("node_modules/@modelcontextprotocol/server-everything/dist/index.js", "stdio");
  const seen: string[] = [];
  const work = async (app: App) => {
    const { hub } = app;
    seen.push(textOf(await hub.applyPrompt("s__args-prompt", { city: "Paris" })));
    seen.push(textOf(await hub.readResource("demo://resource/static/document/features.md")).slice(0, 40));
    seen.push(
      `${await hub.mcpResults.complete({ prompt: "s__completable-prompt" }, { name: "department", value: "E" })}`,
    );
    await expect(hub.readResource("demo://resource/none")).rejects.toMatchObject({ kind: expect.any(String) });
  };
  const session = (command: object): TapedSession => ({
    config: { mcpServers: { s: { ...server, ...command } } },
    prompts: [],
    home: folder.path,
    work,
  });
  await taped({ path, mode: "record" }, session({}));
  const played = await taped({ path, mode: "replay", strict: true }, session({ command: "/nowhere/at-all" }));
  expect([played.misses, played.problems]).toEqual([[], []]);
  expect(seen.slice(3)).toEqual(seen.slice(0, 3));
  expect(seen[2]).toBe("Engineering");
});

test("a server that crashed in a call crashes again, and comes back", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/crash.cassette.jsonl`;
  const server = script("tests/support/mcp-server.mjs", "{}");
  const session: TapedSession = {
    config: { mcpServers: { s: server } },
    prompts: ["s__crash()", "s__echo()"],
    home: folder.path,
  };
  const recorded = await taped({ path, mode: "record" }, session);
  expect(recorded.transcript).toContain("its outcome is unknown");
  const nowhere = { ...session, config: { mcpServers: { s: { ...server, command: "/nowhere/at-all" } } } };
  const played = await taped({ path, mode: "replay" }, nowhere);
  expect(played.transcript).toBe(recorded.transcript);
});
