import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ChatEvent, StoredEvent } from "../../src/core/events.js";
import { newId } from "../../src/core/ids.js";
import { transcriptOf } from "../../src/scripted/script-transcript.js";

const names = ["a", "b", "c"];

/**
 * Returns a turn with three concurrent calls, the second of which asks a question. `order` is the order in which the results arrive; ids
 * are those of one run.
 */
function turn(order: readonly number[]): StoredEvent[] {
  const turnId = newId("turn");
  const questionId = newId("q");
  const resultId = newId("res");
  const calls = names.map((name) => ({ id: newId("call"), name: `s__${name}`, arguments: "{}" }));
  const result = (index: number): ChatEvent => {
    const { id: callId = "", name = "" } = calls[index] ?? {};
    const text = `see ${resultId}, not ${callId}`;
    return { type: "tool_result", turnId, callId, name, content: [{ type: "text", text }], isError: false };
  };
  const question = { kind: "elicitation" as const, server: "s", message: "which?", form: {} };
  const late: ChatEvent[][] = [
    [result(0)],
    [
      { type: "question", turnId, questionId, question },
      { type: "answer", turnId, questionId, value: true },
      result(1),
    ],
    [result(2)],
  ];
  const message = { role: "assistant" as const, content: "", toolCalls: calls };
  const said = { finishReason: "tool_calls" as const, provider: "p", model: "m", attempts: 1 };
  const events: ChatEvent[] = [
    { type: "user_message", turnId, requestId: "main-1", content: [{ type: "text", text: "hi" }] },
    { type: "assistant_message", turnId, message, ...said },
    ...calls.map((call): ChatEvent => ({ type: "tool_call", turnId, call })),
    ...calls.map(({ id: callId }): ChatEvent => ({ type: "tool_sent", turnId, callId })),
    ...order.flatMap((index) => late[index] ?? []),
    { type: "turn_end", turnId, stopReason: "end_turn" },
  ];
  return events.map((event, index) => ({ ...event, seq: index + 1, at: Date.now() + index }));
}

test("a transcript is the same whatever ids there were and in whatever order calls ended", () => {
  const expected = transcriptOf([{ name: "main", events: turn([0, 1, 2]) }]);
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (order) => {
      expect(transcriptOf([{ name: "main", events: turn(order) }])).toBe(expected);
    }),
  );
});

test("a transcript numbers ids in the order of their appearance, in texts too, and has no times", () => {
  const lines = transcriptOf([{ name: "main", events: turn([2, 1, 0]) }])
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ type }) => type)).toEqual([
    "user_message",
    "assistant_message",
    ...Array(3).fill("tool_call"),
    ...Array(3).fill("tool_sent"),
    "question",
    "answer",
    ...Array(3).fill("tool_result"),
    "turn_end",
  ]);
  expect(lines[0]).toEqual({
    conversation: "main",
    type: "user_message",
    turnId: "turn_1",
    requestId: "main-1",
    content: [{ type: "text", text: "hi" }],
  });
  expect(
    lines.filter(({ type }) => type === "tool_result").map(({ callId, content }) => [callId, content[0].text]),
  ).toEqual([
    ["call_1", "see res_1, not call_1"],
    ["call_2", "see res_1, not call_2"],
    ["call_3", "see res_1, not call_3"],
  ]);
});
