import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openCassette } from "../../../src/scripted/cassette/cassette.js";
import { temporaryFolder } from "../../support/mcp-hub.js";
import { linesOf, type TapedSession, taped } from "../../support/taped.js";

const folder = temporaryFolder();
const path = join(folder.path, "demo.cassette.jsonl");
const edited = join(folder.path, "edited.cassette.jsonl");
const session: TapedSession = {
  config: {},
  prompts: ["Add 2 and 40 with the add tool", "Echo hello"],
  home: folder.path,
};

beforeAll(async () => {
  const { transcript } = await taped({ path, mode: "record" }, session);
  expect(transcript).toContain("The answer is 42.");
});
afterAll(() => folder[Symbol.dispose]());

/** Changes lines of the cassette. The line numbers stay, as an editor shows them. */
function edit(change: (lines: string[]) => string[]): void {
  writeFileSync(edited, `${change(linesOf(path)).join("\n")}\n`);
}

const lineOf = (part: string) => linesOf(path).findIndex((line) => line.includes(part)) + 1;

/** Returns the first miss. The path of this run's folder is removed from its text. */
async function missOf(prompts: readonly string[], strict = false): Promise<string> {
  const { misses } = await taped({ path: edited, mode: "replay", strict }, { ...session, prompts });
  return (misses[0] ?? "").replaceAll(folder.path, "");
}

test("nothing is missed and everything used in the session that was recorded", async () => {
  const { misses, problems } = await taped({ path, mode: "replay", strict: true }, session);
  expect([misses, problems]).toEqual([[], []]);
});

test("a deleted line is missed: a call", async () => {
  const call = lineOf('"name":"add"},"ms"');
  edit((lines) => lines.toSpliced(call - 1, 1));
  const echo = lineOf('"name":"echo"},"ms"') - 1;
  expect(await missOf(session.prompts)).toBe(
    [
      "nothing recorded in /edited.cassette.jsonl answers this request (mcp demo tools/call); " +
        `the nearest one, line ${echo}, is different:`,
      "  $.arguments.a\n    recorded: (nothing)\n    now:      2",
      "  $.arguments.b\n    recorded: (nothing)\n    now:      40",
      '  $.arguments.text\n    recorded: "hello"\n    now:      (nothing)',
      '  $.name\n    recorded: "echo"\n    now:      "add"',
    ].join("\n"),
  );
});

test("a deleted line is missed: an answer of the model", async () => {
  const models = linesOf(path).flatMap((line, index) => (line.startsWith('{"llm"') ? [index] : []));
  edit((lines) => lines.toSpliced(models[1] ?? 0, 1));
  expect(await missOf(session.prompts)).toMatch(
    /^nothing recorded in \S+ answers this request \(llm demo\); the nearest one, line \d+, is different:\n {2}\$\.messages\[4\]/,
  );
});

test("a changed argument is missed, and shown", async () => {
  edit((lines) => lines.map((line) => line.replace('{"arguments":{"a":2,"b":40}', '{"arguments":{"a":3,"b":40}')));
  expect(await missOf(session.prompts)).toBe(
    `nothing recorded in /edited.cassette.jsonl answers this request (mcp demo tools/call); the nearest one, line ${lineOf('"name":"add"},"ms"')}, ` +
      "is different:\n  $.arguments.a\n    recorded: 3\n    now:      2",
  );
});

test("a step more is missed, in order or not", async () => {
  edit((lines) => lines);
  const more = [...session.prompts, "Echo again"];
  expect(await missOf(more)).toMatch(/\(llm demo\); the nearest one, line \d+, is different:\n {2}\$\.messages\[8\]/);
  expect(await missOf(more, true)).toMatch(/\(llm demo\); all recorded requests are used$/);
});

test("a step in another place is found out of order, and missed where the order counts", async () => {
  edit((lines) => lines);
  expect(await missOf(["Echo hello"], true)).toMatch(
    /; the next one, line \d+, is different:\n {2}\$\.messages\[1\]\.content\n {4}recorded: "Add 2 and 40 with the add tool"\n {4}now: {6}"Echo hello"$/,
  );
});

test("a repeated request that was recorded once is missed", async () => {
  const { tape } = await openCassette({ path, mode: "replay" });
  const call = () =>
    tape.server(
      {
        server: "demo",
        method: "tools/call",
        params: { name: "echo", arguments: { text: "hello" } },
        signal: AbortSignal.timeout(5000),
      },
      { progress() {}, notified() {}, closed() {}, ask: () => Promise.reject(new Error("nobody")) },
      () => Promise.reject(new Error("there is no wire")),
    );
  expect(await call()).toMatchObject({ result: { content: [{ text: "hello" }] } });
  await expect(call()).rejects.toMatchObject({
    kind: "cassette",
    retryable: false,
    message: expect.stringMatching(/once more: line \d+ did, and is used$/),
  });
});

test("strict, an unused line is a problem, and where it is is said", async () => {
  const { problems } = await taped(
    { path, mode: "replay", strict: true },
    { ...session, prompts: session.prompts.slice(0, 1) },
  );
  expect(problems.map((problem) => problem.replace(folder.path, ""))).toEqual([
    expect.stringMatching(/^\/demo\.cassette\.jsonl:\d+: this recorded request was not sent \(llm demo\)$/),
    expect.stringMatching(/this recorded request was not sent \(mcp demo tools\/call\)$/),
    expect.stringMatching(/this recorded request was not sent \(llm demo\)$/),
  ]);
});

test("what is missing is recorded, and the rest is played", async () => {
  const calls = linesOf(path).findIndex((line) => line.includes('"name":"add"},"ms"'));
  edit((lines) =>
    lines
      .toSpliced(calls, 1)
      .map((line) =>
        line.replaceAll(
          '"content":[{"type":"text","text":"hello"}]',
          '"content":[{"type":"text","text":"hello from the tape"}]',
        ),
      ),
  );
  const { transcript, problems } = await taped({ path: edited, mode: "record-missing" }, session);
  expect(problems).toEqual([]);
  expect(transcript).toContain("hello from the tape");
  const { transcript: again, misses } = await taped({ path: edited, mode: "replay" }, session);
  expect(misses).toEqual([]);
  expect(again).toBe(transcript);
});

test("recorded again, the same session is the same but for pauses and the model's words", async () => {
  const second = join(folder.path, "second.cassette.jsonl");
  await taped({ path: second, mode: "record" }, session);
  const still = (file: string) =>
    linesOf(file).map((line) =>
      line
        .replace(/"ms":\d+/g, '"ms":0')
        .replace(/\[\d+,"data/g, '[0,"data')
        .replace(/(chatcmpl|call)_[0-9a-f]{32}/g, "$1")
        .replace(/\\"created\\":\d+/g, ""),
    );
  expect(still(second)).toEqual(still(path));
});

test.each([
  ["no JSON", 2, "{", /edited\.cassette\.jsonl:2:1: .*JSON/],
  ["no line of a cassette", 3, '{"a":1}', /:3:1: the line has neither llm, mcp nor part/],
  ["another version", 1, '{"cassette":2}', /:1:1: a cassette of version 2; this host reads 1/],
  ["no head", 1, "[]", /:1:1: not a JSON object/],
  [
    "no answer",
    4,
    '{"mcp":"s","method":"tools/call","params":{}}',
    /:4:1: a request to a server has result, error, failure or open/,
  ],
  ["a model line without a request", 5, '{"llm":{"provider":"a","model":"b"}}', /:5:1: request must be an object/],
  [
    "an unknown part",
    6,
    '{"llm":{"provider":"a","model":"b"},"request":{"tools":{"$part":"x"}},"response":{"status":200,"headers":{}},"chunks":[]}',
    /:6:1: no line before has the part x/,
  ],
])("a malformed line has its place: %s", async (_what, line, text, message) => {
  edit((lines) => lines.toSpliced(line - 1, 1, text));
  await expect(openCassette({ path: edited, mode: "replay" })).rejects.toThrow(message);
});

test("a cassette that is not there is named, with what to do", async () => {
  const open = openCassette({ path: join(folder.path, "none.jsonl"), mode: "replay" });
  await expect(open).rejects.toThrow(/none\.jsonl: there is no such cassette; record it first \(--record\)/);
});
