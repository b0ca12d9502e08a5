import { Readable } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { asFetch } from "../../src/mcp/http/as-fetch.js";

const kilobyte = Buffer.alloc(1024, "x");
const longest = 64 * 1024;

/** Reads an answer made of these pieces. Resolves to the number of bytes. */
async function read(contentType: string, pieces: Iterable<Buffer>, most = longest): Promise<number> {
  const headers = { "content-type": contentType };
  const answer = { status: 200, statusText: "OK", headers, body: Readable.from(pieces) };
  const response = await asFetch(async () => answer, most)("http://127.0.0.1/sse");
  let bytes = 0;
  for await (const chunk of response.body ?? []) bytes += chunk.length;
  return bytes;
}

function readTexts(pieces: readonly string[]): Promise<number> {
  return read(
    "text/event-stream",
    pieces.map((piece) => Buffer.from(piece)),
    64 * 1024 * 1024,
  );
}

function* times(count: number, ...pieces: Buffer[]): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield* pieces;
}

describe("what a server of HTTP+SSE sends", () => {
  test.each([
    ["an event without an end", "text/event-stream", [kilobyte]],
    ["an event of many lines", "text/event-stream", [kilobyte, Buffer.from("\ndata: ")]],
    ["another body without an end", "text/plain", [kilobyte, Buffer.from("\n\n")]],
  ])("%s is cut at the limit", async (_, contentType, pieces) => {
    await expect(read(contentType, times(100, ...pieces))).rejects.toThrow("a message of more than 65536 bytes");
  });

  test.each([["\n\n"], ["\r\r"], ["\r\n\r\n"]])(
    "a stream of any length is read, whose events end with %j",
    async (end) => {
      const [one, two] = [Buffer.from(end.slice(0, end.length / 2)), Buffer.from(end.slice(end.length / 2))];
      await expect(read("text/event-stream", times(80, kilobyte, one, two))).resolves.toBe(
        80 * (kilobyte.length + end.length),
      );
    },
  );

  test.each([
    [500_000, "is read"],
    [500_001, "is cut"],
  ])("an event with %d lists in a list %s, and what is not JSON does not count", async (count, outcome) => {
    const json = `data: [${"[],".repeat(count - 1)}[]]`; // each list is a bracket and, but for the last one, a comma
    const pieces = [
      `event: ${",".repeat(999_999)}\n\nevent: message\n`,
      json.slice(0, 700_000),
      json.slice(700_000),
      "\n\n",
    ];
    const bytes = readTexts(pieces);
    if (outcome === "is read") await expect(bytes).resolves.toBe(pieces.join("").length);
    else await expect(bytes).rejects.toThrow("a message of more than 1,000,000 values");
  });

  const many = `data: [${"{},".repeat(600_000)}{}]`;
  const note = `data: ${JSON.stringify({ method: "notifications/message", params: { data: "step [1 of 2] done" } })}\n\n`;
  const table = `data: ${JSON.stringify({ result: { content: [{ type: "text", text: "7,".repeat(1_200_000) }] } })}\n\n`;

  test.each([
    ["a comment with a quote", [`: ["\n${many}\n\n`]],
    ["another field with a quote", [`event: ["\n${many}\n\n`]],
    ["a message that ends in the same chunk", [note.slice(0, 80), `${note.slice(80)}${many}\n\n`]],
  ])("an event with too many values is cut after %s", async (_, pieces) => {
    await expect(readTexts(pieces)).rejects.toThrow("a message of more than 1,000,000 values");
  });

  test("an event whose lines together have too many values is cut", async () => {
    await expect(readTexts([many.replaceAll("{},{},{},", "{},{},\ndata: {},"), "\n", "\n"])).rejects.toThrow(
      "a message of more than 1,000,000 values",
    );
  });

  test.each(["\n", "\r", "\r\n"])("an event of a million short lines that end with %j is cut", async (end) => {
    const lines = `data:x${end}`.repeat(6_000);
    const many = Array<string>(100).fill(lines);
    await expect(readTexts([...many, end, ...many])).resolves.toBe(200 * lines.length + end.length);
    await expect(readTexts([...many, ...many])).rejects.toThrow("a message of more than 64 MB");
  });

  test("a long text with commas is read, wherever the message before it is split", async () => {
    for (const at of [1, note.indexOf("step"), note.indexOf("done"), note.length - 1]) {
      const pieces = [note.slice(0, at), note.slice(at) + table.slice(0, 1000), table.slice(1000)];
      await expect(readTexts(pieces)).resolves.toBe(note.length + table.length);
    }
  });
});
