import { expect, test } from "@jest/globals";
import type { ChatEvent, StoredEvent } from "../../src/core/events.js";
import { planCompaction, planTrim } from "../../src/log/folds/compaction.js";
import { toMessages } from "../../src/log/folds/replay.js";
import { transcript } from "../../src/session/turns/compactor.js";
import { call, stored, turn } from "./support.js";

function turns(from: number, to: number): ChatEvent[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const { user, answer, planned, sent, result, end } = turn(`turn_${from + index}`);
    const add = call("call_1");
    return [
      user(`question ${from + index}`),
      answer("", [add]),
      planned(add),
      sent("call_1"),
      result("call_1", "42"),
      answer(`answer ${from + index}`),
      end(),
    ];
  }).flat();
}

/** A turn in which the model calls a tool of the caller, after another turn; and the result that the caller brings. */
const weatherAsked: ChatEvent[] = [
  ...turns(1, 1),
  turn("turn_2").user("weather?"),
  turn("turn_2").answer("", [call("call_9", "weather")]),
  turn("turn_2").end(),
];
const weather = { role: "tool" as const, toolCallId: "call_9", content: [], isError: false };

/** Returns the `seq` of the end of each turn. */
function endsOf(log: readonly StoredEvent[]): number[] {
  return log.flatMap(({ type, seq }) => (type === "turn_end" ? [seq] : []));
}

test("older turns become one summary before the first message that stays; the log keeps them", () => {
  const log = stored([...turns(1, 4), turn("turn_5").user("and now?")]);
  const plan = planCompaction(log, "turn_5", 60);
  expect(plan?.messages[0]).toMatchObject({ content: [{ text: "question 1" }] });
  const event = { ...turn("turn_5").compaction(plan?.upToSeq ?? 0, "they added numbers"), seq: log.length + 1, at: 0 };
  const messages = toMessages([...log, event], "turn_5");
  expect(messages.slice(0, 2)).toMatchObject([
    { role: "user", content: [{ text: expect.stringContaining("they added numbers") }] },
    { role: "user", content: [{}] },
  ]);
  expect(JSON.stringify(messages)).not.toContain("question 1");
  expect(JSON.stringify(messages)).toContain("question 4");
  expect(messages.map(({ role }) => role).slice(-3)).toEqual(["tool", "assistant", "user"]);
});

test("results that a caller brought in the next turn go into the summary with their calls", () => {
  const answering = turn("turn_3");
  const log = stored([
    ...weatherAsked,
    { ...answering.user("", "r3"), content: [], history: [weather] },
    answering.answer("cold"),
    answering.end(),
    turn("turn_4").user("and now?"),
  ]);
  const ends = endsOf(log);
  expect(toMessages(log.slice(0, -1)).slice(-3)).toMatchObject([
    { toolCalls: [{ id: "call_9" }] },
    weather,
    { content: "cold" },
  ]);
  const upTo = Array.from({ length: 200 }, (_, room) => planCompaction(log, "turn_4", room)?.upToSeq);
  expect([...new Set(upTo)]).toEqual([ends[2], ends[1], ends[0], undefined]);
  const plans = Array.from({ length: 200 }, (_, room) => planCompaction(log, "turn_4", room));
  const between = plans.find((plan) => plan?.upToSeq === ends[1]);
  expect(between?.messages.at(-1)).toEqual(weather);
  const event = { ...turn("turn_4").compaction(ends[1] ?? 0, "it is cold"), seq: log.length + 1, at: 0 };
  expect(toMessages([...log, event], "turn_4").map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
  // Without a summary, the result would be lost, so it stays with its call.
  const left = Array.from({ length: 200 }, (_, room) => planTrim(log, "turn_4", room)?.upToSeq);
  expect([...new Set(left)]).toEqual([ends[2], ends[0], undefined]);
});

test("a long task with the caller's own tools is summarised, but for the last calls, whose results the turn has brought", () => {
  const results = (id: string) => [{ role: "tool" as const, toolCallId: id, content: [], isError: false }];
  const task = Array.from({ length: 5 }, (_, index) => {
    const { user, answer, end } = turn(`turn_${index}`);
    const asked =
      index === 0 ? user("do all") : { ...user("", `r${index}`), content: [], history: results(`c${index}`) };
    return [asked, answer("", [call(`c${index + 1}`, "own")]), end()];
  }).flat();
  const last = { ...turn("last").user("", "r9"), content: [], history: results("c5") };
  const log = stored([...task, last]);
  const ends = endsOf(log);
  const plan = planCompaction(log, "last", 0);
  expect(plan?.upToSeq).toBe(ends[3]);
  const event = { ...turn("last").compaction(ends[3] ?? 0, "four are done"), seq: log.length + 1, at: 0 };
  expect(toMessages([...log, event], "last")).toMatchObject([
    { role: "user" },
    { role: "assistant", toolCalls: [{ id: "c5" }] },
    { role: "tool", toolCallId: "c5" },
  ]);
  expect(planTrim(log, "last", 0)).toBeUndefined();
});

test("a turn that only repeats results of a failed turn replaces its broken answer, and stays with that turn", () => {
  const [failed, again] = [turn("turn_3"), turn("turn_4")];
  const log = stored([
    ...weatherAsked,
    { ...failed.user("", "r3"), content: [], history: [weather] },
    { ...failed.answer("half"), interrupted: true },
    failed.end("cancelled"),
    { ...again.user("", "r4"), content: [] },
    again.answer("cold"),
    again.end(),
    turn("turn_5").user("and now?"),
  ]);
  const ends = endsOf(log);
  expect(toMessages(log.slice(0, -1)).slice(-3)).toMatchObject([
    { toolCalls: [{ id: "call_9" }] },
    weather,
    { content: "cold" },
  ]);
  const upTo = Array.from({ length: 200 }, (_, room) => planCompaction(log, "turn_5", room)?.upToSeq);
  expect([...new Set(upTo)]).toEqual([ends[3], ends[1], ends[0], undefined]);
  const event = { ...turn("turn_5").compaction(ends[1] ?? 0, "they asked"), seq: log.length + 1, at: 0 };
  expect(toMessages([...log, event], "turn_5").slice(1)).toMatchObject([{ content: "cold" }, { role: "user" }]);
});

test("the next summary includes the one before it, and replaces it", () => {
  const first = [
    ...turns(1, 2),
    turn("turn_3").user("go on"),
    turn("turn_3").compaction(14, "summary one"),
    turn("turn_3").answer("well"),
    turn("turn_3").end(),
  ];
  const log = stored([...first, ...turns(4, 5), turn("turn_6").user("and now?")]);
  const plan = planCompaction(log, "turn_6", 0);
  expect(plan?.previous).toBe("summary one");
  expect(plan && transcript(plan, 10_000)).toMatch(/summary one[\s\S]*go on[\s\S]*question 5/);
  expect(plan && transcript(plan, 10_000)).not.toContain("question 1");
  const event = { ...turn("turn_6").compaction(plan?.upToSeq ?? 0, "summary two"), seq: log.length + 1, at: 0 };
  const told = JSON.stringify(toMessages([...log, event], "turn_6"));
  expect(told).toContain("summary two");
  expect(told).not.toContain("summary one");
});

test("the text that the model reads for a summary is bounded, however long the conversation", () => {
  const { user, answer, end } = turn("turn_1");
  const log = stored([
    user("x".repeat(200_000)),
    answer("é".repeat(200_000)),
    end(),
    ...turns(2, 300),
    turn("turn_999").user("?"),
  ]);
  const plan = planCompaction(log, "turn_999", 0);
  for (const maxBytes of [1_000, 20_000, 100_000]) {
    const text = plan ? transcript(plan, maxBytes) : "";
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
    expect(text).toContain("answer 300");
    expect(Buffer.from(text).toString()).toBe(text); // no character is cut in half
  }
});

test("a conversation of the current turn alone is not compacted", () => {
  expect(planCompaction(stored([turn("turn_1").user("hi")]), "turn_1", 0)).toBeUndefined();
});
