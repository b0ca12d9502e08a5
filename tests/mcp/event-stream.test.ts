import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { expect, test } from "@jest/globals";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { readEvents } from "../../src/mcp/http/read-event-stream.js";
import { EventSize } from "../../src/outbound/event-size.js";

/** Returns the events of a stream that arrives in these pieces. */
async function read(pieces: readonly string[]): Promise<string[]> {
  const body = new PassThrough();
  const found: string[] = [];
  const ended = new Promise<void>((resolve) => {
    readEvents(body, { event: ({ data }) => found.push(data), ended: () => resolve() });
  });
  for (const piece of pieces) {
    const arrived = once(body, "data");
    body.write(piece);
    await arrived;
  }
  body.end();
  await ended;
  return found;
}

/** Returns the events of a text as the specification defines them. */
function parsed(text: string): string[] {
  const found: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => found.push(data) });
  parser.feed(text.replace(/^\uFEFF/, ""));
  parser.feed("\n\n");
  return found;
}

const line = fc.constantFrom(
  "event: message",
  "data: {}",
  "data: é 1",
  "data:2",
  "data: ",
  "id: 7",
  ": ping",
  "retry: 5",
  "",
);
const piece = fc.oneof(
  fc.constantFrom(
    "event: message\ndata: 1\n\n",
    "data: 2\n\n",
    "data: 3",
    "\uFEFFdata: 4\n\n",
    "data: 5\r\n\r\n",
    "\n",
  ),
  fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => `${lines.join("\n")}\n`),
);

test("events are the same in any pieces", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
      expect(await read(pieces)).toEqual(parsed(pieces.join("")));
    }),
  );
});

/** Reads a stream that arrives in these pieces. Resolves with the error that ends it, if any. */
function errorOf(pieces: readonly string[]): Promise<Error | undefined> {
  const body = Readable.from(pieces.map((piece) => Buffer.from(piece)));
  return new Promise((resolve) => readEvents(body, { event: () => {}, ended: resolve }));
}

test.each(["\n", "\r", "\r\n"])("an event of a million short lines that end with %j is refused", async (end) => {
  const lines = `data:x${end}`.repeat(6_000);
  const many = Array<string>(100).fill(lines);
  await expect(errorOf([...many, end, ...many])).resolves.toBeUndefined();
  await expect(errorOf([...many, ...many])).resolves.toMatchObject({
    message: expect.stringContaining("more than 64 MB"),
  });
});

test("the unfinished event of a stream is measured, wherever the stream is split", () => {
  const character = fc.constantFrom("\n", "\r", "a");
  fc.assert(
    fc.property(fc.array(fc.string({ unit: character, minLength: 1 }), { minLength: 1 }), (pieces) => {
      const lines = pieces.join("").split(/\r\n|\r|\n/);
      const open = lines.slice(lines.findLastIndex((text, at) => text === "" && at > 0 && at < lines.length - 1) + 1);
      const characters = open.join("\n").length;
      const size = new EventSize();
      const measured = pieces.map((text) => size.add(text)).at(-1);
      expect(measured).toBeGreaterThanOrEqual(characters);
      expect(measured).toBeLessThanOrEqual(characters + open.length + 64 * (open.length + pieces.length + 1));
    }),
  );
});
