import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import type { StdioServerConfig } from "../../src/core/config.js";
import { LlmError } from "../../src/core/errors.js";
import type { Question } from "../../src/core/events.js";
import { type Completion, type CompletionRequest, textOf } from "../../src/core/messages.js";
import { Callbacks } from "../../src/mcp/callbacks/callbacks.js";
import type { Sample } from "../../src/mcp/callbacks/sampling.js";
import { RequestLimits } from "../../src/mcp/protocol/request-limits.js";
import { fixture, recording, startHub, startHubWith } from "../support/mcp-hub.js";

const completion: Completion = {
  message: { role: "assistant", content: "four", toolCalls: [] },
  finishReason: "stop",
  provider: "p",
  model: "m",
  usage: { inputTokens: 1, outputTokens: 60_000 },
  attempts: 1,
};

interface Setting {
  answers?: unknown[];
  sample?: Sample;
  overrides?: Partial<StdioServerConfig>;
}

/** Starts a server whose tool `ask` sends a request to the host. `answers` are the person's answers. */
async function asking({ answers = [], sample, overrides }: Setting) {
  const questions: Question[] = [];
  const ask = async (question: Question) => {
    questions.push(question);
    return answers.shift();
  };
  const running = startHubWith({ sample }, fixture("s", {}, overrides));
  await running.hub.ready();
  return {
    ...running,
    questions,
    send: async (method: string, params: object) =>
      JSON.parse(textOf((await running.call("s__ask", { method, params }, { ask })).content)),
    call: async (name: string, args: object) => running.call(name, args, { ask }),
    [Symbol.asyncDispose]: () => running.hub.close(),
  };
}

const form = {
  type: "object",
  properties: { color: { type: "string", default: "red" }, count: { type: "integer" } },
  required: ["count"],
};

describe("elicitation", () => {
  test("a form reaches the person, and missing fields get their defaults", async () => {
    await using server = await asking({ answers: [{ action: "accept", content: { count: 2 } }] });
    expect(await server.send("elicitation/create", { message: "how many?", requestedSchema: form })).toEqual({
      action: "accept",
      content: { color: "red", count: 2 },
    });
    expect(server.questions).toEqual([{ kind: "elicitation", server: "s", message: "how many?", form }]);
  });

  test.each([
    ["a no", { action: "decline" }, "decline"],
    ["a cancel", { action: "cancel" }, "cancel"],
    ["nobody", false, "decline"],
  ])("%s carries no data", async (_, answer, action) => {
    await using server = await asking({ answers: [answer] });
    expect(await server.send("elicitation/create", { message: "?", requestedSchema: form })).toEqual({ action });
  });

  test("a form that was filled in wrongly is asked for again, with the problem and what was entered", async () => {
    const wrong = { action: "accept", content: { color: "blue", count: "many" } };
    await using server = await asking({ answers: [wrong, { action: "accept", content: { color: "blue", count: 2 } }] });
    expect(await server.send("elicitation/create", { message: "?", requestedSchema: form })).toEqual({
      action: "accept",
      content: { color: "blue", count: 2 },
    });
    expect(server.questions[1]).toMatchObject({
      message: expect.stringMatching(/^\?\n\(The answer does not fit: .*count.*integer.*\)$/),
      form: { properties: { color: { default: "blue" }, count: { default: "many" } }, required: ["count"] },
    });
  });

  test("a form that is filled in wrongly again and again is cancelled", async () => {
    const wrong = { action: "accept", content: { count: "many" } };
    await using server = await asking({ answers: Array.from({ length: 9 }, () => wrong) });
    const answered = await server.send("elicitation/create", { message: "?", requestedSchema: form });
    expect([answered, server.questions.length]).toEqual([{ action: "cancel" }, 5]);
  });

  test("a page is offered, but only at an address that is encrypted on its way", async () => {
    await using server = await asking({ answers: [{ action: "accept" }] });
    const page = (url: string) => ({ mode: "url", message: "log in", url, elicitationId: "e1" });
    expect(await server.send("elicitation/create", page("https://example.com/x"))).toEqual({ action: "accept" });
    expect(await server.send("elicitation/create", page("http://example.com/x"))).toEqual({ action: "decline" });
    expect(await server.send("elicitation/create", page("javascript:alert(1)"))).toEqual({ action: "decline" });
    expect(server.questions).toEqual([
      { kind: "elicitation", server: "s", message: "log in", url: "https://example.com/x" },
    ]);
  });

  test("a call that needs a page first is sent again once the person has visited the page", async () => {
    await using server = await asking({ answers: [{ action: "accept" }] });
    const result = await server.call("s__visit", { url: "https://example.com/login" });
    expect(textOf(result.content)).toBe("welcome");
    expect(server.questions).toMatchObject([{ kind: "elicitation", url: "https://example.com/login" }]);
  });

  test("a call that needs a page that the person does not visit fails with the server's message", async () => {
    await using server = await asking({ answers: [false] });
    const result = await server.call("s__visit", { url: "https://example.com/login" });
    expect(result).toEqual({ content: [{ type: "text", text: "visit failed: log in first" }], isError: true });
  });

  test("one call may ask 50 times", async () => {
    const noticed: string[] = [];
    const config = fixture("s");
    const callbacks = new Callbacks(config, { sample: undefined, noticed: (text) => noticed.push(text) });
    let asked = 0;
    const ask = async () => {
      asked++;
      return { action: "decline" };
    };
    const { signal } = new AbortController();
    const begin = () => callbacks.begin({ caller: "turn_1", ask, limits: new RequestLimits({ signal }) });
    begin();
    const all = Array.from({ length: 60 }, () => callbacks.answer("elicitation/create", { message: "?" }, signal));
    expect(await Promise.all(all)).toEqual(all.map(() => ({ action: "decline" })));
    expect({ asked, noticed }).toEqual({ asked: 50, noticed: ["it has asked more than 50 times in one call"] });
    begin();
    await callbacks.answer("elicitation/create", { message: "?" }, signal);
    expect(asked).toBe(51);
  });

  test.each([
    ["message", { message: "x".repeat(300_000), requestedSchema: form }],
    ["requestedSchema", { message: "?", requestedSchema: { title: "x".repeat(300_000) } }],
  ])("a question whose %s is too long is refused", async (what, params) => {
    await using server = await asking({});
    const error = { code: -32602, message: `${what} is too long` };
    expect(await server.send("elicitation/create", params)).toEqual({ error });
    expect(server.questions).toEqual([]);
  });

  test("the time that a person takes does not count as the server's silence", async () => {
    await using running = startHub(fixture("s", {}, { timeoutMs: 1_000 }));
    await running.hub.ready();
    const ask = () => sleep(2_000, { action: "decline" });
    const args = { method: "elicitation/create", params: { message: "?", requestedSchema: form } };
    expect(textOf((await running.call("s__ask", args, { ask })).content)).toBe('{"action":"decline"}');
  });
});

describe("sampling", () => {
  const messages = [{ role: "user", content: { type: "text", text: "2+2?" } }];

  test("asks the person, then the model, and returns the model's answer", async () => {
    const requests: CompletionRequest[] = [];
    const sample: Sample = async (request) => {
      requests.push(request);
      return completion;
    };
    await using server = await asking({ answers: [true], sample });
    const params = { messages, systemPrompt: "be short", maxTokens: 50, temperature: 0.1 };
    expect(await server.send("sampling/createMessage", params)).toEqual({
      role: "assistant",
      content: { type: "text", text: "four" },
      model: "m",
      stopReason: "endTurn",
    });
    expect(requests).toEqual([
      {
        messages: [
          { role: "system", content: "be short" },
          { role: "user", content: [{ type: "text", text: "2+2?" }] },
        ],
        tools: [],
        maxTokens: 50,
        temperature: 0.1,
      },
    ]);
    const prompt = "[sends about 19 tokens, tools: 0]\nsystem: be short\nuser: 2+2?";
    expect(server.questions).toEqual([{ kind: "sampling", server: "s", prompt, maxTokens: 50 }]);
  });

  test("carries tools, their calls and their results", async () => {
    let seen: CompletionRequest | undefined;
    const toolCalls = [{ id: "c2", name: "add", arguments: '{"a":1}' }];
    const message = { role: "assistant" as const, content: "", toolCalls };
    const sample: Sample = async (request) => {
      seen = request;
      return { ...completion, message, finishReason: "tool_calls" };
    };
    await using server = await asking({ sample, overrides: { sampling: "allow" } });
    const result = { type: "tool_result", toolUseId: "c1", content: [{ type: "text", text: "3" }] };
    const params = {
      messages: [
        ...messages,
        { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "add", input: { a: 2 } }] },
        { role: "user", content: [result] },
      ],
      tools: [{ name: "add", description: "adds", inputSchema: { type: "object" } }],
      maxTokens: 9,
    };
    expect(await server.send("sampling/createMessage", params)).toMatchObject({
      content: [{ type: "tool_use", id: "c2", name: "add", input: { a: 1 } }],
      stopReason: "toolUse",
    });
    expect(seen?.messages.slice(1)).toEqual([
      { role: "assistant", content: "", toolCalls: [{ id: "c1", name: "add", arguments: '{"a":2}' }] },
      { role: "tool", toolCallId: "c1", content: [{ type: "text", text: "3" }], isError: false },
    ]);
    expect(seen?.tools).toEqual([{ name: "add", description: "adds", inputSchema: { type: "object" } }]);
    expect(server.questions).toEqual([]);
  });

  test("a person's no reaches the server as a refusal", async () => {
    await using server = await asking({ answers: [false], sample: async () => completion });
    expect(await server.send("sampling/createMessage", { messages, maxTokens: 5 })).toEqual({
      error: { code: -1, message: "the user did not allow the sampling request" },
    });
  });

  test("tells the server the kind of the provider's refusal, but not its text", async () => {
    const sample = () => Promise.reject(new LlmError("rate_limit", "limit reached for organization org-secret"));
    await using server = await asking({ sample, overrides: { sampling: "allow" } });
    expect(await server.send("sampling/createMessage", { messages, maxTokens: 5 })).toEqual({
      error: { code: -32603, message: "the model gave no answer (rate_limit)" },
    });
  });

  test("is neither declared nor answered without a model, or if it is denied", async () => {
    using record = recording();
    const deny = fixture("s", { record: record.path }, { sampling: "deny" });
    await using running = startHubWith({ sample: async () => completion }, deny);
    await running.hub.ready();
    const [capabilities] = record.lines().flatMap((line) => /^client (.*)/.exec(line)?.[1] ?? []);
    expect(JSON.parse(capabilities ?? "")).toEqual({ elicitation: { form: { applyDefaults: true }, url: {} } });
    const args = { method: "sampling/createMessage", params: { messages, maxTokens: 5 } };
    expect(textOf((await running.call("s__ask", args)).content)).toContain("-32601");
  });
});

test("a server gets the folders that the configuration gives to it", async () => {
  await using server = await asking({ overrides: { roots: ["/srv/data"] } });
  expect(await server.send("roots/list", {})).toEqual({ roots: [{ uri: "file:///srv/data", name: "data" }] });
  await using other = await asking({});
  expect(await other.send("roots/list", {})).toMatchObject({ error: { code: -32601 } });
});

test("log messages of a server are in the host's log, its errors as warnings", async () => {
  await using server = await asking({});
  await server.call("s__log", { level: "error", data: "disk full" });
  expect(server.log).toContainEqual({
    level: "warn",
    scope: "mcp",
    message: "s: db: disk full",
    fields: { server: "s" },
  });
});
