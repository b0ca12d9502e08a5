import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { StoredEvent } from "../../src/core/events.js";
import type { Message } from "../../src/core/messages.js";
import { planCompaction, planTrim } from "../../src/log/folds/compaction.js";
import { cutToFit } from "../../src/log/folds/cut-messages.js";
import { tokensOf } from "../../src/log/folds/estimate.js";
import { toMessages, withSummary } from "../../src/log/folds/replay.js";
import { withoutRewound } from "../../src/log/folds/rewind.js";
import { runs } from "../support/runs.js";
import { attemptAtOneOf, callersAttemptAtOneOf, logOf, mayRun } from "./random-log.js";
import { stored, turn } from "./support.js";

const attempt = attemptAtOneOf(4);
const attempts = (maxLength: number) =>
  fc.oneof(fc.array(attempt, { maxLength }), fc.array(callersAttemptAtOneOf(4), { maxLength }));

/** Returns the problems for which strict providers refuse the messages. */
function problemsOf(messages: readonly Message[]): string[] {
  const problems: string[] = [];
  if (messages.length > 0 && messages[0]?.role !== "user") problems.push("does not start with a user message");
  let expected: string[] = [];
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (expected.shift() !== message.toolCallId) problems.push(`${index}: a result without its call`);
      continue;
    }
    if (expected.length > 0) problems.push(`${index}: calls without results`);
    expected = message.role === "assistant" ? message.toolCalls.map(({ id }) => id) : [];
    const isAnswer = message.role === "assistant";
    if (isAnswer && messages[index - 1]?.role === "assistant") problems.push(`${index}: two answers in a row`);
    if (isAnswer && !message.content && expected.length === 0) problems.push(`${index}: empty`);
    if (message.role === "user" && message.content.length === 0) problems.push(`${index}: empty`);
  }
  if (expected.length > 0) problems.push("calls without results at the end");
  return problems;
}

test("any log, cut anywhere, folds to messages that a strict provider accepts", () => {
  fc.assert(
    fc.property(attempts(6), fc.nat(), fc.integer({ min: 0, max: 4 }), (attempts, at, current) => {
      const log = stored(logOf(attempts));
      const events = log.slice(0, at % (log.length + 1));
      expect(problemsOf(toMessages(events))).toEqual([]);
      if (mayRun(events, `turn_${current}`)) expect(problemsOf(toMessages(events, `turn_${current}`))).toEqual([]);
    }),
    { numRuns: runs(500) },
  );
});

test("a turn is in the messages, in a summary, or left out; ended turns are whole, and the current one is always in the messages", () => {
  fc.assert(
    fc.property(attempts(8), fc.integer({ min: 0, max: 4 }), (attempts, number) => {
      const log = stored(logOf(attempts));
      const current = `turn_${number}`;
      const standing = new Set(withoutRewound(log, current).map(({ turnId }) => turnId));
      const summary = log.findLast((event) => event.type === "compaction" && standing.has(event.turnId));
      const trim = log.findLast((event) => event.type === "trim" && standing.has(event.turnId));
      const ends = [summary, trim].map((event) => (event && "upToSeq" in event ? event.upToSeq : 0));
      const told = JSON.stringify(toMessages(log, current));
      expect(told.includes("what was before")).toBe(summary !== undefined);
      if (summary?.type === "compaction") expect(told).toContain(`what was before ${summary.upToSeq}\\n`);
      for (const event of log) {
        if (event.type !== "user_message" || event.content.length === 0) continue;
        const end = log.findLast(({ turnId }) => turnId === event.turnId);
        const isEnded = end?.type === "turn_end" || end?.type === "turn_error";
        const isReplaced = isEnded && end.seq <= Math.max(...ends) && event.turnId !== current;
        expect(told.includes(`please ${event.turnId}`)).toBe(standing.has(event.turnId) && !isReplaced);
      }
    }),
    { numRuns: runs(500) },
  );
});

test("a plan for a compaction takes whole turns, oldest first, and never the current one", () => {
  fc.assert(
    fc.property(attempts(8), fc.integer({ min: 1, max: 4 }), fc.nat({ max: 300 }), (attempts, number, keepTokens) => {
      const log = stored(logOf(attempts));
      const current = `turn_${number}`;
      const plan = planCompaction(log, current, keepTokens);
      if (!plan || !mayRun(log, current)) return;
      const event = turn(current).compaction(plan.upToSeq, "short");
      const after = toMessages([...log, { ...event, seq: log.length + 1, at: 0 }], current);
      expect(problemsOf(after)).toEqual([]);
      expect(problemsOf(withSummary(plan.messages, plan.previous))).toEqual([]);
      const again = planCompaction([...log, { ...event, seq: log.length + 1, at: 0 }], current, keepTokens);
      expect(again).toBeUndefined();
    }),
    { numRuns: runs(500) },
  );
});

test("after a trim the current turn and the latest turns that fit are left, and a summary covers the others too", () => {
  fc.assert(
    fc.property(
      attempts(8),
      fc.integer({ min: 1, max: 4 }),
      fc.nat({ max: 300 }),
      fc.boolean(),
      (attempts, number, keepTokens, takesTask) => {
        const log = stored(logOf(attempts));
        const current = `turn_${number}`;
        const plan = planTrim(log, current, keepTokens, takesTask);
        // A turn plans when its request is stored. Only then is it known that a task before it has ended.
        const isBegun = log.some(({ turnId }) => turnId === current);
        if (!plan || !isBegun || !mayRun(log, current)) return;
        const trimmed = [...log, { ...turn(current).trim(plan.upToSeq), seq: log.length + 1, at: 0 }];
        expect(problemsOf(toMessages(trimmed, current))).toEqual([]);
        expect(planTrim(trimmed, current, keepTokens, takesTask)).toBeUndefined();
        expect(planCompaction(trimmed, current, 0)).toEqual(planCompaction(log, current, 0));
      },
    ),
    { numRuns: runs(500) },
  );
});

test("trimming leaves the end of the conversation, from a user message on, which fits unless it is the last turn", () => {
  fc.assert(
    fc.property(attempts(6), fc.nat({ max: 200 }), (attempts, maxTokens) => {
      const messages = toMessages(
        stored(logOf(attempts).filter(({ type }) => type !== "compaction" && type !== "trim")),
      );
      const trimmed = cutToFit(messages, maxTokens);
      expect(trimmed).toEqual(messages.slice(messages.length - trimmed.length));
      expect(problemsOf(trimmed)).toEqual([]);
      const lastTurn = messages.length - messages.findLastIndex(({ role }) => role === "user");
      if (messages.length > 0) expect(trimmed.length).toBeGreaterThanOrEqual(lastTurn);
      if (trimmed.length > lastTurn) expect(tokensOf(trimmed)).toBeLessThanOrEqual(maxTokens);
    }),
    { numRuns: runs(200) },
  );
});

test("a log that grows folds to the same messages as one that is read anew", () => {
  fc.assert(
    fc.property(attempts(8), fc.integer({ min: 0, max: 4 }), (attempts, number) => {
      const log = stored(logOf(attempts));
      const current = `turn_${number}`;
      const growing: StoredEvent[] = [];
      for (const event of log) {
        growing.push(event);
        const anew = structuredClone(growing);
        expect(toMessages(growing, current)).toEqual(toMessages(anew, current));
        expect(planCompaction(growing, current, 20)).toEqual(planCompaction(anew, current, 20));
      }
    }),
    { numRuns: runs(100) },
  );
});
