import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { readEvents } from "../../src/mcp/http/read-event-stream.js";

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

test("events are the same in whatever pieces they come", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
      expect(await read(pieces)).toEqual(parsed(pieces.join("")));
    }),
  );
});
