import { expect, test } from "@jest/globals";
import type { ChatEvent } from "../../src/core/events.js";
import type { ContentPart, Message } from "../../src/core/messages.js";
import { comparedTokens, messageTokensOf, tokenFactor } from "../../src/log/folds/estimate.js";
import { readTurns } from "../../src/log/folds/turn-records.js";
import { stored, turn } from "./support.js";

const target = { provider: "demo", model: "demo-1" };
const text = "some words that say nothing at all, ".repeat(20);
const sizes = messageTokensOf({ role: "user", content: [{ type: "text", text }] });

/**
 * Returns a log of turns with a user's and an assistant's text each. The provider counts `base` tokens for content outside the log, and
 * `factor` for each estimated token of it.
 */
function log(turns: number, factor: number, base = 2_000): ChatEvent[] {
  return Array.from({ length: turns }, (_, index) => {
    const { user, answer, end } = turn(`turn_${index}`);
    const sent = sizes * (2 * index + 1);
    const usage = { inputTokens: Math.round(base + sent * factor), outputTokens: 1 };
    return [user(text), { ...answer(text), usage }, end()];
  }).flat();
}

test.each([0.8, 1, 1.7])(
  "the counts that a provider reports correct the estimate: %p tokens for an estimated one",
  (factor) => {
    expect(tokenFactor(stored(log(5, factor)), target)).toBeCloseTo(factor, 1);
  },
);

test("parts that are not in the log, such as the system prompt and tools, do not count", () => {
  expect(tokenFactor(stored(log(5, 1, 90_000)), target)).toBeCloseTo(1, 1);
});

test("without two reports of the same model there is no correction", () => {
  expect(tokenFactor([], target)).toBe(1);
  expect(tokenFactor(stored(log(1, 3)), target)).toBe(1);
  expect(tokenFactor(stored(log(5, 3)), { ...target, model: "another" })).toBe(1);
});

test("an absurd factor is bounded, and a step with far too few tokens is ignored, because something was left out of its request", () => {
  expect(tokenFactor(stored(log(5, 1_000)), target)).toBe(4);
  expect(tokenFactor(stored(log(5, 0.001)), target)).toBe(1);
});

test("many short turns teach as much as a few long ones", () => {
  const short = Array.from({ length: 60 }, (_, index) => {
    const { user, answer, end } = turn(`turn_${index}`);
    return [user("yes?"), { ...answer("no"), usage: { inputTokens: 500 + index * 20, outputTokens: 1 } }, end()];
  }).flat();
  const perTurn = messageTokensOf({ role: "user", content: [{ type: "text", text: "yes?" }] }) + 4.5;
  expect(tokenFactor(stored(short), target)).toBeCloseTo(20 / perTurn, 1);
});

test("results of the caller's tools are part of the sent tokens", () => {
  const events = Array.from({ length: 6 }, (_, index) => {
    const { user, answer, end } = turn(`turn_${index}`);
    const result: Message = {
      role: "tool",
      toolCallId: `c${index}`,
      content: [{ type: "text", text }],
      isError: false,
    };
    const asked = index === 0 ? user("do it") : { ...user("", `r${index}`), content: [], history: [result] };
    const calls = [{ id: `c${index + 1}`, name: "own", arguments: "{}" }];
    return [asked, { ...answer("", calls), usage: { inputTokens: 2_000 + sizes * index, outputTokens: 1 } }, end()];
  }).flat();
  expect(tokenFactor(stored(events), target)).toBeCloseTo(1, 0);
});

test("steps over a compaction do not count, because the request begins anew there", () => {
  const events = log(4, 1);
  const { user, answer, compaction, end } = turn("turn_9");
  const shorter = { ...answer(text), usage: { inputTokens: 2_001, outputTokens: 1 } };
  const next = log(3, 1).map((event) => ({ ...event, turnId: `later_${event.turnId}` }));
  const all = [...events, user(text), compaction(3, "short"), shorter, end(), ...next];
  expect(tokenFactor(stored(all), target)).toBeCloseTo(1, 0);
});

test("comparisons of earlier turns count", () => {
  const earlier = comparedTokens(readTurns(stored(log(5, 1.7))), target);
  expect(tokenFactor([], target, earlier)).toBeCloseTo(1.7, 1);
  expect(tokenFactor(stored(log(5, 1.1)), target, earlier)).toBeCloseTo(1.4, 1);
});

test("a picture that a user gives by its address counts as a picture, a link in a result as text", () => {
  const content: ContentPart[] = [
    { type: "resource_link", uri: "https://pictures.example/cat.png", mimeType: "image/*" },
  ];
  expect(messageTokensOf({ role: "user", content })).toBeGreaterThan(1_000);
  expect(messageTokensOf({ role: "tool", toolCallId: "call_1", content: [...content], isError: false })).toBeLessThan(
    50,
  );
});
