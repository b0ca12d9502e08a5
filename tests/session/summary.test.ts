import { expect, test } from "@jest/globals";
import { summarizeTurn } from "../../src/session/shared/summary.js";
import { call, stored, turn } from "../log/support.js";

const { user, answer, result, end, error, compaction } = turn("turn_1");

test("the summary of a turn has its text, its calls and its cost", () => {
  const usage = { inputTokens: 10, outputTokens: 2, cachedTokens: 4, cacheWriteTokens: 3, cacheWrite1hTokens: 1 };
  const events = stored([
    user("add"),
    { ...answer("I will.", [call("c1"), call("c2")], { attempts: 2 }), usage },
    result("c2", "no", true),
    result("c1", "42"),
    answer("", [call("c1")]),
    { ...answer("It is 42."), usage: { inputTokens: 20, outputTokens: 3, reasoningTokens: 1 } },
    end(),
  ]);
  const { name, arguments: text } = call("c1");
  expect(summarizeTurn(events)).toEqual({
    text: "I will.\n\nIt is 42.",
    stopReason: "end_turn",
    usage: { ...usage, inputTokens: 30, outputTokens: 5, reasoningTokens: 1 },
    toolCalls: [
      { id: "c1", name, arguments: text, isError: false },
      { id: "c2", name, arguments: text, isError: true },
      { id: "c1", name, arguments: text },
    ],
    attempts: 4,
    provider: "demo",
    model: "demo-1",
  });
});

test("a compaction is part of the cost of the turn", () => {
  const spent = (usd?: number) => ({ usage: { inputTokens: 5, outputTokens: 1 }, spent: { tokens: 6, usd } });
  const cost = (usd?: number) =>
    summarizeTurn(
      stored([user("hello"), { ...compaction(0, "short"), ...spent(usd) }, { ...answer("hi"), ...spent(0.25) }]),
    );
  expect(cost(0.5)).toMatchObject({ usage: { inputTokens: 10, outputTokens: 2 }, costUsd: 0.75 });
  expect(cost()).not.toHaveProperty("costUsd");
});

test("a running turn has no stop reason, and unreported usage is absent", () => {
  expect(summarizeTurn(stored([user("hello")]))).toEqual({ text: "", toolCalls: [], attempts: 0 });
});

test("a failed turn has its error, until it runs again", () => {
  const failed = [user("hello"), answer("The ans", [], { interrupted: true }), error()];
  const busy = { kind: "rate_limit", message: "busy", retryable: true, hint: "" };
  expect(summarizeTurn(stored(failed))).toMatchObject({
    text: "The ans",
    stopReason: "error",
    error: busy,
    attempts: 1,
  });
  const again = summarizeTurn(stored([...failed, answer("The answer"), end()]));
  expect(again).toMatchObject({ text: "The answer", stopReason: "end_turn", attempts: 2 });
  expect(again).not.toHaveProperty("error");
});

test("requests that failed count, once", () => {
  const failed = { ...error(), error: { kind: "server", message: "down", retryable: true, hint: "", attempts: 4 } };
  const cut = answer("The ans", [], { interrupted: true, attempts: 4 });
  expect(summarizeTurn(stored([user("hello"), failed])).attempts).toBe(4);
  expect(summarizeTurn(stored([user("hello"), answer("", [call("c1")]), failed])).attempts).toBe(5);
  expect(summarizeTurn(stored([user("hello"), cut, failed])).attempts).toBe(4);
});
