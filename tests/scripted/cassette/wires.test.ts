import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { withTape } from "../../../src/host/tape.js";
import { Models } from "../../../src/llm/providers/models.js";
import { LogTape } from "../../../src/scripted/from-log/log-tape.js";
import { scriptedTape } from "../../../src/scripted/model/scripted-model.js";
import { fixtureServer } from "../../support/app.js";
import { llmConfig } from "../../support/llm-config.js";
import { answer as chatAnswer, startLlmServer, toolCalls } from "../../support/llm-server.js";
import { temporaryFolder } from "../../support/mcp-hub.js";
import { answer, calls, says, startAnthropic, startGemini, startOpenAi, thinks } from "../../support/strict/index.js";
import { linesOf, taped } from "../../support/taped.js";

const mcpServers = { s: fixtureServer() };
const key = "sk-test-0123456789";

test.each([
  ["responses", startOpenAi, "gpt-5.6-sol"],
  ["messages", startAnthropic, "claude-opus-5-5"],
  ["gemini", startGemini, "gemini-3.5-pro"],
] as const)("a session over %s is recorded, and played from that alone", async (wire, start, model) => {
  using folder = temporaryFolder();
  const path = join(folder.path, "s.cassette.jsonl");
  await using mock = await start([
    answer(thinks("hm"), calls("s__big", { bytes: 3000 })),
    answer(thinks("so"), says("one")),
    answer("two"),
  ]);
  const providers = { test: { base_url: mock.url, wire, model, api_key: key } };
  const session = {
    config: { llm: { active: "test", providers }, mcpServers },
    prompts: ["a", "b"],
    home: folder.path,
  };
  const recorded = await taped({ path, mode: "record" }, session);
  const played = await taped({ path, mode: "replay", strict: true }, session);
  expect([played.misses, played.problems]).toEqual([[], []]);
  expect(played.transcript).toBe(recorded.transcript);
  expect(mock.requests).toHaveLength(3);
  // The long text is stored once, or twice if a request marks it for the cache, however many requests repeat it.
  expect(linesOf(path).filter((line) => line.includes("x".repeat(2000))).length).toBeLessThanOrEqual(3);
});

test("what was recorded by one wire is played by it, whatever the configuration says by now", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "s.cassette.jsonl");
  await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: { a: 1 } }]), chatAnswer("done")]);
  const session = (openai: object) => ({
    config: { llm: { active: "openai", providers: { openai: { model: "gpt-4.1", ...openai } } }, mcpServers },
    prompts: ["a"],
    home: folder.path,
  });
  const recorded = await taped({ path, mode: "record" }, session({ base_url: llm.url, api_key: key }));
  const played = await taped({ path, mode: "replay", strict: true }, session({}));
  expect([played.misses, played.problems]).toEqual([[], []]);
  expect(played.transcript).toBe(recorded.transcript);
});

test("what a log or a script answers is asked for as Chat Completions, of every preset", () => {
  const tapes = [new LogTape([], new Map()), scriptedTape({ answer: () => Promise.reject(new Error("not asked")) })];
  for (const tape of tapes)
    for (const active of ["openai", "anthropic", "gemini", "xai"]) {
      const config = { ...llmConfig(""), active, providers: {} };
      expect(new Models(withTape(config, tape, {}), {}).resolve("m").provider.wire).toBe("chat");
    }
});
