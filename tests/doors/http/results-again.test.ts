/** Results of the caller's tools that come again, in a conversation of the host, because the answer to them failed or was stopped. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import {
  answer,
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
import { newStorage } from "../../support/storages.js";
import { openDoor } from "./door.js";

const folder = mkdtempSync(join(tmpdir(), "results-again-"));
/** The next answers of the model. */
const script: Step[] = [];
let llm: LlmServer;
let app: App & AsyncDisposable;
let door: HttpDoor & AsyncDisposable;

beforeAll(async () => {
  llm = await startLlmServer(() => script.shift() ?? failure(500));
  const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
  app = await startApp({
    llm: llm.url,
    mcpServers: { s: fixtureServer() },
    storage: await newStorage(folder),
    config: { llm: { active: "test", http: { max_retries: 0 }, providers } },
  });
  door = await openDoor(app);
});

afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
  await llm[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  script.length = 0;
  llm.requests.length = 0;
});

type Document = Record<string, unknown>;

/** How a client of each API sends messages and results in a conversation of the host. */
interface Api {
  path: string;
  user(text: string): object;
  /** What the client sends after the answer with a call: the result of the call, and a message. */
  results(id: string, content: string, text?: string): object[];
  body(messages: object[], conversationId: string): object;
  /** Returns the ids of the caller's calls in an answer. */
  callIds(document: Document): string[];
}

const parameters = { type: "object", properties: {} };
const idsIn = (list: unknown, type: string, field: string): string[] =>
  (list as Document[]).flatMap((item) => (item.type === type ? [String(item[field])] : []));
const user = (content: string) => ({ role: "user", content });
const andMessage = (text?: string) => (text === undefined ? [] : [user(text)]);

const apis: Record<string, Api> = {
  "chat completions": {
    path: "chat/completions",
    user,
    results: (id, content, text) => [{ role: "tool", tool_call_id: id, content }, ...andMessage(text)],
    body: (messages) => ({ messages, tools: [{ type: "function", function: { name: "own", parameters } }] }),
    callIds: ({ choices }) => {
      const [{ message }] = choices as [{ message: Document }];
      return idsIn(message.tool_calls, "function", "id");
    },
  },
  messages: {
    path: "messages",
    user,
    results: (id, content, text) => {
      const said = text === undefined ? [] : [{ type: "text", text }];
      return [{ role: "user", content: [{ type: "tool_result", tool_use_id: id, content }, ...said] }];
    },
    body: (messages) => ({ messages, max_tokens: 99, tools: [{ name: "own", input_schema: parameters }] }),
    callIds: ({ content }) => idsIn(content, "tool_use", "id"),
  },
  "responses with `conversation`": {
    path: "responses",
    user,
    results: (id, output, text) => [{ type: "function_call_output", call_id: id, output }, ...andMessage(text)],
    body: (input, conversation) => ({ input, conversation, tools: [{ type: "function", name: "own", parameters }] }),
    callIds: ({ output }) => idsIn(output, "function_call", "call_id"),
  },
};

let conversations = 0;

/** Starts a conversation in which the model calls the caller's tool. */
async function conversationOn({ path, body, user, callIds, results }: Api) {
  const id = `again-${++conversations}`;
  const send = async (messages: object[], signal?: AbortSignal, streamed = false, key?: string) => {
    const named: Record<string, string> = path === "responses" ? {} : { "x-conversation-id": id };
    if (key !== undefined) named["idempotency-key"] = key;
    const response = await fetch(`${door.url}/v1/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${door.token}`, ...named },
      body: JSON.stringify({ model: "mcp-platform", stream: streamed, ...body(messages, id) }),
      signal,
    });
    return { status: response.status, text: await response.text() };
  };
  script.push(toolCalls([{ name: "own", arguments: {}, id: "call_1" }]));
  const [callId = ""] = callIds(JSON.parse((await send([user("go")])).text) as Document);
  return {
    send,
    results: (content: string, text?: string) => results(callId, content, text),
    /** Waits until the log has the end of the turn. */
    ended: async () => {
      const isEnd = (type = "") => type === "turn_end" || type === "turn_error";
      while (!isEnd((await app.sessions.history(id)).at(-1)?.type)) await pause(10);
    },
  };
}

/** Returns the last request to the model: the role of each message, with its text or the names of its calls. */
function told(): string[] {
  return (llm.requests.at(-1)?.body.messages ?? []).slice(1).map(({ role, content, tool_calls }) => {
    const names = (tool_calls ?? []).map((call) => call.function.name);
    const text = role === "tool" || names.length === 0 ? String(content) : names.join(" ");
    return `${role} ${text}`;
  });
}

const echoes = () => toolCalls([{ name: "s__echo", arguments: { n: 1 }, id: "call_1" }]);
const begun = ["user go", "assistant own", "tool own result"];
const ran = ["assistant s__echo", 'tool {"n":1}'];

/** How the answer to the results fails, and what the model has said and done by then. */
const failures = {
  "that was cut": { steps: () => [stream([chunk({ content: "half" }), cutStream])], isStopped: false, done: [] },
  "that the user stopped": { steps: () => [stream([chunk({ content: "half" }), stall])], isStopped: true, done: [] },
  "that failed after a server's tool had run": { steps: () => [echoes(), failure(500)], isStopped: false, done: ran },
  "that was stopped after a server's tool had run": {
    steps: () => [echoes(), stream([chunk({ content: "half" }), stall])],
    isStopped: true,
    done: ran,
  },
};

describe.each(Object.entries(apis))("%s: after an answer to results", (_name, api) => {
  describe.each(Object.entries(failures))("%s", (_failure, { steps, isStopped, done }) => {
    async function failed() {
      const conversation = await conversationOn(api);
      script.push(...steps());
      const leaving = new AbortController();
      const call = conversation.send(conversation.results("own result"), leaving.signal, true);
      if (isStopped) {
        const requests = 1 + steps().length;
        await llm.received(requests);
        leaving.abort();
        await expect(call).rejects.toThrow();
      } else await call;
      await conversation.ended();
      return conversation;
    }

    test("the same call again runs, and the next message continues after its answer", async () => {
      const { send, results } = await failed();
      script.push(answer("done"), answer("more"));
      expect(await send(results("own result"))).toMatchObject({ status: 200, text: expect.stringContaining("done") });
      expect(told()).toEqual([...begun, ...done]);
      expect(await send([user("and then?")])).toMatchObject({ status: 200, text: expect.stringContaining("more") });
      expect(told()).toEqual([...begun, ...done, "assistant done", "user and then?"]);
    });

    test("the results with a new message count once, as the log has them", async () => {
      const { send, results } = await failed();
      script.push(answer("done"));
      const sent = await send(results("another result", "go on"));
      expect(sent).toMatchObject({ status: 200, text: expect.stringContaining("done") });
      expect(told().filter((message) => message.startsWith("tool"))).toEqual(
        [...begun, ...done].filter((message) => message.startsWith("tool")),
      );
      expect(told().at(-1)).toBe("user go on");
    });
  });

  test("when the answer got lost, the results may come with a new message, but not alone", async () => {
    const { send, results } = await conversationOn(api);
    script.push(answer("lost"), answer("done"));
    await send(results("own result"));
    expect((await send(results("own result"))).status).toBe(400);
    expect((await send(results("own result", "go on"))).status).toBe(200);
    expect(told()).toEqual([...begun, "assistant lost", "user go on"]);
  });

  const filtered = () => stream([chunk({ content: "half" }, "content_filter"), "data: [DONE]\n\n"]);
  test.each([
    ["that the provider refused", () => failure(400)],
    ["that a filter stopped", filtered],
  ])("%s, other results count", async (_refusal, refused) => {
    const { send, results } = await conversationOn(api);
    script.push(refused(), answer("done"));
    await send(results("too much"));
    expect((await send(results("own result"))).status).toBe(200);
    expect(told()).toEqual(begun);
  });

  test("when the answer failed, a result of an unknown call is still refused", async () => {
    const { send, results } = await conversationOn(api);
    script.push(failure(500));
    await send(results("own result"));
    const unknown = api.results("call_x", "own result", "go on");
    expect(await send([...results("own result"), ...unknown])).toMatchObject({
      status: 400,
      text: expect.stringContaining("No tool call found for function call output with call_id call_x."),
    });
  });
});

test.each(Object.entries(apis))(
  "%s: a call that failed is refused once a later one was answered, and the conversation goes on",
  async (_name, api) => {
    const { send, results } = await conversationOn(api);
    const keyed = () => send(results("own result"), undefined, false, "job-1");
    script.push(echoes(), failure(500), answer("second"));
    expect((await keyed()).status).toBe(502);
    expect((await send(results("own result", "go on"))).status).toBe(200);
    expect((await keyed()).status).toBe(409);
    script.push(answer("third"));
    expect((await send([user("and now?")])).status).toBe(200);
    const calls = ["user go", "assistant own", "tool own result", "assistant s__echo", 'tool {"n":1}'];
    expect(told()).toEqual([...calls, "user go on", "assistant second", "user and now?"]);
  },
);
