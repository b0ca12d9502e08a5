import { describe, expect, test } from "@jest/globals";
import type { ChatEvent } from "../../src/core/events.js";
import { type Message, textOf } from "../../src/core/messages.js";
import { cutToFit } from "../../src/log/folds/cut-messages.js";
import { resumeTurn, toMessages } from "../../src/log/folds/replay.js";
import { costMs } from "../support/processor-time.js";
import { call, stored, turn } from "./support.js";

const one = turn("turn_1");
const two = turn("turn_2");

function user(...texts: string[]): Message {
  return { role: "user", content: texts.map((text) => ({ type: "text", text })) };
}

function assistant(content: string, toolCalls = [] as ReturnType<typeof call>[]): Message {
  return { role: "assistant", content, toolCalls };
}

function tool(toolCallId: string, text: string, isError = false): Message {
  return { role: "tool", toolCallId, content: [{ type: "text", text }], isError };
}

function fold(events: readonly ChatEvent[], currentTurnId?: string): Message[] {
  return toMessages(stored(events), currentTurnId);
}

describe("a conversation", () => {
  test("loses the results of a retried turn after the turn with their calls was taken back", () => {
    const results = { ...two.user("", "r2"), content: [], history: [tool("c1", "cold")] };
    const rewind = { type: "rewind" as const, turnId: "", toSeq: 0 };
    const events = [one.user("weather?"), one.answer("", [call("c1")]), one.end(), results, two.error(), rewind];
    expect(fold(events.slice(0, 4), "turn_2")).toMatchObject([{}, {}, { role: "tool", toolCallId: "c1" }]);
    expect(fold(events, "turn_2")).toEqual([]);
  });

  test("may have messages of any number of parts and answers of any number of calls", () => {
    const many = 200_000;
    const asked = { ...one.user("x"), content: Array.from({ length: many }, () => user("x").content[0]) };
    const calls = Array.from({ length: many }, () => call("c1"));
    const messages = fold([asked as ChatEvent, one.answer("", calls), one.end()]);
    expect(messages[0]?.content).toHaveLength(many);
    expect(messages).toHaveLength(2 + many);
  });

  test("becomes its user messages, answers and tool results", () => {
    const events = [
      one.user("add"),
      one.answer("I will.", [call("c1")]),
      one.planned(call("c1")),
      one.sent("c1"),
      one.result("c1", "42"),
      one.answer("It is 42."),
      one.end(),
      two.user("thanks"),
    ];
    expect(fold(events)).toEqual([
      user("add"),
      assistant("I will.", [call("c1")]),
      tool("c1", "42"),
      assistant("It is 42."),
      user("thanks"),
    ]);
  });

  test("has results in the order of the calls, whenever they arrived", () => {
    const events = [
      one.user("add"),
      one.answer("", [call("c1"), call("c2")]),
      one.result("c2", "2"),
      one.result("c1", "1"),
    ];
    expect(fold(events).slice(2)).toEqual([tool("c1", "1"), tool("c2", "2")]);
  });

  test("has a note on the lost state of servers after the results before it, or with the request", () => {
    const text = (server: string) =>
      expect.stringContaining(`the process of the tool server "${server}" ended`) as unknown as string;
    const events = [
      one.user("add"),
      one.lost("before"),
      one.answer("", [call("c1"), call("c2")]),
      one.result("c1", "1"),
      one.lost("first"),
      one.result("c2", "2"),
      one.lost("second"),
      one.answer("half", [], { interrupted: true }),
    ];
    const c2 = tool("c2", "2");
    const notes = { type: "text", text: expect.stringMatching(/"first" ended.*\n.*"second" ended/) };
    const told = [
      {
        role: "user",
        content: [
          { type: "text", text: "add" },
          { type: "text", text: text("before") },
        ],
      },
      assistant("", [call("c1"), call("c2")]),
      tool("c1", "1"),
      { ...c2, content: [...c2.content, notes] },
    ];
    expect(fold(events, "turn_1")).toEqual(told);
    const { messages, point } = resumeTurn(stored(events), "turn_1");
    expect(messages).toEqual(told.slice(0, 2));
    expect(point?.calls.map(({ note }) => note)).toEqual([undefined, notes.text]);
  });

  test("has the form of the answer after the user's text, before all later messages", () => {
    const answerSchema = { type: "object", title: "bug" };
    const asked = { ...one.user("as JSON"), answerSchema };
    const form = { type: "text", text: expect.stringContaining(JSON.stringify(answerSchema)) };
    const lost = { type: "text", text: expect.stringContaining('"s" ended') };
    const content = [{ type: "text", text: "as JSON" }, form, lost];
    expect(fold([asked, one.lost("s")], "turn_1")).toEqual([{ role: "user", content }]);
    expect(fold([asked, one.lost("s"), one.answer("{}"), one.end(), two.user("and?")])).toEqual([
      { role: "user", content },
      assistant("{}"),
      user("and?"),
    ]);
  });

  test("has no form after results of the caller's tools, which come last", () => {
    const events = [
      one.user("as JSON"),
      one.answer("", [call("c1")]),
      one.end(),
      { ...two.user(""), content: [], history: [tool("c1", "42")], answerSchema: { type: "object" } },
    ];
    expect(fold(events, "turn_2")).toEqual([user("as JSON"), assistant("", [call("c1")]), tool("c1", "42")]);
  });

  test("writes the message of the failed turn and the message with a caller's results after these results", () => {
    const three = turn("turn_3");
    const asked = { ...three.user("go on"), history: [tool("c1", "42")] };
    const events = [one.user("add"), one.answer("", [call("c1")]), one.end(), two.user("hurry"), two.error(), asked];
    const calls = [user("add"), assistant("", [call("c1")]), tool("c1", "42")];
    expect(fold(events, "turn_3")).toEqual([...calls, user("hurry"), user("go on")]);
  });

  test("tells calls apart if their ids come again in a later answer", () => {
    const events = [
      one.user("add"),
      one.answer("", [call("call_0")]),
      one.result("call_0", "1"),
      one.answer("", [call("call_0")]),
      one.result("call_0", "2"),
    ];
    expect(fold(events).filter(({ role }) => role === "tool")).toEqual([tool("call_0", "1"), tool("call_0", "2")]);
  });

  test("keeps parts that a provider demands back with its answer", () => {
    const parts = [{ opaque: { signature: "s" } }, { call: 0 }];
    const kept = { wire: "messages", provider: "demo", account: "a1", model: "demo-1", parts };
    const answer = one.answer("", [call("c1")]);
    const message = { ...answer.message, reasoning: "hm", kept };
    expect(fold([one.user("add"), { ...answer, message }])[1]).toEqual(message);
  });

  test("leaves out an answer without content", () => {
    expect(fold([one.user("hello"), one.answer(" \n"), one.end()])).toEqual([user("hello")]);
  });
});

describe("a turn that broke off", () => {
  test("leaves out a request that was refused after an answer of which nothing was shown", () => {
    const { error } = turn("two").error(false);
    const refused = { type: "turn_error", turnId: "two", error: { ...error, kind: "bad_request" } } as const;
    const unsaid = turn("two").answer("", [], { interrupted: true });
    expect(toMessages(stored([turn("two").user("broken"), unsaid, refused]))).toEqual([]);
  });

  test.each([
    ["and with it the turn, if it is the only answer", [], 0],
    [
      "but not what was done before it",
      [one.answer("", [call("c1")]), one.planned(call("c1")), one.result("c1", "5")],
      3,
    ],
  ])("leaves out an answer that a filter stopped, %s", (_, before, left) => {
    const filtered = { ...one.answer("half"), finishReason: "content_filter" } as const;
    const events = [one.user("flagged"), ...before, filtered, one.end("refusal")];
    const later = toMessages(stored([...events, two.user("and now?")]), "turn_2");
    expect(later).toHaveLength(left + 1);
    expect(JSON.stringify(later)).not.toContain("half");
  });

  test("says that a caller's result was left out because of a filter, until the caller sends another", () => {
    const left = [one.user("pay"), one.answer("", [call("c1")]), one.end()];
    const result = (text: string): Message => ({
      role: "tool",
      toolCallId: "c1",
      content: [{ type: "text" as const, text }],
      isError: false,
    });
    const filtered = { ...two.answer("half"), finishReason: "content_filter" } as const;
    const refused = [{ ...two.user(""), content: [], history: [result("flagged")] }, filtered, two.end("refusal")];
    const three = turn("turn_3");
    const told = (asked: ChatEvent) => {
      const messages = toMessages(stored([...left, ...refused, asked]), "turn_3");
      return messages.flatMap((message) => (message.role === "tool" ? [textOf(message.content)] : []));
    };
    const leftOut = "the client gave a result; it is left out, because the provider refused a request with it";
    expect(told(three.user("and now?"))).toEqual([leftOut]);
    expect(told({ ...three.user("and now?"), history: [result("other")] })).toEqual(["other"]);
  });

  test("leaves the history of a caller unchanged, also if it begins with a result without a call", () => {
    const orphan: Message = { role: "tool", toolCallId: "c1", content: [{ type: "text", text: "5" }], isError: false };
    expect(toMessages(stored([{ ...one.user("go on"), history: [orphan] }]), "turn_1")).toEqual([
      orphan,
      user("go on"),
    ]);
  });

  test("gives each call without a result one that says how far the call got", () => {
    const events = [
      one.user("add"),
      one.answer("", [call("c1"), call("c2"), call("c3")]),
      one.planned(call("c1")),
      one.planned(call("c2")),
      one.sent("c1"),
      one.end("cancelled"),
    ];
    expect(fold(events).slice(2)).toEqual([
      tool("c1", "outcome unknown: the host stopped before the result arrived", true),
      tool("c2", "not run: the turn was stopped before this call", true),
      tool("c3", "not run: the turn was stopped before this call", true),
    ]);
  });

  test("keeps an interrupted answer's text and drops its calls", () => {
    const events = [one.user("add"), one.answer("I wi", [call("c1")], { interrupted: true }), one.end("cancelled")];
    expect(fold(events)).toEqual([user("add"), assistant("I wi")]);
  });

  test("keeps its own message when nothing was answered", () => {
    expect(fold([one.user("hello"), one.error(false), two.user("anyone?")])).toEqual([user("hello"), user("anyone?")]);
  });
});

describe("a turn that failed and was sent again", () => {
  const failed = [one.user("first"), one.error()];
  const other = [two.user("second"), two.answer("two"), two.end()];

  test("stands where it was answered", () => {
    expect(fold([...failed, ...other, one.answer("one"), one.end()])).toEqual([
      user("second"),
      assistant("two"),
      user("first"),
      assistant("one"),
    ]);
  });

  test("comes last while it runs again", () => {
    expect(fold([...failed, ...other, one.answer("", [call("c1")]), one.result("c1", "1")]).slice(2)).toEqual([
      user("first"),
      assistant("", [call("c1")]),
      tool("c1", "1"),
    ]);
  });

  test("comes last when it is about to run again, before it has a new event", () => {
    expect(fold([...failed, ...other]).slice(0, 2)).toEqual([user("first"), user("second")]);
    expect(fold([...failed, ...other], "turn_1").at(-1)).toEqual(user("first"));
  });

  test("continues without the text of the answer that broke off", () => {
    const broken = [one.user("first"), one.answer("The ans", [], { interrupted: true }), one.error()];
    expect(fold(broken, "turn_1")).toEqual([user("first")]);
    expect(fold([...broken, one.answer("The answer"), one.end()])).toEqual([user("first"), assistant("The answer")]);
  });

  test("continues from the results that it already had", () => {
    const events = [one.user("first"), one.answer("", [call("c1")]), one.result("c1", "1"), one.error()];
    expect(fold(events, "turn_1")).toEqual([user("first"), assistant("", [call("c1")]), tool("c1", "1")]);
  });
});

describe("a turn that continues after its process died", () => {
  const asked = { kind: "approval", call: call("c3"), server: "s", tool: "t", reason: "" } as const;
  const log = stored([
    one.user("add"),
    one.answer("", [call("c1")]),
    one.result("c1", "1"),
    one.answer("", [call("c1"), call("c2"), call("c3"), call("c4")]),
    one.planned(call("c1")),
    one.planned(call("c2")),
    one.planned(call("c3")),
    { type: "question", turnId: "turn_1", questionId: "q", question: asked },
    { type: "answer", turnId: "turn_1", questionId: "q", value: true },
    one.sent("c1"),
    one.sent("c2"),
    one.result("c2", "2"),
  ]);

  test("has the state of each call of the last answer", () => {
    const { point } = resumeTurn(log, "turn_1");
    expect(point).toMatchObject({ hop: 1, finishReason: "stop" });
    expect(point?.calls).toMatchObject([
      { call: call("c1"), planned: true, sent: true },
      { call: call("c2"), sent: true, result: { isError: false } },
      { call: call("c3"), planned: true, sent: false, question: { questionId: "q" }, answer: { value: true } },
      { call: call("c4"), planned: false, sent: false },
    ]);
    expect(point?.calls[0]?.result).toBeUndefined();
  });

  test("has an answer for its own question only, also when the call is asked about again", () => {
    const again: ChatEvent = { type: "question", turnId: "turn_1", questionId: "q2", question: asked };
    const late: ChatEvent = { type: "answer", turnId: "turn_1", questionId: "q", value: true };
    for (const events of [[again], [again, late]]) {
      const { point } = resumeTurn(stored([...log, ...events]), "turn_1");
      expect(point?.calls[2]).toMatchObject({ question: { questionId: "q2" } });
      expect(point?.calls[2]?.answer).toBeUndefined();
    }
  });

  test("has sent the model everything up to that answer", () => {
    const { messages } = resumeTurn(log, "turn_1");
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
  });

  test("has no answer to continue from before the first one, or when that broke off", () => {
    expect(resumeTurn(log.slice(0, 1), "turn_1")).toEqual({ messages: [user("add")] });
    const broken = stored([one.user("add"), one.answer("I wi", [], { interrupted: true }), one.error()]);
    expect(resumeTurn(broken, "turn_1")).toEqual({ messages: [user("add")] });
  });
});

describe("trimming", () => {
  const long = "x".repeat(400);
  const turns = [
    [user(long), assistant("", [call("c1")]), tool("c1", long), assistant(long)],
    [user(long), assistant(long)],
    [user("now"), assistant("", [call("c2")]), tool("c2", long)],
  ];
  const messages = turns.flat();

  test("leaves everything that fits", () => {
    expect(cutToFit(messages, 10_000)).toEqual(messages);
    expect(cutToFit([], 10)).toEqual([]);
  });

  test("leaves out whole turns, oldest first", () => {
    expect(cutToFit(messages, 500)).toEqual(turns.slice(1).flat());
    expect(cutToFit(messages, 200)).toEqual(turns[2]);
  });

  test("keeps the last turn whatever its size", () => {
    expect(cutToFit(messages, 0)).toEqual(turns[2]);
  });

  test("keeps and counts system messages in front", () => {
    const system: Message = { role: "system", content: long.repeat(3) };
    expect(cutToFit([system, ...messages], 500)).toEqual([system, ...(turns[2] ?? [])]);
    expect(cutToFit([system], 0)).toEqual([system]);
  });

  test("counts a picture by its cost, not by its bytes", () => {
    const picture: Message = {
      role: "user",
      content: [{ type: "image", data: "x".repeat(1e6), mimeType: "image/png" }],
    };
    expect(cutToFit([picture, assistant("nice"), user("now")], 3_000)).toHaveLength(3);
    expect(cutToFit([picture, assistant("nice"), user("now")], 1_000)).toHaveLength(1);
  });

  test("takes linear time", () => {
    const trim = () => {
      const many = Array.from({ length: 20_000 }, () => [user("hello"), assistant("hello")]).flat();
      expect(cutToFit(many, 1e9)).toHaveLength(40_000);
    };
    expect(costMs(trim)).toBeLessThan(500);
  });
});
