import { describe, expect, test } from "@jest/globals";
import type { ChatEvent } from "../../src/core/events.js";
import { historyChunks } from "../../src/doors/protocol/chunks.js";
import type { StoredMessage } from "../../src/web/api/host-messages.js";
import { ConversationFold } from "../../src/web/chat/fold-conversation.js";
import type { Turn } from "../../src/web/chat/shown-conversation.js";
import { timelineRows } from "../../src/web/chat/timeline-rows.js";
import { sumsOf, type TraceRow, traceRows } from "../../src/web/trace/rows.js";
import { timeScale } from "../../src/web/trace/time-scale.js";
import { call, turn } from "../log/support.js";

const one = turn("turn_1");
const a = call("call_a", "s__first", "{}");
const b = call("call_b", "s__second", "{}");
const usage = { inputTokens: 100, outputTokens: 20 };

/** Returns the turn that the page makes of these events and their times. */
function turnOf(...events: [at: number, event: ChatEvent][]): Turn {
  const messages = events.flatMap(([at, event], index) => historyChunks({ ...event, seq: index + 1, at }));
  const [only] = new ConversationFold().add(messages as StoredMessage[]).turns;
  if (!only) throw new Error("there is no turn");
  return only;
}

const approval = (questionId: string, asked = a): ChatEvent => ({
  type: "question",
  turnId: "turn_1",
  questionId,
  question: { kind: "approval", call: asked, server: "s", tool: asked.name.slice(3), reason: "it is new" },
});
const approved = (questionId: string, value: unknown = true): ChatEvent => ({
  type: "answer",
  turnId: "turn_1",
  questionId,
  value,
});

/** Formats a row as `tool done 20-30 work 30-50`: kind, outcome and spans. */
function line({ kind, outcome, spans }: TraceRow): string {
  const parts = spans.map((span) => `${span.kind} ${span.from}-${span.to ?? ""}`);
  return [kind, outcome, ...parts].join(" ");
}

const lines = (turn: Turn) => traceRows(turn).map(line);

describe("the trace of a turn", () => {
  test("has requests one after the other, and calls at the same time", () => {
    const whole = turnOf(
      [0, one.user("go")],
      [10, one.answer("", [a, b])],
      [11, one.planned(a)],
      [11, one.planned(b)],
      [11, one.sent("call_a")],
      [12, one.sent("call_b")],
      [40, one.result("call_b", "no", true)],
      [60, one.result("call_a", "yes")],
      [90, one.answer("done")],
      [90, one.end()],
    );
    expect(lines(whole)).toEqual([
      "model done work 0-10",
      "tool done work 11-60",
      "tool failed wait 11-12 work 12-40",
      "model done work 60-90",
    ]);
    expect(traceRows(whole).map((row) => row.kind === "tool" && row.together)).toEqual([false, 1, 1, false]);
  });

  test("shows what waited for a person within the call that was asked about", () => {
    const asked = turnOf(
      [0, one.user("go")],
      [10, one.answer("", [a, b])],
      [10, one.planned(a)],
      [10, one.planned(b)],
      [10, approval("q1", a)],
      [500, approved("q1")],
      [500, one.sent("call_a")],
      [510, one.result("call_a", "yes")],
      [510, approval("q2", b)],
      [900, approved("q2", false)],
      [900, one.result("call_b", "not run", true)],
    );
    expect(lines(asked)).toEqual([
      "model done work 0-10",
      "tool done wait 10-500 work 500-510",
      "tool failed wait 10-900",
      "asking running work 900-",
    ]);
    const questions = traceRows(asked).map((row) => row.kind === "tool" && row.item.approval?.question.question_id);
    expect(questions).toEqual([false, "q1", "q2", false]);
  });

  test("tells questions that look alike apart by their calls, and keeps one that no call fits", () => {
    const twin = { ...a, id: "call_c" };
    const asked = turnOf(
      [0, one.user("go")],
      [10, one.answer("", [a, twin])],
      [10, one.planned(a)],
      [10, one.planned(twin)],
      [10, approval("q1", a)],
      [20, approval("q2", twin)],
      [30, approval("q3", call("x", "s__other", '{"x":1}'))],
    );
    expect(lines(asked).slice(1)).toEqual([
      "tool waiting wait 10-",
      "tool waiting wait 10-",
      "question waiting wait 30-",
    ]);
  });

  test("does not count the time at a limit to the request after it", () => {
    const limit = { kind: "limit", limit: "hops", scope: "turn", used: 8, allowed: 8 } as const;
    const limited = turnOf(
      [0, one.user("go")],
      [10, { type: "question", turnId: "turn_1", questionId: "q", question: limit }],
      [70, approved("q")],
      [90, one.answer("done")],
      [90, one.end()],
    );
    expect(lines(limited)).toEqual(["question done wait 10-70", "model done work 70-90"]);
  });

  test("ends in what failed, for as long as it was tried", () => {
    const failed = turnOf([0, one.user("go")], [10, one.answer("", [a])], [10, one.planned(a)], [80, one.error()]);
    expect(lines(failed)).toEqual(["model done work 0-10", "tool left wait 10-80", "failure failed work 80-80"]);
    expect(lines(turnOf([0, one.user("go")], [80, one.error()]))).toEqual(["failure failed work 0-80"]);
  });

  test("of a turn that runs ends in what it does now", () => {
    expect(lines(turnOf([0, one.user("go")]))).toEqual(["asking running work 0-"]);
    const running = turnOf(
      [0, one.user("go")],
      [10, one.answer("", [a])],
      [10, one.planned(a)],
      [12, one.sent("call_a")],
    );
    expect(lines(running)).toEqual(["model done work 0-10", "tool running wait 10-12 work 12-"]);
  });

  test("keeps the keys of its rows while it grows", () => {
    const events: [number, ChatEvent][] = [
      [0, one.user("go")],
      [10, one.answer("", [a])],
      [10, one.planned(a)],
      [12, one.sent("call_a")],
      [20, one.result("call_a", "yes")],
    ];
    const keysAt = (length: number) =>
      traceRows(turnOf(...events.slice(0, length))).flatMap(({ kind, key }) => (kind === "asking" ? [] : [key]));
    for (const length of [2, 3, 4]) expect(keysAt(5).slice(0, length - 1)).toEqual(keysAt(length));
    expect(keysAt(5)).toEqual(["answer-0", "tool-1"]);
  });

  test("sums tokens and known costs, and counts retries", () => {
    const spent = { tokens: 120, usd: 0.25 };
    const paid = turnOf(
      [0, one.user("go")],
      [10, { ...one.answer("", [a], { attempts: 3 }), usage, spent }],
      [20, { ...one.answer("done"), usage }],
    );
    expect(sumsOf([paid])).toEqual({ inputTokens: 200, outputTokens: 40, usd: 0.25, retries: 2 });
    expect(sumsOf([turnOf([0, one.user("go")])])).toEqual({ inputTokens: 0, outputTokens: 0, retries: 0 });
  });
});

describe("the scale of a waterfall", () => {
  const row = (spans: TraceRow["spans"]): TraceRow => ({ key: "x", kind: "asking", outcome: "running", spans });

  test("is that of the clock where there is work", () => {
    const scale = timeScale([row([{ kind: "work", from: 0, to: 50 }]), row([{ kind: "work", from: 50 }])], 0, 100);
    expect([0, 25, 50, 100, 200].map(scale.position)).toEqual([0, 0.25, 0.5, 1, 1]);
    expect(scale.isShortened).toBe(false);
  });

  test("leaves three quarters to the work when a person takes an hour to answer", () => {
    const spans = [
      { kind: "work", from: 0, to: 100 },
      { kind: "wait", from: 100, to: 3_600_100 },
      { kind: "work", from: 3_600_100, to: 3_600_300 },
    ] as const;
    const scale = timeScale([row(spans)], 0, 3_600_300);
    expect(scale.isShortened).toBe(true);
    expect([0, 100, 3_600_100, 3_600_300].map(scale.position)).toEqual([0, 0.25, 0.5, 1]);
  });

  test("of nothing but waiting is that of the clock", () => {
    expect(timeScale([row([{ kind: "wait", from: 0, to: 10 }])], 0, 10).position(5)).toBe(0.5);
  });
});

test("the timeline beside the chat is in the order in which things began: an approval comes before the call that it allows", () => {
  const asked = turnOf(
    [0, one.user("go")],
    [10, one.answer("", [a])],
    [10, one.planned(a)],
    [10, approval("q1", a)],
    [500, approved("q1")],
    [500, one.sent("call_a")],
    [510, one.result("call_a", "yes")],
    [600, one.answer("done")],
    [600, one.end()],
  );
  const rows = timelineRows(asked, "").map(({ kind, from, to }) => `${kind} ${from}-${to}`);
  expect(rows).toEqual(["model 0-10", "wait 10-500", "tool 500-510", "model 510-600"]);
});
