import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startDemoModel } from "../../src/demo/model.js";

let demo: Awaited<ReturnType<typeof startDemoModel>>;
beforeAll(async () => {
  demo = await startDemoModel();
});
afterAll(() => demo.close());

const add = {
  type: "function",
  function: {
    name: "demo__add",
    parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a", "b"] },
  },
};
const asked = { model: "demo", messages: [{ role: "user", content: "add 2 and 40" }], tools: [add] };

function post(body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(`${demo.baseUrl}/chat/completions`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Returns the payloads of a stream's `data:` lines. */
async function dataOf(response: Response): Promise<string[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter(Boolean)
    .map((event) => event.replace(/^data: /, ""));
}

describe("the demo model over HTTP", () => {
  test("lists itself", async () => {
    const response = await fetch(`${demo.baseUrl}/models`);
    expect(await response.json()).toMatchObject({ object: "list", data: [{ id: "demo", object: "model" }] });
  });

  test("calls a tool and answers from its result", async () => {
    const response = await post(asked);
    expect(response.headers.get("content-type")).toBe("application/json");
    const completion = JSON.parse(await response.text());
    expect(completion).toEqual({
      id: expect.stringMatching(/^chatcmpl_/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "demo",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: null,
            tool_calls: [
              {
                id: expect.stringMatching(/^call_/),
                type: "function",
                function: { name: "demo__add", arguments: '{"a":2,"b":40}' },
              },
            ],
          },
          logprobs: null,
          finish_reason: "tool_calls",
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: expect.any(Number), total_tokens: expect.any(Number) },
    });
    const { message } = completion.choices[0];
    const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: [{ type: "text", text: "42" }] };
    const answered = await post({ ...asked, messages: [...asked.messages, message, result] });
    const next = JSON.parse(await answered.text());
    expect(next.choices[0]).toMatchObject({
      message: { role: "assistant", content: "The answer is 42." },
      finish_reason: "stop",
    });
  });

  test("streams a text in small pieces, with usage when asked, and marks the end", async () => {
    const call = { id: "c", type: "function", function: { name: "demo__add", arguments: "{}" } };
    const messages = [
      ...asked.messages,
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", tool_call_id: "c", content: "42 🌍" },
    ];
    const response = await post({ ...asked, messages, stream: true, stream_options: { include_usage: true } });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const data = await dataOf(response);
    expect(data.at(-1)).toBe("[DONE]");
    const chunks = data.slice(0, -1).map((text) => JSON.parse(text));
    const texts = chunks.flatMap(({ choices }) => choices[0]?.delta.content ?? []);
    expect(texts.join("")).toBe("The answer is 42 🌍.");
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(8);
    expect(chunks.at(-2).choices[0]).toMatchObject({ delta: {}, finish_reason: "stop" });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  test("streams calls with their arguments in pieces", async () => {
    const messages = [{ role: "user", content: [{ type: "text", text: "add 2 and 40 and also add 1 and 1" }] }];
    const chunks = (await dataOf(await post({ ...asked, messages, stream: true })))
      .slice(0, -1)
      .map((text) => JSON.parse(text));
    const deltas = chunks.flatMap(({ choices }) => choices[0].delta.tool_calls ?? []);
    const argumentsOf = (wanted: number) =>
      deltas.filter(({ index }) => index === wanted).map((delta) => delta.function.arguments);
    expect(argumentsOf(0).join("")).toBe('{"a":2,"b":40}');
    expect(argumentsOf(1).join("")).toBe('{"a":1,"b":1}');
    expect(argumentsOf(0).length).toBeGreaterThan(3);
    expect(deltas.filter(({ id }) => id)).toHaveLength(2);
    expect(chunks.at(-1).choices[0].finish_reason).toBe("tool_calls");
    expect(chunks.some((chunk) => "usage" in chunk)).toBe(false);
  });
});

describe("a bad request gets the error that a real server gives", () => {
  test.each([
    ["not JSON", "{oops", 400],
    ["no object", "[]", 400],
    ["no model", JSON.stringify({ messages: [] }), 400],
    ["no messages", JSON.stringify({ model: "demo" }), 400],
    ["a message that is none", JSON.stringify({ model: "demo", messages: ["hi"] }), 400],
    ["a tool that is none", JSON.stringify({ ...asked, tools: [{}] }), 400],
    ["another model", JSON.stringify({ ...asked, model: "gpt-5.4-mini" }), 404],
  ])("%s", async (_, body, status) => {
    const response = await fetch(`${demo.baseUrl}/chat/completions`, { method: "POST", body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: { type: "invalid_request_error", message: expect.any(String) },
    });
  });

  test("an unknown path", async () => {
    const response = await fetch(`${demo.baseUrl}/completions`, { method: "POST", body: "{}" });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "unknown_url" } });
  });
});

test("closing the demo model ends open connections and may be repeated", async () => {
  const other = await startDemoModel();
  await (await fetch(`${other.baseUrl}/models`)).json();
  await other.close();
  await other.close();
  await expect(fetch(`${other.baseUrl}/models`)).rejects.toThrow();
});
