import { describe, expect, test } from "@jest/globals";
import type { ChatEvent, StoredEvent } from "../../src/core/events.js";
import { readPlayable } from "../../src/session/export/playable.js";
import { call, stored, turn } from "../log/support.js";

const one = turn("turn_1");
const two = turn("turn_2");
const asked = call("call_1");

const read = (events: readonly ChatEvent[], known = () => undefined as { server: string; tool: string } | undefined) =>
  readPlayable(stored(events), known);
const called = (name: string) => {
  const own = call("call_1", name);
  return [one.user("go"), one.answer("", [own]), one.planned(own), one.sent("call_1"), one.result("call_1", "x")];
};

describe("the repeatable turns of a conversation", () => {
  test("are those that have ended, each with its number", () => {
    const { turns, leftOut } = read([
      one.user("first"),
      one.answer("no"),
      one.end("cancelled"),
      two.user("second"),
      two.answer("yes"),
      two.end(),
      turn("turn_3").user("third"),
    ]);
    expect(turns).toMatchObject([
      { number: 2, hops: [{ answer: { message: { content: "yes" } } }], stopReason: "end_turn" },
    ]);
    expect(leftOut).toEqual(["turn 1 is left out: it was cancelled", "turn 3 is left out: it has not ended"]);
  });

  test("are missing with an error that says why", () => {
    expect(() => read([one.user("first"), one.error(false)])).toThrow(
      "no turn can be repeated; turn 1 is left out: it failed: busy",
    );
  });

  test("have the result of a call without the note that the user changed its arguments", () => {
    const approval = { kind: "approval", call: asked, server: "s", tool: "t", reason: "" } as const;
    const question = { type: "question", turnId: "turn_1", questionId: "q", question: approval } as const;
    const value = { allow: true, arguments: { n: 2 } };
    const answered = { type: "answer", turnId: "turn_1", questionId: "q", value } as const;
    const note = '(the user changed the arguments of this call to {"n":2})';
    const result = {
      ...one.result("call_1", "x"),
      content: ["x", note].map((text) => ({ type: "text", text })),
    } as ChatEvent;
    const events = [one.user("go"), one.answer("", [asked]), one.planned(asked), question, answered];
    const [first] = read([...events, one.sent("call_1"), result, one.answer("done"), one.end()]).turns;
    expect(first?.hops[0]?.calls[0]?.result.content).toEqual([{ type: "text", text: "x" }]);
    expect(first?.questions).toMatchObject([{ value }]);
  });

  test("include only the last attempt of a turn that was sent again", () => {
    const again = [
      one.user("go"),
      one.answer("ha", [], { interrupted: true }),
      one.error(),
      one.answer("done"),
      one.end(),
    ];
    expect(read(again).turns).toMatchObject([{ number: 1, hops: [{ answer: { message: { content: "done" } } }] }]);
  });

  test("know the servers of tools from the question, from what is known, and from their names", () => {
    const tools = [...called("everything__add"), one.end()];
    const toolOf = (events: readonly ChatEvent[], known?: () => { server: string; tool: string }) =>
      read(events, known).turns[0]?.hops[0]?.calls[0];
    expect(toolOf(tools)).toMatchObject({ server: "everything", tool: "add", isSent: true, isInvented: false });
    expect(toolOf(tools, () => ({ server: "every", tool: "thing.add" }))).toMatchObject({ tool: "thing.add" });
    const approval = { kind: "approval", call: asked, server: "a__b", tool: "c", reason: "" } as const;
    const question = { type: "question", turnId: "turn_1", questionId: "q", question: approval } as const;
    const yes = {
      type: "answer",
      turnId: "turn_1",
      questionId: "q",
      value: { allow: true, remember: "session" },
    } as const;
    const withQuestion = [
      one.user("go"),
      one.answer("", [asked]),
      one.planned(asked),
      question,
      yes,
      one.sent("call_1"),
      one.result("call_1", "x"),
      one.end(),
    ];
    expect(toolOf(withQuestion)).toMatchObject({
      server: "a__b",
      tool: "c",
      approval: { allow: true, remember: "session" },
    });
    expect(read(withQuestion).turns[0]?.questions).toEqual([{ question: approval, value: yes.value }]);
  });

  test("assign a question of a server to the call that was running there", () => {
    const [a, b] = [call("call_a", "s__x"), call("call_b", "t__y")];
    const question = { kind: "elicitation", server: "t", message: "who?", form: {} } as const;
    const during = { type: "question", turnId: "turn_1", questionId: "q", question } as const;
    const begun = [
      one.user("go"),
      one.answer("", [a, b]),
      one.planned(a),
      one.planned(b),
      one.sent("call_a"),
      one.sent("call_b"),
    ];
    const ended = [one.result("call_a", "1"), one.result("call_b", "2")];
    const [first] = read([...begun, during, ...ended, one.end()]).turns;
    expect(first?.hops[0]?.calls.map(({ asks }) => asks)).toEqual([[], [question]]);
    expect(() => read([...begun, ...ended, during, one.end()])).toThrow(
      "turn 1 contains a question that a server asked outside of a call",
    );
  });

  test.each<[what: string, events: ChatEvent[], message: string]>([
    [
      "reads a stored result",
      [...called("host__read_result"), one.end()],
      "turn 1 called host__read_result, a tool of the host itself",
    ],
    [
      "brought its own history",
      [{ ...one.user(""), content: [], history: [] }, one.answer("x"), one.end()],
      "turn 1 has a history",
    ],
    [
      "left a call to its caller",
      [one.user("go"), one.answer("", [asked]), one.end()],
      "turn 1 called everything__add without a result",
    ],
  ])("leave out a turn that %s", (_, events, message) => {
    expect(() => read(events)).toThrow(message);
  });

  test("leave out what was rewound", () => {
    const events: ChatEvent[] = [one.user("a"), one.answer("b"), one.end(), two.user("c"), two.answer("d"), two.end()];
    const rewind: ChatEvent = { type: "rewind", turnId: "rewind_1", toSeq: 3 };
    const { turns }: { turns: { events: readonly StoredEvent[] }[] } = read([...events, rewind]);
    expect(turns).toHaveLength(1);
  });
});
