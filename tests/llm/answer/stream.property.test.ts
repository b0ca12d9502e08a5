import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { AssistantMessage, Delta } from "../../../src/core/messages.js";
import { MessageReader } from "../../../src/llm/answer/message-reader.js";
import { chatWire } from "../../../src/llm/wires/chat/chat-wire.js";
import { ChatFold } from "../../../src/llm/wires/chat/fold.js";
import { anyText } from "../../support/any-text.js";
import { cutStream, end, reset, startLlmServer, stream } from "../../support/llm-server.js";
import { runs } from "../../support/runs.js";
import { clientOf } from "../client-of.js";

/** An answer and a list of chunks in which a server may send it. */
interface Told {
  message: AssistantMessage;
  chunks: object[];
}

const text = anyText({ minLength: 1, maxLength: 12 });
const call = fc.record({
  id: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 8 }),
  name: fc.stringMatching(/^[a-z_]{1,12}$/),
  arguments: fc.array(text, { maxLength: 4 }).map((pieces) => JSON.stringify({ pieces })),
});

const told: fc.Arbitrary<Told> = fc
  .record({
    reasoning: fc.array(text, { maxLength: 4 }),
    words: fc.array(text, { minLength: 1, maxLength: 8 }),
    calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }),
    pieceLength: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ reasoning, words, calls, pieceLength }) => ({
    message: {
      role: "assistant",
      content: words.join(""),
      ...(reasoning.length > 0 ? { reasoning: reasoning.join("") } : {}),
      toolCalls: calls,
    },
    chunks: [
      { role: "assistant", content: "" },
      ...reasoning.map((piece) => ({ reasoning_content: piece })),
      ...words.map((piece) => ({ content: piece })),
      ...calls.flatMap((one, index) => callPieces(one, index, pieceLength)),
    ].map((delta) => ({ choices: [{ index: 0, delta, finish_reason: null }] })),
  }));

function callPieces(one: { id: string; name: string; arguments: string }, index: number, length: number): object[] {
  const pieces = Array.from({ length: Math.ceil(one.arguments.length / length) }, (_, position) =>
    one.arguments.slice(position * length, (position + 1) * length),
  );
  const first = { index, id: one.id, type: "function", function: { name: one.name, arguments: "" } };
  return [
    { tool_calls: [first] },
    ...pieces.map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ];
}

const finish = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const usage = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } };

/** Text that may stand before an event, and the ends of its lines. */
const framing = fc.record({
  lineEnd: fc.constantFrom("\n", "\r\n", "\r"),
  before: fc.constantFrom(
    "",
    ": keep-alive",
    ":",
    "event: message",
    "id: 1",
    "retry: 5",
    "data: null\n",
    "data: ping\n",
  ),
  space: fc.constantFrom("", " "),
});
type Framing = typeof framing extends fc.Arbitrary<infer T> ? T : never;

function frame(data: string, { lineEnd, before, space }: Framing): string {
  return `${before === "" ? "" : `${before}\n`}data:${space}${data}\n\n`.replaceAll("\n", lineEnd);
}

const frames = fc.infiniteStream(framing);
const framed = (events: readonly object[], each: Iterator<Framing>) =>
  events.map((event) => frame(JSON.stringify(event), each.next().value)).join("");

/** Cuts the bytes at the given places. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

test("any answer, in any framing and any pieces, folds to the same completion", () => {
  const property = fc.property(
    told,
    frames,
    fc.array(fc.nat(), { maxLength: 60 }),
    ({ message, chunks }, each, cuts) => {
      const body = `${framed([...chunks, finish, usage], each)}${frame("[DONE]", each.next().value)}`;
      const deltas: Delta[] = [];
      const fold = new ChatFold({ onDelta: (delta) => deltas.push(delta) }, { thinkTags: false });
      const reader = new MessageReader((chunk) => fold.push(chunk), fold, chatWire.textPosition);
      for (const piece of pieces(Buffer.from(body), cuts)) expect(reader.feed(piece)).toBeUndefined();
      expect(reader.end()).toBeUndefined();
      expect(fold.end !== "open" && reader.isDone).toBe(true);
      expect(
        fold.finish(
          () => "new",
          () => false,
        ),
      ).toEqual({
        message,
        finishReason: message.toolCalls.length > 0 ? "tool_calls" : "stop",
        usage: { inputTokens: 3, outputTokens: 4 },
      });
      const shown = (type: Delta["type"]) =>
        deltas.flatMap((delta) => (delta.type === type ? [delta.delta] : [])).join("");
      expect(shown("text_delta")).toBe(message.content);
      expect(shown("reasoning_delta")).toBe(message.reasoning ?? "");
    },
  );
  fc.assert(property, { numRuns: runs(300) });
});

test("an unfinished stream never counts as whole, however its connection ends", async () => {
  let steps = stream([end]);
  await using server = await startLlmServer(() => steps);
  const property = fc.asyncProperty(
    told,
    frames,
    fc.nat(),
    fc.constantFrom(end, cutStream, reset),
    fc.boolean(),
    async ({ message, chunks }, each, cut, end, streaming) => {
      const answer = framed(chunks, each);
      const last = frame(JSON.stringify(finish), each.next().value);
      // Without the last brace of the finish: with it, the answer would be whole.
      const bytes = Buffer.from(answer + last.slice(0, last.lastIndexOf("}")));
      steps = stream([bytes.subarray(0, cut % (bytes.length + 1)), end]);
      // A new client for each run, because so many failures in a row would open its breaker.
      await using ends = clientOf(server, { maxRetries: 0 });
      const error = await ends.fails({ streaming });
      expect(["stream_interrupted", "network", "empty_stream"]).toContain(error.kind);
      expect(`${message.reasoning ?? ""}${message.content}`.startsWith(ends.shown())).toBe(true);
    },
  );
  await fc.assert(property, { numRuns: runs(120) });
});

test("an unfinished document never counts as a whole answer", async () => {
  let steps = stream([end]);
  await using server = await startLlmServer(() => steps);
  const property = fc.asyncProperty(
    told,
    fc.nat(),
    fc.constantFrom(end, cutStream, reset),
    fc.boolean(),
    async ({ message }, cut, end, streaming) => {
      const document = JSON.stringify({ choices: [{ message: { content: message.content }, finish_reason: "stop" }] });
      const bytes = Buffer.from(document);
      steps = stream([bytes.subarray(0, cut % bytes.length), end]);
      await using ends = clientOf(server, { maxRetries: 0 });
      expect(["network", "empty_stream"]).toContain((await ends.fails({ streaming })).kind);
      expect(ends.shown()).toBe("");
    },
  );
  await fc.assert(property, { numRuns: runs(60) });
});
