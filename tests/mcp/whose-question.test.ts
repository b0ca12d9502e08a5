/** A server's question goes to the caller whose call it belongs to, and to nobody if that cannot be known. */

import { writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, jest, test } from "@jest/globals";
import type { Question } from "../../src/core/events.js";
import { type Completion, textOf } from "../../src/core/messages.js";
import type { McpResults, SendOptions, ToolResult } from "../../src/core/ports.js";
import { fixture, type RunningHub, remoteServer, startHubWith, temporaryFolder, until } from "../support/mcp-hub.js";
import { modernServer } from "../support/modern-server.js";

interface Asking extends AsyncDisposable {
  url: string;
  /** Resolves once this request (a tool's name, a method, or GET) has come, with its open event stream. */
  came(name: string): Promise<ServerResponse>;
  /** Sends a question on the stream. Resolves with the host's answer. */
  ask(stream: ServerResponse, method: string, params?: object): Promise<unknown>;
  /** Answers a request, and ends its stream. */
  end(name: string, result: object): Promise<void>;
}

/** Starts a server over HTTP whose calls all have a stream of their own, and end when the test says so. */
async function askingServer(): Promise<Asking> {
  const open = new Map<string, { stream: ServerResponse; id: unknown }>();
  const answers = new Map<unknown, (answer: unknown) => void>();
  let count = 0;
  const listed = {
    "tools/list": { tools: ["pay", "hold"].map((name) => ({ name, inputSchema: { type: "object" } })) },
    "prompts/list": { prompts: [{ name: "greet", arguments: [{ name: "who" }] }] },
    "resources/list": { resources: [{ uri: "x://one", name: "one" }] },
  };
  const write = (stream: ServerResponse, message: object) =>
    stream.write(`data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`);
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { id, method, params, ...answer } = text ? JSON.parse(text) : { method: "GET" };
    const whole = (result: object) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    if (method === undefined) answers.get(id)?.(answer.result ?? answer);
    if (method !== "GET" && (id === undefined || method === undefined)) return response.writeHead(202).end();
    if (method === "initialize") {
      const capabilities = { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {} };
      const serverInfo = { name: "asking", version: "1" };
      return whole({ protocolVersion: params.protocolVersion, capabilities, serverInfo });
    }
    if (method in listed) return whole(listed[method as keyof typeof listed]);
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    return open.set(method === "tools/call" ? params.name : method, { stream: response, id });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const came = async (name: string) => {
    await until(() => open.has(name));
    return open.get(name) as { stream: ServerResponse; id: unknown };
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    came: async (name) => (await came(name)).stream,
    ask: (stream, method, params = {}) =>
      new Promise((resolve) => {
        const id = `q${++count}`;
        answers.set(id, resolve);
        write(stream, { id, method, params });
      }),
    async end(name, result) {
      const { stream, id } = await came(name);
      write(stream, { id, result });
      stream.end();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const question = { message: "Pay?", requestedSchema: { type: "object" } };
const accepted = { action: "accept", content: {} };
const words = { messages: [{ role: "user", content: { type: "text", text: "Alice's salary" } }], maxTokens: 5 };

/** A caller who says yes to everything, and what it was asked. */
class Person {
  readonly asked: string[] = [];
  readonly sampled: unknown[] = [];

  options(caller: unknown = this): Partial<SendOptions> {
    return {
      caller,
      ask: async (question: Question) => {
        this.asked.push(question.kind);
        return question.kind === "sampling" ? true : accepted;
      },
      sample: async (params) => {
        this.sampled.push(params);
        return { role: "assistant", model: "m", content: { type: "text", text: "hers" } };
      },
    };
  }
}

const sample = async (): Promise<Completion> => Promise.reject(new Error("the callers have models of their own"));

interface Running extends AsyncDisposable {
  server: Asking;
  hub: RunningHub;
  pay: Promise<ToolResult>;
  hold: Promise<ToolResult>;
}

/** Begins Alice's call of `pay`, then Bob's of `hold`. */
async function bothCall(alice: Partial<SendOptions>, bob: Partial<SendOptions>): Promise<Running> {
  const server = await askingServer();
  const hub = startHubWith({ sample }, { ...remoteServer("h", server.url, "http"), protocol: "legacy" });
  await hub.hub.ready();
  const pay = hub.call("h__pay", {}, alice);
  await server.came("pay");
  const hold = hub.call("h__hold", {}, bob);
  await server.came("hold");
  return {
    ...{ server, hub, pay, hold },
    async [Symbol.asyncDispose]() {
      for (const name of ["pay", "hold"]) await server.end(name, { content: [] });
      await Promise.all([pay, hold]);
      await hub.hub.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("over HTTP", () => {
  test("a question comes on the stream of its call, whatever call began last", async () => {
    const [alice, bob] = [new Person(), new Person()];
    await using running = await bothCall(alice.options(), bob.options());
    const { server } = running;
    const stream = await server.came("pay");
    expect(await server.ask(stream, "elicitation/create", question)).toEqual(accepted);
    expect(await server.ask(stream, "sampling/createMessage", words)).toMatchObject({ content: { text: "hers" } });
    expect(alice).toMatchObject({ asked: ["elicitation"], sampled: [words] });
    expect(bob).toMatchObject({ asked: [], sampled: [] });
    await server.ask(await server.came("hold"), "elicitation/create", question);
    expect(bob.asked).toEqual(["elicitation"]);
  });

  test("a question on the stream of a request other than a call is declined, although a call is running", async () => {
    const [alice, bob] = [new Person(), new Person()];
    await using running = await bothCall(alice.options(), bob.options());
    const { server, hub } = running;
    const prompt = hub.hub.mcpResults.getPrompt("h__greet", {}, new AbortController().signal);
    const stream = await server.came("prompts/get");
    expect(await server.ask(stream, "elicitation/create", question)).toEqual({ action: "decline" });
    expect([...alice.asked, ...bob.asked]).toEqual([]);
    await server.end("prompts/get", { messages: [] });
    await prompt;
  });

  test("a question outside all calls' streams is declined while two callers' calls are running", async () => {
    const [alice, bob] = [new Person(), new Person()];
    await using running = await bothCall(alice.options(), bob.options());
    const { server, hub } = running;
    const stream = await server.came("GET");
    expect(await server.ask(stream, "elicitation/create", question)).toEqual({ action: "decline" });
    expect(await server.ask(stream, "sampling/createMessage", words)).toMatchObject({ error: { code: -32601 } });
    expect([...alice.asked, ...bob.asked, ...alice.sampled, ...bob.sampled]).toEqual([]);
    expect(hub.log.map(({ message }) => message)).toContainEqual(expect.stringContaining("calls of several users"));
  });

  test("a question outside all calls' streams reaches the one caller of all running calls", async () => {
    const alice = new Person();
    await using running = await bothCall(alice.options(), alice.options());
    const { server } = running;
    expect(await server.ask(await server.came("GET"), "elicitation/create", question)).toEqual(accepted);
    expect(alice.asked).toEqual(["elicitation"]);
  });

  const { signal } = new AbortController();
  const others: [method: string, request: (mcpResults: McpResults) => Promise<unknown>, result: object][] = [
    ["prompts/get", (mcpResults) => mcpResults.getPrompt("h__greet", {}, signal), { messages: [] }],
    ["resources/read", (mcpResults) => mcpResults.resourceAt("x://one").read(signal), { contents: [] }],
    ["resources/subscribe", (mcpResults) => mcpResults.resourceAt("x://one").watch(signal), {}],
    [
      "completion/complete",
      (mcpResults) => mcpResults.complete({ prompt: "h__greet" }, { name: "who", value: "" }, signal),
      { completion: { values: [] } },
    ],
  ];

  test.each(others)(
    "a question outside all calls' streams is declined while the server works on %s, which may be another user's",
    async (method, request, result) => {
      const alice = new Person();
      await using running = await bothCall(alice.options(), alice.options());
      const { server, hub } = running;
      const other = request(hub.hub.mcpResults);
      const stream = await server.came("GET");
      await server.came(method);
      expect(await server.ask(stream, "elicitation/create", question)).toEqual({ action: "decline" });
      expect(hub.log.map(({ message }) => message)).toContainEqual(expect.stringContaining("a prompt, a resource or"));
      await server.end(method, result);
      await other;
      expect(await server.ask(stream, "elicitation/create", question)).toEqual(accepted);
      expect(alice.asked).toEqual(["elicitation"]);
    },
  );

  test("a question is declined for a minute after a prompt was cancelled, because the server may still work on it", async () => {
    const alice = new Person();
    await using running = await bothCall(alice.options(), alice.options());
    const { server, hub } = running;
    const cancelled = new AbortController();
    const prompt = hub.hub.mcpResults.getPrompt("h__greet", {}, cancelled.signal);
    const stream = await server.came("GET");
    await server.came("prompts/get");
    cancelled.abort();
    await expect(prompt).rejects.toThrow();
    expect(await server.ask(stream, "elicitation/create", question)).toEqual({ action: "decline" });
    const minuteLater = performance.now() + 60_000;
    const clock = jest.spyOn(performance, "now").mockReturnValue(minuteLater);
    expect(await server.ask(stream, "elicitation/create", question)).toEqual(accepted);
    clock.mockRestore();
    expect(alice.asked).toEqual(["elicitation"]);
  });
});

describe("over stdio, where nothing shows the call", () => {
  test.each([
    ["is declined while two callers' calls are running", "Bob", { action: "decline" }],
    ["reaches the one caller of both calls", "Alice", accepted],
  ])("a question %s", async (_, second, expected) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "go");
    await using hub = startHubWith({}, fixture("s"));
    await hub.hub.ready();
    const alice = new Person();
    const waiting = hub.call("s__wait", { path }, { ...new Person().options(second) });
    const asking = hub.call("s__ask", { method: "elicitation/create", params: question }, alice.options("Alice"));
    expect(JSON.parse(textOf((await asking).content))).toEqual(expected);
    writeFileSync(path, "");
    await waiting;
  });

  test("a call without a caller counts as another user's", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "go");
    await using hub = startHubWith({}, fixture("s"));
    await hub.hub.ready();
    const { ask } = new Person().options();
    const waiting = hub.call("s__wait", { path }, { ask });
    const asking = hub.call("s__ask", { method: "elicitation/create", params: question }, { ask });
    expect(JSON.parse(textOf((await asking).content))).toEqual({ action: "decline" });
    writeFileSync(path, "");
    await waiting;
  });
});

test("a question of protocol 2026-07-28 reaches the caller of the request that it answers", async () => {
  await using server = await modernServer("stdio");
  await using hub = startHubWith({}, server.config);
  await hub.hub.ready();
  const people = [new Person(), new Person()];
  await Promise.all(people.map((person) => hub.call("m__ask", {}, person.options())));
  expect(people.map(({ asked }) => asked)).toEqual([["elicitation"], ["elicitation"]]);
});
