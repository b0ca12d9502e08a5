/** Answers of tens of thousands of events. Each took quadratic time in one of the wires, and held up the whole host meanwhile. */

import { expect, test } from "@jest/globals";
import { ChatFold } from "../../../src/llm/wires/chat/fold.js";
import { GeminiFold } from "../../../src/llm/wires/gemini/fold.js";
import { MessagesFold } from "../../../src/llm/wires/messages/fold.js";
import { ResponsesFold } from "../../../src/llm/wires/responses/fold.js";
import { costMs } from "../../support/processor-time.js";

const options = { onDelta: () => {} };
const chat = () => new ChatFold(options, { thinkTags: false });
const delta = (change: object) => ({ choices: [{ index: 0, delta: change }] });
const call = (piece: object, named: object) => delta({ tool_calls: [{ ...piece, function: named }] });
const block = (index: number, content: object) => ({ type: "content_block_start", index, content_block: content });

/**
 * Returns how many times dearer an event becomes if there are eight times as many: about 1 for linear work, about 8 for quadratic work.
 * Both costs are taken on the same machine in the same second, and the least of three comparisons counts, because a collection of all
 * memory of the process can fall into any of them.
 */
function dearerBy(fill: (count: number) => void, count: number): number {
  const compared = [1, 2, 3].map(() => {
    const few = costMs(() => fill(count / 8));
    return costMs(() => fill(count)) / 8 / Math.max(few, leastMs);
  });
  return Math.min(...compared);
}

/** Below this cost, in ms, the clock of the processor says little. */
const leastMs = 2;

test.each<
  [string, number, () => { push(event: object, name?: string): unknown }, (at: number, count: number) => object]
>([
  [
    "chat: the name of the call in every piece",
    10_000,
    chat,
    (at) => call({ index: 0 }, { name: "s__pay", arguments: at === 0 ? '{"n":"' : "}abc" }),
  ],
  [
    "chat: the name in every piece after arguments of white space",
    10_000,
    chat,
    (at) => call({ index: 0 }, { name: `s__pay${"y".repeat(at % 2)}`, arguments: "  " }),
  ],
  [
    "chat: calls with numbers",
    20_000,
    chat,
    (at) => call({ index: at, id: `c${at}` }, { name: "s__pay", arguments: "{}" }),
  ],
  ["chat: calls with ids only", 20_000, chat, (at) => call({ id: `c${at}` }, { name: "s__pay", arguments: "{}" })],
  [
    "chat: blocks of encrypted reasoning",
    20_000,
    chat,
    (at) => delta({ reasoning_details: [{ type: "reasoning.encrypted", data: `${at}` }] }),
  ],
  [
    "messages: blocks of thinking",
    10_000,
    () => new MessagesFold(options),
    (at) => block(at, { type: "thinking", thinking: "because" }),
  ],
  [
    "messages: stop reasons after blocks without text",
    40_000,
    () => new MessagesFold(options),
    (at) =>
      at % 2
        ? { type: "message_delta", delta: { stop_reason: "refusal" } }
        : block(at, { type: "tool_use", id: `c${at}`, name: "s__pay", input: {} }),
  ],
  [
    "messages: usage with ever more keys",
    10_000,
    () => new MessagesFold(options),
    (at) => ({ type: "message_delta", usage: { [`k${at}`]: at } }),
  ],
  [
    "responses: responses in progress after items",
    40_000,
    () => new ResponsesFold(options),
    (at) =>
      at % 2
        ? { type: "response.completed", response: { status: "in_progress" } }
        : { type: "response.output_item.done", output_index: at, item: { type: "reasoning", id: `r${at}` } },
  ],
  [
    "gemini: finish reasons after thoughts",
    20_000,
    () => new GeminiFold(options),
    (at, count) =>
      at === 0
        ? {
            candidates: [
              { content: { parts: Array.from({ length: count }, () => ({ thought: true, thoughtSignature: "s" })) } },
            ],
          }
        : { candidates: [{ content: { parts: [{ functionCall: { name: "s__pay" } }] }, finishReason: "STOP" }] },
  ],
])("%s (%d events)", (_, count, fold, event) => {
  const fill = (events: number) => {
    const to = fold();
    for (let at = 0; at < events; at++) to.push(event(at, events));
  };
  expect(dearerBy(fill, count)).toBeLessThan(3);
});

test("messages: signatures of a block with many keys", () => {
  const fill = (count: number) => {
    const keys = Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, at]));
    const fold = new MessagesFold(options);
    fold.push(block(0, { type: "thinking", ...keys }));
    for (let at = 0; at < count; at++) {
      fold.push({ type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: `s${at}` } });
    }
  };
  expect(dearerBy(fill, 8_000)).toBeLessThan(3);
});
