import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type OpenAI from "openai";
import type { Observation } from "../../../src/core/ports.js";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import type { App } from "../../../src/index.js";
import { collect, fixtureServer, startApp } from "../../support/app.js";
import {
  answer,
  beforeHeaders,
  chunk,
  cutStream,
  failure,
  type LlmServer,
  type Step,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { openDoor, post, sdk } from "./door.js";

const steps: Step[] = [];
let llm: LlmServer;
let app: App;
let door: HttpDoor & AsyncDisposable;
let hasty: HttpDoor & AsyncDisposable;

beforeAll(async () => {
  llm = await startLlmServer(() => steps.shift() ?? failure(400, { body: { error: { message: "no step is left" } } }));
  app = await startApp({
    llm: llm.url,
    mcpServers: { s: fixtureServer() },
    config: { llm: { active: "test", http: { max_retries: 0 }, providers: { test: provider(llm.url) } } },
  });
  door = await openDoor(app);
  hasty = await openDoor(app, { keepAliveMs: 20 });
});

afterEach(() => expect(steps.splice(0)).toEqual([]));
afterAll(async () => {
  door.close();
  hasty.close();
  await app[Symbol.asyncDispose]();
  await llm[Symbol.asyncDispose]();
});

function provider(url: string): object {
  return { base_url: url, model: "m1", api_key: "sk-test-0123456789" };
}

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "hi" }];
const callsTool = toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);
const saying = (status: number, error: object, headers: Record<string, string> = {}) =>
  failure(status, { body: { error }, headers });
const cut = () => stream([chunk({ content: "half" }), cutStream]);

/** Returns how many calls the server's tool has received. */
async function sentCalls(of: App = app): Promise<number> {
  const all = await Promise.all(
    (await of.sessions.conversations.list({ most: 100, includesHidden: true })).conversations.map(
      ({ conversationId }) => of.sessions.history(conversationId),
    ),
  );
  return all.flat().filter(({ type }) => type === "tool_sent").length;
}

let models = 0;

/** Each of the two APIs, whole and streamed, with the error that a caller gets after reading all of it. */
const ways = [
  ["chat", false],
  ["chat", true],
  ["responses", false],
  ["responses", true],
] as const;

async function call([api, streamed]: (typeof ways)[number], options: Options = {}): Promise<string> {
  const { maxRetries = 2, headers, at = door } = options;
  const client = sdk(at, { maxRetries, timeout: 20_000 });
  // A new model each time, because the host stops asking a model that keeps failing.
  const model = `test/m${++models}`;
  let text = "";
  if (api === "chat") {
    if (!streamed) {
      const { choices } = await client.chat.completions.create({ model, messages }, { headers });
      return choices[0]?.message.content ?? "";
    }
    const body = { model, messages, stream: true as const };
    for await (const { choices } of await client.chat.completions.create(body, { headers })) {
      text += choices[0]?.delta.content ?? "";
    }
    return text;
  }
  if (!streamed) return (await client.responses.create({ model, input: "hi" }, { headers })).output_text;
  for await (const event of await client.responses.create({ model, input: "hi", stream: true }, { headers })) {
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  return text;
}

interface Options {
  maxRetries?: number;
  headers?: Record<string, string>;
  at?: typeof door;
}

const failures = [
  ["auth", saying(401, { message: "Incorrect API key" }), 401, "invalid_api_key", "invalid_request_error"],
  [
    "model_gone",
    saying(404, { message: "no model", code: "model_not_found" }),
    404,
    "model_not_found",
    "invalid_request_error",
  ],
  [
    "context_length",
    saying(400, { message: "too long", code: "context_length_exceeded" }),
    400,
    "context_length_exceeded",
    "invalid_request_error",
  ],
  [
    "quota",
    saying(429, { message: "no money", code: "insufficient_quota" }),
    429,
    "insufficient_quota",
    "insufficient_quota",
  ],
  ["rate_limit", saying(429, { message: "slow down" }), 429, "rate_limit_exceeded", "rate_limit_error"],
  ["overloaded", saying(503, { message: "overloaded" }), 503, "server_is_overloaded", "server_error"],
] as const;

describe("a failure before any tool has run is a status that OpenAI's clients know", () => {
  test.each(ways.flatMap((way) => failures.map((each) => [...way, ...each] as const)))(
    "%s, streamed %s: %s",
    async (api, streamed, _, step, status, code, type) => {
      steps.push(step);
      await expect(call([api, streamed], { maxRetries: 0 })).rejects.toMatchObject({ status, code, type });
    },
  );

  test.each(ways)("%s, streamed %s: an answer that broke off and of which nothing was shown", async (...way) => {
    const part = { index: 0, id: "c", type: "function", function: { name: "s__echo", arguments: '{"n":' } };
    steps.push(stream([chunk({ tool_calls: [part] }), cutStream]));
    await expect(call(way, { maxRetries: 0 })).rejects.toMatchObject({ status: expect.any(Number) });
  });

  test("in the words that tell clients that the context is full", async () => {
    steps.push(saying(400, { message: "too long", code: "context_length_exceeded" }));
    await expect(call(["chat", false])).rejects.toThrow(/exceeds the context window/);
  });

  test.each(ways)("is retried by the client if a retry may help: %s, streamed %s", async (...way) => {
    steps.push(saying(500, { message: "oops" }), answer("fine"));
    await expect(call(way)).resolves.toBe("fine");
  });
});

describe("a failure after a tool has run", () => {
  const late = [
    ["rate_limit", saying(429, { message: "slow down" }), "tools_have_run"],
    ["server", saying(500, { message: "oops" }), "tools_have_run"],
    ["quota", saying(429, { message: "no money", code: "insufficient_quota" }), "insufficient_quota"],
    ["a cut answer", cut(), "tools_have_run"],
  ] as const;

  test.each(ways.flatMap((way) => late.map((each) => [...way, ...each] as const)))(
    "does not ask for a retry: %s, streamed %s, %s",
    async (api, streamed, _, step, code) => {
      const before = await sentCalls();
      steps.push(callsTool, step);
      const failing = call([api, streamed]);
      // The codes of a failed response are a closed list. `invalid_prompt` stops the retries of every client.
      const inStream = api === "responses" && code === "tools_have_run" ? "invalid_prompt" : code;
      await expect(failing).rejects.toMatchObject(streamed ? { code: inStream } : { code, status: 400 });
      await expect(failing).rejects.toThrow(/X-Request-Id/);
      // opencode treats an error with one of these words as temporary.
      await expect(failing).rejects.not.toThrow(
        /429|50[0-4]|rate.?limit|overloaded|server error|unavailable|try again/i,
      );
      expect(await sentCalls()).toBe(before + 1);
    },
  );

  test.each(["chat", "responses"] as const)(
    "with an X-Request-Id is retried, and continues where it stopped: %s",
    async (api) => {
      const before = await sentCalls();
      steps.push(callsTool, saying(500, { message: "oops" }), answer("fine"));
      await expect(call([api, false], { headers: { "x-request-id": `again-${api}` } })).resolves.toBe("fine");
      expect(await sentCalls()).toBe(before + 1);
    },
  );
});

test.each(ways)("a turn that was cancelled elsewhere fails at the client: %s, streamed %s", async (...way) => {
  steps.push(stream([chunk({ content: "half" }), stall]));
  const before = llm.requests.length;
  const id = `cancelled-${way.join("-")}`;
  const failing = call(way, { headers: { "x-conversation-id": id } });
  await llm.received(before + 1);
  await app.sessions.cancel(id);
  await expect(failing).rejects.toThrow(/the turn was cancelled/i);
});

describe("a call that its client sends again since its connection was lost", () => {
  const bodyOf = {
    "chat/completions": { messages },
    responses: { input: "hi" },
    messages: { messages, max_tokens: 9 },
  };
  const paths = Object.keys(bodyOf) as (keyof typeof bodyOf)[];
  const attempt = (path: keyof typeof bodyOf, count: number, headers: Record<string, string> = {}) => ({
    url: `${door.url}/v1/${path}`,
    body: bodyOf[path],
    headers: { "x-stainless-retry-count": `${count}`, ...headers } as Record<string, string>,
  });
  const send = ({ url, body, headers }: ReturnType<typeof attempt>) => post(url, body, headers);

  async function expectRefused(sent: Promise<Response>): Promise<void> {
    const { status } = await sent;
    expect([status, await (await sent).text()]).toEqual([400, expect.stringContaining("earlier attempt of this call")]);
  }

  /** Drops the client's connection while the model answers the second request. */
  async function lose({ url, body, headers }: ReturnType<typeof attempt>): Promise<void> {
    const leaving = new AbortController();
    const aborts = llm.aborts + 1;
    steps.push(callsTool, (...exchange) => {
      leaving.abort();
      return beforeHeaders(stall)(...exchange);
    });
    const sent = fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal: leaving.signal });
    await expect(sent).rejects.toThrow();
    if (!headers["x-request-id"]) await llm.aborted(aborts);
  }

  test.each(paths)("runs no tool again: %s", async (path) => {
    const before = await sentCalls();
    await lose(attempt(path, 0));
    for (const count of [1, 2]) await expectRefused(send(attempt(path, count)));
    expect((await sentCalls()) - before).toBe(1);
    steps.push(answer("anew"));
    expect((await send(attempt(path, 0))).status).toBe(200);
  });

  test("runs no tool again either if each attempt has another X-Request-Id, as proxies make them", async () => {
    await lose(attempt("responses", 0, { "x-request-id": "p1" }));
    await expectRefused(send(attempt("responses", 1, { "x-request-id": "p2" })));
  });

  test("continues where it stopped under the same Idempotency-Key, whatever X-Request-Id a proxy gives it", async () => {
    const ids = (proxy: string) => ({ "idempotency-key": "k1", "x-request-id": proxy });
    const before = await sentCalls();
    steps.push(callsTool, saying(500, { message: "oops" }), answer("done"));
    expect((await send(attempt("messages", 0, ids("p3")))).status).toBe(502);
    const again = await send(attempt("messages", 1, ids("p4")));
    expect([again.status, await again.text()]).toEqual([200, expect.stringContaining("done")]);
    expect(again.headers.get("x-request-id")).toBe("k1");
    expect((await sentCalls()) - before).toBe(1);
  });

  test.each([
    ["whole", {}],
    ["streamed", { stream: true }],
  ])("runs no tool again after its answer was sent, which may have been lost: %s", async (way, more) => {
    const sent = (count: number) => {
      const { url, body, headers } = attempt("chat/completions", count);
      return post(url, { ...body, user: way, ...more }, headers);
    };
    const before = await sentCalls();
    steps.push(callsTool, answer("one"));
    expect(await (await sent(0)).text()).toContain("one");
    for (const count of [1, 2]) await expectRefused(sent(count));
    expect((await sentCalls()) - before).toBe(1);
  });

  test("runs no tool again while an identical call is answered", async () => {
    const before = await sentCalls();
    const twin = { ...attempt("chat/completions", 0), body: { messages, user: "twins" } };
    const aborts = llm.aborts + 1;
    const leaving = new AbortController();
    const asked = llm.requests.length;
    steps.push(callsTool, beforeHeaders(stall));
    const { url, body, headers } = twin;
    const lost = fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal: leaving.signal });
    await llm.received(asked + 2);
    steps.push(callsTool, answer("the other one"));
    expect(await (await send(twin)).text()).toContain("the other one");
    leaving.abort();
    await expect(lost).rejects.toThrow();
    await llm.aborted(aborts);
    const retried = { ...twin, headers: attempt("chat/completions", 1).headers };
    for (let twins = 0; twins < 2; twins++) await expectRefused(send(retried));
    expect((await sentCalls()) - before).toBe(2);
  });

  test("is run again if it failed before its tools, also when an identical call has run them earlier", async () => {
    const body = { messages, user: "often" };
    const often = (count: number, headers = {}) => send({ ...attempt("chat/completions", count, headers), body });
    steps.push(callsTool, answer("one"), saying(503, { message: "busy" }), answer("two"));
    expect((await often(0)).status).toBe(200);
    expect((await often(0)).status).toBe(503);
    expect(await (await often(1)).text()).toContain("two");
    await expectRefused(often(1));
  });

  test("under an Idempotency-Key of its own is not taken for an identical call", async () => {
    const body = { messages, user: "keys" };
    const keyed = (key: string, count: number) =>
      send({ ...attempt("chat/completions", count, { "idempotency-key": key }), body });
    steps.push(callsTool, answer("one"), saying(503, { message: "busy" }), answer("two"));
    expect((await keyed("k2", 0)).status).toBe(200);
    expect((await keyed("k3", 0)).status).toBe(503);
    expect(await (await keyed("k3", 1)).text()).toContain("two");
    expect(await (await keyed("k2", 1)).text()).toContain("one");
  });

  test("by its user, not by its client, is another call", async () => {
    const again = { ...attempt("chat/completions", 0), body: { messages, user: "anew" } };
    steps.push(callsTool, answer("one"), callsTool, answer("two"));
    expect(await (await send(again)).text()).toContain("one");
    expect(await (await send(again)).text()).toContain("two");
  });
});

describe.each([
  ["the AI SDK 6", "ai/6.0.326 ai-sdk/provider-utils/4.0.66 runtime/node.js/v20.20.2", {}],
  ["the AI SDK 7", "ai-sdk-openai/4.0.118 ai-sdk-provider-utils/5.0.81 node.js/v22.1.0", {}],
  ["LangChain.js", "langchainjs-openai/1.0.0 ((node/v20.20.2; linux; x64))", { "x-stainless-retry-count": "0" }],
])("a call of %s, which repeats calls without counting", (client, userAgent, countHeader) => {
  const url = () => `${door.url}/v1/chat/completions`;
  const headers = { "user-agent": userAgent, ...countHeader };
  const bodyOf = (text: string, more: object = {}) => ({
    messages: [{ role: "user", content: `${text} (${client})` }],
    ...more,
  });
  const refusal = { code: "tools_have_run" };

  /** Sends a call, and drops its connection when the model has received the request after the tool, which it answers with `step`. */
  async function leave(body: object, headers: Record<string, string>, step: Step): Promise<void> {
    const leaving = new AbortController();
    const asked = llm.requests.length;
    steps.push(callsTool, step);
    const sent = fetch(url(), { method: "POST", headers, body: JSON.stringify(body), signal: leaving.signal });
    const read = sent.then((response) => response.text());
    await llm.received(asked + 2);
    leaving.abort();
    await expect(read).rejects.toThrow();
  }

  /** Does the same with a call that ends when its client leaves, and waits for its end. */
  async function lose(body: object, headers: Record<string, string>): Promise<void> {
    const aborts = llm.aborts;
    await leave(body, headers, stream([chunk({ content: "half" }), stall]));
    await llm.aborted(aborts + 1);
  }

  async function expectAnswer(text: string, sent: Promise<Response>): Promise<void> {
    expect(await (await sent).text()).toContain(text);
  }

  test.each([
    ["whole", {}],
    ["streamed", { stream: true }],
  ])("runs no tool again for two minutes after its connection was lost: %s", async (way, more) => {
    const body = bodyOf(`lost ${way}`, more);
    const before = await sentCalls();
    await lose(body, headers);
    for (let repetition = 0; repetition < 2; repetition++) {
      const response = await post(url(), body, headers);
      expect([response.status, await response.json()]).toMatchObject([400, { error: refusal }]);
    }
    expect((await sentCalls()) - before).toBe(1);
    const now = performance.now.bind(performance);
    const clock = jest.spyOn(performance, "now").mockImplementation(() => now() + 121_000);
    steps.push(callsTool, answer("anew"));
    await expectAnswer("anew", post(url(), body, headers)).finally(() => clock.mockRestore());
  });

  test("continues after a lost connection under its Idempotency-Key", async () => {
    const before = await sentCalls();
    const keyed = { ...headers, "idempotency-key": `left-${client.replaceAll(" ", "-")}` };
    const body = bodyOf("keyed");
    let goOn = () => {};
    const left = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await leave(body, keyed, async (...exchange) => {
      await left;
      await answer("kept")(...exchange);
    });
    goOn();
    await expectAnswer("kept", post(url(), body, keyed));
    expect((await sentCalls()) - before).toBe(1);
  });

  test("runs with another text after its connection was lost", async () => {
    await lose(bodyOf("stopped"), headers);
    steps.push(callsTool, answer("the other one"));
    await expectAnswer("the other one", post(url(), bodyOf("another"), headers));
  });

  test.each([
    ["whole", {}],
    ["streamed", { stream: true }],
  ])("runs its tools again after an answer or a failure that the client has received: %s", async (way, more) => {
    const body = bodyOf(`again ${way}`, more);
    const before = await sentCalls();
    steps.push(callsTool, answer("one"), callsTool, saying(401, { message: "no" }), callsTool, answer("three"));
    await expectAnswer("one", post(url(), body, headers));
    await expectAnswer("invalid_api_key", post(url(), body, headers));
    await expectAnswer("three", post(url(), body, headers));
    expect((await sentCalls()) - before).toBe(3);
  });

  test("runs again if a program without such a user agent has lost it", async () => {
    const body = bodyOf("program");
    await lose(body, {});
    steps.push(callsTool, answer("asked again"));
    await expectAnswer("asked again", post(url(), body));
  });
});

describe("the head of a stream", () => {
  test.each(["chat/completions", "responses"])("waits no longer than a line may be silent: %s", async (path) => {
    steps.push(stream([stall]));
    const leaving = new AbortController();
    const body = JSON.stringify({ messages, input: "hi", stream: true });
    const response = await fetch(`${hasty.url}/v1/${path}`, { method: "POST", body, signal: leaving.signal });
    expect(response.status).toBe(200);
    leaving.abort();
    await llm.aborted(llm.aborts + 1);
  });

  test("a failure behind it comes as an event", async () => {
    let fail = () => {};
    const held = new Promise<void>((resolve) => {
      fail = resolve;
    });
    steps.push(async (response, request) => {
      await held;
      await saying(401, { message: "Incorrect API key" })(response, request);
    });
    const response = await post(`${hasty.url}/v1/responses`, { input: "hi", stream: true });
    fail();
    const text = await response.text();
    expect(text).toMatch(/event: error\n.*\n\nevent: response\.failed\n/);
    expect(text).toContain('"code":"invalid_prompt"');
  });
});

test("a failed response that is read later has the same code", async () => {
  steps.push(callsTool, saying(500, { message: "oops" }));
  const text = await (await post(`${door.url}/v1/responses`, { input: "hi", stream: true })).text();
  const [, failed = "{}"] = /event: response\.failed\ndata: (.*)/.exec(text) ?? [];
  const { response } = JSON.parse(failed) as { response: { id: string; error: { code: string } } };
  expect(response.error.code).toBe("invalid_prompt");
  expect((await sdk(door).responses.retrieve(response.id)).error).toEqual(response.error);
});

// This test is last, because the host itself waits that long before it asks the provider again.
test("a rate limit error gives the time for which the provider asks to wait", async () => {
  steps.push(saying(429, { message: "slow down" }, { "retry-after-ms": "2500" }));
  const response = await post(`${door.url}/v1/chat/completions`, { messages, stream: true });
  expect(response.status).toBe(429);
  expect(response.headers.get("retry-after-ms")).toBe("2500");
  expect(response.headers.get("retry-after")).toBe("3");
  expect(((await response.json()) as { error: { message: string } }).error.message).toContain("try again in 2.5s");
});

test("while a provider pauses, calls of the APIs get the rest of the pause at once, and a prompt of a person waits for its end", async () => {
  const pauseMs = 1500;
  const served = [callsTool, saying(429, { message: "slow down" }, { "retry-after-ms": String(pauseMs) })];
  const times: number[] = [];
  await using paused = await startLlmServer(() => {
    times.push(performance.now());
    return served.shift() ?? answer("done");
  });
  let pauses = () => {};
  const hasPaused = new Promise<void>((resolve) => {
    pauses = resolve;
  });
  const observe = ({ message }: Observation) => message === "request failed, trying again" && pauses();
  await using host = await startApp({ llm: paused.url, mcpServers: { s: fixtureServer() }, observe });
  await using agents = await openDoor(host);
  // The tool of this call has run when the pause begins, so the call waits.
  const begun = post(`${agents.url}/v1/chat/completions`, { messages });
  await hasPaused;
  const person = collect(await host.sessions.open("person").prompt({ requestId: "r", text: "hi" }));
  for (const path of ["/v1/chat/completions", "/v1/responses", "/v1/messages"]) {
    const asked = path === "/v1/responses" ? { input: "hi" } : { messages, max_tokens: 100 };
    const { status, headers } = await post(`${agents.url}${path}`, { model: "mcp-platform", ...asked });
    expect([path, status, headers.get("x-should-retry")]).toEqual([path, 429, "true"]);
    const restMs = Number(headers.get("retry-after-ms"));
    expect(restMs).toBeGreaterThan(0);
    expect(restMs).toBeLessThanOrEqual(1.1 * pauseMs);
  }
  expect(paused.requests).toHaveLength(2);
  expect((await begun).status).toBe(200);
  expect((await person).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  const [, refusedAt = 0, ...later] = times;
  for (const at of later) expect(at - refusedAt).toBeGreaterThanOrEqual(pauseMs - 5);
});
