import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openCassette } from "../../../src/scripted/cassette/cassette.js";
import { temporaryFolder } from "../../support/mcp-hub.js";
import { linesOf, type TapedSession, taped } from "../../support/taped.js";

const folder = temporaryFolder();
const path = join(folder.path, "loose.cassette.jsonl");
const session: TapedSession = { config: {}, prompts: ["Add 2 and 40 with the add tool"], home: folder.path };
/** Another model of the same provider, with other parameters. */
const another = { llm: { active: "demo", providers: { demo: { model: "demo-2", temperature: 0.7 } } } };

beforeAll(async () => {
  await taped({ path, mode: "record", match: "messages" }, session);
});
afterAll(() => folder[Symbol.dispose]());

test("entries that match by messages hold nothing else of the request", () => {
  const requests = linesOf(path)
    .map((line) => JSON.parse(line))
    .filter((line) => line.llm && line.request);
  expect(requests.map(({ match, request }) => [match, Object.keys(request)])).toEqual(
    Array(2).fill(["messages", ["messages"]]),
  );
  expect(JSON.stringify(requests)).not.toContain('"role":"system"');
});

test("recorded answers match whatever the model, its parameters and the system prompt are, in order or not", async () => {
  for (const strict of [false, true]) {
    const { transcript, misses, problems } = await taped(
      { path, mode: "replay", strict },
      { ...session, config: { ...another, mcpServers: {} } },
    );
    expect([misses, problems]).toEqual([[], []]);
    expect(transcript).toContain("The answer is 42.");
  }
});

test("other messages are missed, with a diff of the messages", async () => {
  const { misses } = await taped({ path, mode: "replay" }, { ...session, prompts: ["Add 2 and 41 with the add tool"] });
  expect(misses[0]).toMatch(/\(llm demo\); the nearest one, line \d+, is different:\n {2}\$\.messages\[0\]\.content\n/);
  expect(misses[0]).not.toContain("$.tools");
});

test('`match` accepts no value but "messages"', async () => {
  const wrong = join(folder.path, "wrong.cassette.jsonl");
  writeFileSync(wrong, readFileSync(path, "utf8").replace('"match":"messages"', '"match":"anything"'));
  await expect(openCassette({ path: wrong, mode: "replay" })).rejects.toThrow(/match can be "messages" alone/);
});
