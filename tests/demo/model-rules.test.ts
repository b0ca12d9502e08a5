import { describe, expect, test } from "@jest/globals";
import type { DemoTool } from "../../src/demo/model-phrases.js";
import { type DemoMessage, type DemoReply, replyTo } from "../../src/demo/model-rules.js";
import { costMs } from "../support/processor-time.js";

const tools: DemoTool[] = [
  {
    name: "demo__add",
    properties: [
      { name: "a", type: "number" },
      { name: "b", type: "number" },
    ],
  },
  { name: "demo__echo", properties: [{ name: "message", type: "string" }] },
  { name: "demo__current_time", properties: [{ name: "time_zone", type: "string" }] },
  {
    name: "demo__count",
    properties: [
      { name: "to", type: "integer" },
      { name: "delay_ms", type: "integer" },
    ],
  },
  {
    name: "fs__read_file",
    properties: [
      { name: "path", type: "string" },
      { name: "head", type: "number" },
    ],
  },
  {
    name: "fs__search",
    properties: [
      { name: "exclude", type: "array" },
      { name: "deep", type: "boolean" },
    ],
  },
];

function user(text: string): DemoMessage {
  return { role: "user", text, calls: [], callId: "" };
}

/** Returns messages with the model's calls and these results. */
function called(...results: [name: string, text: string][]): DemoMessage[] {
  const calls = results.map(([name], index) => ({ id: `call_${index}`, name }));
  return [
    { role: "assistant", text: "", calls, callId: "" },
    ...results.map(([, text], index) => ({ role: "tool", text, calls: [], callId: `call_${index}` })),
  ];
}

/** Returns the calls of a reply, as `name {"json":…}`. */
function callsOf(reply: DemoReply): string[] | undefined {
  return reply.calls?.map(({ name, arguments: text }) => `${name} ${text}`);
}

function ask(text: string): string[] | undefined {
  return callsOf(replyTo([user(text)], tools));
}

describe("a prompt in plain words", () => {
  test.each([
    "Add 2 and 40 with the add tool",
    "add 2 and 40",
    "please ADD 2 to 40.",
    "what is 2 + 40",
    "What is 2+40?",
    "2 plus 40",
    "use the add tool on 2 and 40",
  ])("%j calls add", (text) => {
    expect(ask(text)).toEqual(['demo__add {"a":2,"b":40}']);
  });

  test.each([
    ["add -1.5 and 2", 'demo__add {"a":-1.5,"b":2}'],
    ["echo hello", 'demo__echo {"message":"hello"}'],
    ['echo "two words" with the echo tool', 'demo__echo {"message":"two words"}'],
    ["Echo 42", 'demo__echo {"message":"42"}'],
    ["time", "demo__current_time {}"],
    ["What time is it?", "demo__current_time {}"],
    ["count to 5", 'demo__count {"to":5}'],
    ["Please count up to 5!", 'demo__count {"to":5}'],
  ])("%j calls its tool", (text, expected) => {
    expect(ask(text)).toEqual([expected]);
  });
});

describe("a prompt that names a tool", () => {
  test.each([
    ["use add with a=1 and b=2", 'demo__add {"a":1,"b":2}'],
    ["use the add tool with a=1, b=2.", 'demo__add {"a":1,"b":2}'],
    ["call DEMO__ADD with a=1 and b=2", 'demo__add {"a":1,"b":2}'],
    ["add(a=1, b=2)", 'demo__add {"a":1,"b":2}'],
    ["demo__add(a=1, b=2)", 'demo__add {"a":1,"b":2}'],
    ["demo__current_time()", "demo__current_time {}"],
    ["call current_time", "demo__current_time {}"],
    ['call read_file with path="a b.txt" and head=3', 'fs__read_file {"path":"a b.txt","head":3}'],
    ["call read_file with path=12", 'fs__read_file {"path":"12"}'],
    ['call search with exclude=["a","b"] and deep=true', 'fs__search {"exclude":["a","b"],"deep":true}'],
    ['call echo {"message": "x, then y"}', 'demo__echo {"message": "x, then y"}'],
    ["call add {oops", "demo__add {oops"],
    ['call add with a="one" and b=two', 'demo__add {"a":"one","b":"two"}'],
  ])("%j", (text, expected) => {
    expect(ask(text)).toEqual([expected]);
  });

  test("a tool that is not offered is not called", () => {
    expect(ask("call format_disk with path=/")).toBeUndefined();
    expect(callsOf(replyTo([user("add 2 and 40")], []))).toBeUndefined();
  });
});

describe("a prompt for several calls", () => {
  test("makes them at once with `and also`", () => {
    expect(ask("add 1 and 2 and also echo hi")).toEqual(['demo__add {"a":1,"b":2}', 'demo__echo {"message":"hi"}']);
  });

  test("makes them in rounds with `then`", () => {
    const history = [user("add 1 and 2 and also count to 3, then echo done")];
    expect(callsOf(replyTo(history, tools))).toHaveLength(2);
    history.push(...called(["demo__add", "3"], ["demo__count", "1 2 3"]));
    expect(callsOf(replyTo(history, tools))).toEqual(['demo__echo {"message":"done"}']);
    history.push(...called(["demo__echo", "done"]));
    expect(replyTo(history, tools)).toEqual({ text: "demo__add: 3\ndemo__count: 1 2 3\ndemo__echo: done" });
  });

  test("is not split at words in quotes", () => {
    expect(ask('echo "one and also two, then three"')).toEqual([
      'demo__echo {"message":"one and also two, then three"}',
    ]);
  });
});

describe("after the results of its calls, the demo model", () => {
  const answerTo = (...messages: DemoMessage[]) => replyTo([user("add 2 and 40"), ...messages], tools).text;

  test("gives a short answer", () => {
    expect(answerTo(...called(["demo__add", "42"]))).toBe("The answer is 42.");
    expect(answerTo(...called(["demo__add", "It is 42."]))).toBe("It is 42.");
    expect(answerTo(...called(["demo__add", "x".repeat(5_000)]))).toBe(`${"x".repeat(1_000)}… (5000 characters)`);
  });

  test("names a failure with its reason", () => {
    const reason = "not run: the user did not allow demo__add";
    expect(answerTo(...called(["demo__add", reason]))).toBe(`demo__add failed: ${reason}`);
    const named = "demo__add was not called: the arguments must have `b`";
    expect(answerTo(...called(["demo__add", named]))).toBe(named);
    expect(answerTo(...called(["demo__add", "Error: no"], ["demo__echo", "ok"]))).toBe(
      "demo__add failed: Error: no\ndemo__echo: ok",
    );
  });

  test("answers in text when the request offers no tools", () => {
    expect(replyTo([user("add 2 and 40, then echo hi"), ...called(["demo__add", "42"])], [])).toEqual({
      text: "The answer is 42.",
    });
  });

  test("reads a picture that the host sends after the result as part of the result, not as a new question", () => {
    expect(answerTo(...called(["demo__add", "42"]), user("From the tool call call_0:"))).toBe("The answer is 42.");
  });

  test("ignores results of earlier turns", () => {
    expect(callsOf(replyTo([user("echo hi"), ...called(["demo__echo", "hi"]), user("add 2 and 40")], tools))).toEqual([
      'demo__add {"a":2,"b":40}',
    ]);
    expect(answerTo(...called(["demo__add", "42"]), user("thanks"))).toContain("demo model");
  });
});

test("any other prompt is answered with what the demo model is, what it can do and how to get a real model", () => {
  const { text } = replyTo([user("Tell me a joke")], tools);
  expect(text).toContain("I am the demo model");
  expect(text).toContain("demo__add, demo__echo");
  expect(text).toContain("OPENAI_API_KEY");
  expect(text).toContain("llm.active");
  expect(text?.length).toBeLessThan(500);
  expect(replyTo([], []).text).toContain("No tool is connected");
});

test("a long prompt is read quickly", () => {
  const texts = [" ".repeat(2e5), '"'.repeat(2e5), "then ".repeat(4e4), "add 1 ".repeat(4e4), "a=".repeat(4e4)];
  const askAll = () => {
    for (const text of texts) {
      ask(`use add with ${text}`);
      ask(text);
    }
  };
  expect(costMs(askAll)).toBeLessThan(1_000);
});
