import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Message } from "../../src/core/messages.js";
import { cutResults } from "../../src/log/folds/cut-messages.js";
import { tokensOf } from "../../src/log/folds/estimate.js";
import { runs } from "../support/runs.js";

const question: Message = { role: "user", content: [{ type: "text", text: "read all files" }] };
const hop = (id: number, chars: number): Message[] => [
  { role: "assistant", content: "", toolCalls: [{ id: `c${id}`, name: "read", arguments: "{}" }] },
  {
    role: "tool",
    toolCallId: `c${id}`,
    content: [{ type: "text", text: `begin ${"x".repeat(chars)} end` }],
    isError: false,
  },
];
const hops = (count: number) => [question, ...Array.from({ length: count }, (_, id) => hop(id, 4_000)).flat()];
const isCut = (message: Message) => JSON.stringify(message).includes("left out parts");

test("messages that fit stay the same objects", () => {
  const messages = hops(3);
  expect(cutResults(messages, 10_000).every((message, index) => message === messages[index])).toBe(true);
});

test("the oldest results keep their beginning and end; the newest stay unchanged", () => {
  const cut = cutResults(hops(6), 5_000);
  expect(tokensOf(cut)).toBeLessThanOrEqual(5_000);
  expect(JSON.stringify(cut[2])).toMatch(/begin x+ \[…\] x+ end\\n\[The host has left out parts/);
  expect(cut.filter(({ role }) => role === "tool").map(isCut)).toEqual([true, true, false, false, false, false]);
});

test("a single result that is too long is shortened only as far as needed", () => {
  const cut = cutResults([question, ...hop(1, 40_000)], 8_000);
  expect(tokensOf(cut)).toBeLessThanOrEqual(8_000);
  expect(tokensOf(cut)).toBeGreaterThan(5_900);
});

test("the requests of a growing turn begin alike, except for one in each quarter of the room", () => {
  const requests = Array.from({ length: 30 }, (_, count) =>
    JSON.stringify(cutResults(hops(count), 10_000)).slice(0, -1),
  );
  const breaks = requests.filter((request, index) => index > 0 && !request.startsWith(requests[index - 1] ?? ""));
  expect(breaks.length).toBeLessThan(12);
});

test("everything fits if only results are too long, and only results change", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 12 }), (sizes) => {
      const messages = [question, ...sizes.flatMap((chars, id) => hop(id, chars))];
      const cut = cutResults(messages, 5_000);
      expect(tokensOf(cut)).toBeLessThanOrEqual(5_000);
      for (const [index, message] of messages.entries()) if (message.role !== "tool") expect(cut[index]).toBe(message);
    }),
    { numRuns: runs(100), examples: [[[2123, 0, 3863, 4998, 13_643]]] },
  );
});
