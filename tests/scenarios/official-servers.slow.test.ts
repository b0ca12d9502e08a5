import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { type ContentPart, textOf } from "../../src/core/messages.js";
import { collect, script, startApp } from "../support/app.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";

const official = (name: string, ...args: string[]) =>
  script(`node_modules/@modelcontextprotocol/server-${name}/dist/index.js`, ...args);

test("four official servers in one conversation, a tool of each, four at once in one hop", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
  mkdirSync(join(folder, "files"));
  writeFileSync(join(folder, "files", "note.txt"), "the note's text");
  const thought = { thought: "first", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 };
  const entity = { name: "host", entityType: "program", observations: ["uses tools"] };
  const calls = [
    { name: "everything__echo", arguments: { message: "hello there" } },
    { name: "filesystem__read_text_file", arguments: { path: join(folder, "files", "note.txt") } },
    { name: "memory__create_entities", arguments: { entities: [entity] } },
    { name: "thinking__sequentialthinking", arguments: thought },
  ];
  await using llm = await startLlmServer([
    toolCalls(calls),
    toolCalls([{ name: "memory__read_graph", arguments: {} }]),
    answer("all done"),
  ]);
  await using app = await startApp({
    llm: llm.url,
    mcpServers: {
      everything: official("everything", "stdio"),
      filesystem: official("filesystem", join(folder, "files")),
      memory: { ...official("memory"), env: { MEMORY_FILE_PATH: join(folder, "memory.jsonl") } },
      thinking: official("sequential-thinking"),
    },
  });
  const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "use them all" }));

  const results = new Map<string, { text: string; isError: boolean }>();
  for (const event of events) {
    if (event.type !== "tool_result") continue;
    results.set(event.name, { text: textOf(event.content as ContentPart[]), isError: event.isError });
  }
  expect([...results.values()].map(({ isError }) => isError)).toEqual([false, false, false, false, false]);
  expect(results.get("everything__echo")?.text).toContain("hello there");
  expect(results.get("filesystem__read_text_file")?.text).toContain("the note's text");
  expect(results.get("memory__read_graph")?.text).toContain("uses tools");
  const order = events.map(({ type }) => type).filter((type) => type === "tool_sent" || type === "tool_result");
  expect(order.slice(0, 4)).toEqual(Array(4).fill("tool_sent"));
  expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  await app.close();
  await rm(folder, { recursive: true });
});
