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

test.each<[string, number, () => { push(event: object, name?: string): unknown }, (at: number) => object]>([
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
    (at) =>
      at === 0
        ? {
            candidates: [
              { content: { parts: Array.from({ length: 20_000 }, () => ({ thought: true, thoughtSignature: "s" })) } },
            ],
          }
        : { candidates: [{ content: { parts: [{ functionCall: { name: "s__pay" } }] }, finishReason: "STOP" }] },
  ],
])("%s (%d events)", (_, count, fold, event) => {
  const events = Array.from({ length: count }, (_, at) => event(at));
  const fill = () => {
    const to = fold();
    for (const each of events) to.push(each);
  };
  expect(costMs(fill)).toBeLessThan(300);
});

test("messages: signatures of a block with many keys", () => {
  const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`k${at}`, at]));
  const fill = () => {
    const fold = new MessagesFold(options);
    fold.push(block(0, { type: "thinking", ...keys }));
    for (let at = 0; at < 5_000; at++) {
      fold.push({ type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: `s${at}` } });
    }
  };
  expect(costMs(fill)).toBeLessThan(300);
});
