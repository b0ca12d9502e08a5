import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Cleaner } from "../../../src/scripted/cassette/file/clean.js";
import type { CallEntry, Entry, ModelEntry } from "../../../src/scripted/cassette/file/format.js";
import { readCassette } from "../../../src/scripted/cassette/file/read.js";
import { bytesOf, chunksOf } from "../../../src/scripted/cassette/file/recorded-chunks.js";
import { cassetteText, writeCassette } from "../../../src/scripted/cassette/file/write.js";
import { temporaryFolder } from "../../support/mcp-hub.js";

const secret = "Zq8vN3/xT+né-of-4567";

/** Writes the entries to a cassette file and returns its text and the entries read back from it. */
function writtenWith(secrets: readonly string[], ...entries: Entry[]): { text: string; read: Entry[] } {
  using folder = temporaryFolder();
  const cleaner = new Cleaner();
  cleaner.conceal(secrets);
  const text = cassetteText({ cassette: 1 }, entries, cleaner);
  const path = join(folder.path, "a.cassette.jsonl");
  writeFileSync(path, text);
  return { text, read: readCassette(path)?.entries ?? [] };
}

function called(result: CallEntry["result"]): CallEntry {
  return { mcp: "s", method: "tools/call", params: { name: "t", arguments: {} }, ms: 0, result };
}

const said = (text: string) => called({ content: [{ type: "text", text }] });

function answered(bytes: Buffer, type = "text/event-stream"): ModelEntry {
  return {
    llm: { provider: "test", model: "m1", path: "/v1/chat/completions" },
    request: { messages: [] },
    response: { status: 200, headers: { "content-type": type } },
    chunks: chunksOf([[0, bytes]], 0, type === "text/event-stream"),
  };
}

const bodyOf = (entries: readonly Entry[]) =>
  Buffer.concat((entries as ModelEntry[]).flatMap(({ chunks }) => chunks.map(bytesOf))).toString();

describe("a secret that comes letter by letter is not in the cassette", () => {
  const inLetters = (delta: (letter: string) => object, framed: (json: string) => string) =>
    Buffer.from(
      [...secret].map((letter) => framed(JSON.stringify({ choices: [{ index: 0, delta: delta(letter) }] }))).join(""),
    );

  test.each([
    ["a comment before it", (json: string) => `: ping\ndata: ${json}\n\n`],
    ["an event id", (json: string) => `id: 7\ndata: ${json}\n\n`],
    ["an event type behind it", (json: string) => `data: ${json}\nevent: message\n\n`],
    ["Windows line ends", (json: string) => `data: ${json}\r\n\r\n`],
  ])("in events with %s", (_, framed) => {
    const { read } = writtenWith([secret], answered(inLetters((content) => ({ content }), framed)));
    const letters = [...bodyOf(read).matchAll(/"content":"(.*?)"\}/g)].map(([, letter]) => letter).join("");
    expect(letters).toBe("[redacted]");
  });

  test.each([
    ["a refusal", (refusal: string) => ({ refusal })],
    ["parts of content", (text: string) => ({ content: [{ type: "text", text }] })],
    ["details of reasoning", (text: string) => ({ reasoning_details: [{ type: "reasoning.text", text, index: 0 }] })],
  ])("as %s", (_, delta) => {
    const { read } = writtenWith([secret], answered(inLetters(delta, (json) => `data: ${json}\n\n`)));
    const letters = [...bodyOf(read).matchAll(/"(?:refusal|text)":"(.*?)"/g)].map(([, letter]) => letter).join("");
    expect(letters).toBe("[redacted]");
  });
});

test("a secret in an answer with bytes that are not UTF-8 is not in the cassette", () => {
  const bytes = Buffer.concat([Buffer.from(`{"error":"bad key ${secret} `), Buffer.from([0xff]), Buffer.from('"}')]);
  expect(bodyOf(writtenWith([secret], answered(bytes, "application/json")).read)).toBe(
    '{"error":"bad key [redacted] \ufffd"}',
  );
});

test.each([
  ["slashes escaped", `{"k":"${secret.replaceAll("/", "\\/")}"}`],
  ["letters escaped", `{"k":"${secret.replace("é", "\\u00e9")}"}`],
  ["small letters in percents", encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase())],
  ["base64", Buffer.from(`${secret}.`).toString("base64")],
  ["base64 behind one byte", Buffer.from(`:${secret}..`).toString("base64")],
  ["base64 behind two bytes", Buffer.from(`a:${secret}`).toString("base64")],
  ["base64 for URLs", Buffer.from(`a:${secret}`).toString("base64url")],
])("a secret with %s is not in the cassette", (_, way) => {
  const { text } = writtenWith([secret], said(`got: ${way}`), called({ contents: [{ uri: "a:b", blob: way }] }));
  expect(text).toContain("[redacted]");
  expect(text).not.toContain(way.slice(4, -4));
});

test("a secret that is a number, or has quotes of its own, leaves the cassette readable", () => {
  const { text, read } = writtenWith(
    ["20240117", '"quoted-0123"'],
    called({ content: [], structuredContent: { code: 20240117, key: "quoted-0123" } }),
  );
  expect(text).not.toContain("20240117");
  expect(read).toMatchObject([{ result: { structuredContent: { code: "[redacted]" } } }]);
});

test("a number is as secret as its key says", () => {
  const { read } = writtenWith(
    [],
    called({ content: [], structuredContent: { secret: 12345678, max_tokens: 12345678 } }),
  );
  expect(read).toMatchObject([{ result: { structuredContent: { secret: "[redacted]", max_tokens: 12345678 } } }]);
});

test("an event is found where it is, not where the same words stand before it", () => {
  const line = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: '{"password":"hunter22"}' } }] })}`;
  const { read } = writtenWith([], answered(Buffer.from(`: ${line}\n${line}\n\n`)));
  expect(bodyOf(read)).not.toContain("hunter22");
});

test("ids that are not a list of texts are an error of their line, not a broken connection", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a.cassette.jsonl");
  writeFileSync(path, `{"cassette":1}\n${JSON.stringify({ ...answered(Buffer.from("x")), ids: 5 })}\n`);
  expect(() => readCassette(path)).toThrow(/a\.cassette\.jsonl:2:1: ids must be a list of texts/);
});

test("a byte order mark and Windows line ends are skipped in a cassette", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a.cassette.jsonl");
  writeFileSync(path, `\ufeff{"cassette":1}\r\n${JSON.stringify(said("hi"))}\r\n`);
  expect(readCassette(path)?.entries).toMatchObject([said("hi")]);
});

test("of two recordings into one file at the same time, one is there, whole", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a.cassette.jsonl");
  const texts = ["a".repeat(20_000_000), "b".repeat(1_000_000)];
  await Promise.all(texts.map((text) => writeCassette(path, text)));
  expect(texts.includes(readFileSync(path, "utf8"))).toBe(true);
  expect(readdirSync(folder.path)).toEqual(["a.cassette.jsonl"]);
});

test("a cassette behind a symbolic link is written where the link leads", async () => {
  using folder = temporaryFolder();
  const [real, link] = ["real.jsonl", "link.jsonl"].map((name) => join(folder.path, name)) as [string, string];
  writeFileSync(real, "old");
  symlinkSync(real, link);
  await writeCassette(link, "new");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, "utf8")).toBe("new");
});
