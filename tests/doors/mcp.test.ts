import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import {
  type ElicitRequest,
  ElicitRequestSchema,
  type ElicitResult,
  ErrorCode,
  LoggingMessageNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { McpParts } from "../../src/doors/mcp/mcp-parts.js";
import { createMcpServer } from "../../src/doors/mcp/server.js";
import type { App } from "../../src/index.js";
import type { Session } from "../../src/session/session.js";
import { fixtureServer, script, startApp } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import {
  answer,
  chunk,
  cutStream,
  failure,
  type Step,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../support/llm-server.js";
import { mcpParts } from "../support/mcp-door.js";
import { recording, temporaryFolder } from "../support/mcp-hub.js";
import { Signal } from "../support/signal.js";

const ask = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };

interface Asked {
  isListening?: () => boolean;
  onElicit?: (params: ElicitRequest["params"], signal: AbortSignal) => ElicitResult | Promise<ElicitResult>;
  /** Called with each message to the client. */
  onMessage?: (message: object) => void;
  said?: McpParts["given"];
}

async function connect(
  app: App,
  serve: Partial<McpParts["serve"]>,
  { onElicit, onMessage, isListening, said = {} }: Asked = {},
) {
  const parts = mcpParts(app, serve);
  const server = await createMcpServer({ ...parts, given: said }, isListening);
  const client = new Client({ name: "test", version: "1" }, { capabilities: onElicit ? { elicitation: {} } : {} });
  if (onElicit) client.setRequestHandler(ElicitRequestSchema, ({ params }, { signal }) => onElicit(params, signal));
  const [one, other] = InMemoryTransport.createLinkedPair();
  await server.connect(one);
  await client.connect(other);
  const receive = other.onmessage;
  other.onmessage = (message, extra) => {
    onMessage?.(message);
    receive?.(message, extra);
  };
  return client;
}

const commandLine = ({ folder, environment }: Workplace, ...args: string[]) =>
  new StdioClientTransport({
    command: process.execPath,
    args: [resolve("dist/main.js"), ...args],
    cwd: folder,
    env: environment as Record<string, string>,
    stderr: "ignore",
  });

/** Resolves to the id of the next question in the conversation. */
const questionOf = (session: Session) =>
  new Promise<string>((resolve) =>
    session.turns.listen((event) => event.type === "question" && resolve(event.questionId)),
  );

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]?.text;

describe("the tool chat", () => {
  test("runs a turn with its progress, and continues a conversation", async () => {
    await using llm = await startLlmServer([
      toolCalls([{ name: "s__echo", arguments: { a: 1 } }]),
      answer("first answer"),
      answer("second"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const client = await connect(app, {});
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["chat"]);
    const progress: string[] = [];
    const first = await client.callTool({ name: "chat", arguments: { prompt: "hi" } }, undefined, {
      onprogress: ({ message }) => void progress.push(message ?? ""),
    });
    expect(first).toMatchObject({ structuredContent: { text: "first answer", stop_reason: "end_turn" } });
    expect(progress).toEqual(["> s__echo", "done: s__echo", "first", " answer"]);
    const { conversation_id } = first.structuredContent as Record<string, string>;
    await client.callTool({ name: "chat", arguments: { prompt: "and?", conversation_id } });
    expect(JSON.stringify(llm.requests.at(-1)?.body.messages)).toContain("first answer");
    await client.close();
  });

  test.each([
    ["once", true],
    ["no", false],
  ])("asks the person through the client whether a tool may run: %s", async (choice, isRun) => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const asked: string[] = [];
    const client = await connect(
      app,
      {},
      {
        onElicit: ({ message }) => {
          asked.push(message);
          return { action: "accept", content: { answer: choice } };
        },
      },
    );
    await client.callTool({ name: "chat", arguments: { prompt: "hi" } });
    expect(asked).toEqual([expect.stringContaining("Run s.echo?")]);
    const result = llm.requests[1]?.body.messages?.at(-1)?.content;
    expect(String(result).includes("did not allow")).toBe(!isRun);
    await client.close();
  });

  test("asks its client about several calls one after another; an answer for the session answers the others of its tool", async () => {
    const calls = ["echo", "big", "echo"].map((name, index) => ({
      name: `s__${name}`,
      arguments: {},
      id: `c${index}`,
    }));
    await using llm = await startLlmServer([toolCalls(calls), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const asked: string[] = [];
    let open = 0;
    const onElicit = async ({ message }: ElicitRequest["params"]): Promise<ElicitResult> => {
      asked.push(/Run (\S+)\?/.exec(message)?.[1] ?? message);
      expect(++open).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return { action: "accept", content: { answer: "always in this session" } };
    };
    const client = await connect(app, {}, { onElicit });
    const called = client.callTool({ name: "chat", arguments: { prompt: "hi", conversation_id: "c" } });
    expect(await called).toMatchObject({ structuredContent: { text: "done" } });
    expect(asked).toEqual(["s.echo", "s.big"]);
    await client.close();
  });

  test("withdraws its question from the client when it is answered elsewhere", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const [asked, withdrawn] = [new Signal(), new Signal()];
    const onElicit = (_params: object, signal: AbortSignal) => {
      signal.addEventListener("abort", withdrawn.give);
      asked.give();
      return new Promise<ElicitResult>(() => {});
    };
    const client = await connect(app, {}, { onElicit });
    const session = app.sessions.open("c");
    const question = questionOf(session);
    const called = client.callTool({ name: "chat", arguments: { prompt: "hi", conversation_id: "c" } });
    await asked.given;
    session.answer(await question, true);
    expect(await called).toMatchObject({ structuredContent: { text: "done" } });
    await withdrawn.given;
    await client.close();
  });

  describe("with a request_id", () => {
    const args = { prompt: "hi", request_id: "r1" };

    test("runs one turn for calls with the same id, and asks once", async () => {
      await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("done")]);
      await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
      const asked: string[] = [];
      const onElicit = ({ message }: ElicitRequest["params"]): ElicitResult => {
        asked.push(message);
        return { action: "accept", content: { answer: "once" } };
      };
      const client = await connect(app, {}, { onElicit });
      const other = await connect(app, {}, { onElicit });
      const call = (by: Client) => by.callTool({ name: "chat", arguments: args });
      const results = [...(await Promise.all([call(client), call(client)])), await call(other)];
      expect(results[0]).toMatchObject({ structuredContent: { text: "done" } });
      expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
      expect(asked).toHaveLength(1);
      await client.close();
      await other.close();
    });

    test("continues when its client goes, and has its answer ready when the client is back", async () => {
      let release: (answered: Step) => void = () => {};
      const later = new Promise<Step>((resolve) => {
        release = resolve;
      });
      await using llm = await startLlmServer([(...exchange) => void later.then((step) => step(...exchange))]);
      await using app = await startApp({ llm: llm.url });
      const gone = await connect(app, {});
      const lost = gone.callTool({ name: "chat", arguments: args }).catch((error: unknown) => error);
      await llm.received(1);
      await gone.close();
      expect(await lost).toBeInstanceOf(Error);
      release(answer("late"));
      const client = await connect(app, {});
      expect(await client.callTool({ name: "chat", arguments: args })).toMatchObject({ content: [{ text: "late" }] });
      await client.close();
    });

    test("leaves its question open if the client goes, and asks again when it is back", async () => {
      await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("done")]);
      await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
      const asked = new Signal();
      const onElicit = () => {
        asked.give();
        return new Promise<ElicitResult>(() => {});
      };
      const gone = await connect(app, {}, { onElicit });
      gone.callTool({ name: "chat", arguments: args }).catch(() => {});
      await asked.given;
      await gone.close();
      const client = await connect(app, {}, { onElicit: () => ({ action: "accept", content: { answer: "once" } }) });
      expect(await client.callTool({ name: "chat", arguments: args })).toMatchObject({ content: [{ text: "done" }] });
      expect(JSON.stringify(llm.requests[1]?.body.messages)).not.toContain("did not allow");
      await client.close();
    });

    test("refuses another prompt under an id that is used in the conversation", async () => {
      await using llm = await startLlmServer([answer("one"), answer("other")]);
      await using app = await startApp({ llm: llm.url });
      const client = await connect(app, {});
      const chat = (given: object) => client.callTool({ name: "chat", arguments: { ...args, ...given } });
      await chat({ conversation_id: "c" });
      expect(textOf(await chat({ conversation_id: "c", prompt: "other" }))).toContain("already used");
      expect(textOf(await chat({ conversation_id: "", prompt: "other" }))).toBe("other");
      await client.close();
    });
  });

  test("without a request_id is an error once the host has cancelled it to shut down", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    await using app = await startApp({ llm: llm.url });
    const client = await connect(app, {});
    const calling = client.callTool({ name: "chat", arguments: { prompt: "hi" } });
    await llm.received(1);
    await app.drain(0);
    expect(await calling).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining("was cancelled") }],
    });
    await client.close();
  });

  test("is cancelled when its client goes, if it has no request_id", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    await using app = await startApp({ llm: llm.url });
    const client = await connect(app, {});
    const lost = client.callTool({ name: "chat", arguments: { prompt: "hi", conversation_id: "c" } });
    await llm.received(1);
    await client.close();
    await expect(lost).rejects.toThrow();
    await app.sessions.open("c").turns.idle();
    expect((await app.sessions.history("c")).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
  });

  test.each(["prompt", "conversation_id", "request_id", "model"])("needs %s as a text", async (name) => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const client = await connect(app, {});
    const result = await client.callTool({ name: "chat", arguments: { prompt: "hi", [name]: 1 } });
    expect(result).toMatchObject({ isError: true, content: [{ text: `${name} has to be a text` }] });
    await client.close();
  });

  test("returns an error with the host's own text when the turn fails", async () => {
    await using llm = await startLlmServer([failure(401)]);
    await using app = await startApp({ llm: llm.url });
    const client = await connect(app, {});
    expect(await client.callTool({ name: "chat", arguments: { prompt: "hi" } })).toMatchObject({ isError: true });
    await client.close();
  });

  test("returns an error that names the limit, if a limit is used up before the model was asked", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, config: { chat: { limits: { day: { tokens: 10 } } } } });
    const client = await connect(app, {});
    for (let attempt = 0; attempt < 2; attempt++) {
      const result = await client.callTool({ name: "chat", arguments: { prompt: "hi", request_id: "r" } });
      expect(result).toMatchObject({ isError: true });
      expect(textOf(result)).toMatch(
        /^the turn was stopped: the turns of today have used 0 of 10 tokens.*\(chat\.limits\.day\.tokens\)$/,
      );
    }
    await client.close();
  });

  test("does not ask for a repetition that would run tools again", async () => {
    const calls = toolCalls([{ name: "s__echo", arguments: {} }]);
    await using llm = await startLlmServer([calls, failure(401), calls, failure(401)]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const client = await connect(app, {});
    const said = async (args: object) => {
      const { content } = await client.callTool({ name: "chat", arguments: { prompt: "hi", ...args } });
      return JSON.stringify(content);
    };
    expect(await said({})).toContain("Tools have run in this call, and a repetition would run them again");
    expect(await said({ request_id: "r1" })).not.toContain("Tools have run");
    await client.close();
  });

  test("asks the model again when its answer breaks off", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "half" }), cutStream]), answer("the whole")]);
    await using app = await startApp({ llm: llm.url });
    const client = await connect(app, {});
    const { content } = await client.callTool({ name: "chat", arguments: { prompt: "hi" } });
    expect(content).toEqual([{ type: "text", text: "the whole" }]);
    await client.close();
  });
});

describe("the gateway", () => {
  test("passes nothing on unless it is configured", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const client = await connect(app, { tools: ["s.ech*"] }, { said: { deny: ["s__hang"] } });
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["chat", "s__echo"]);
    const call = { name: "s__hang", arguments: {} };
    await expect(client.callTool(call)).rejects.toMatchObject({ code: ErrorCode.InvalidParams });
    expect(client.getServerCapabilities()).not.toHaveProperty("resources");
    await client.close();
  });

  test("runs a call that needs approval only if a person or the user's flags allow it", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const call = { name: "s__echo", arguments: { a: 1 } };
    const silent = await connect(app, { tools: ["*"] });
    expect(textOf(await silent.callTool(call))).toContain("did not allow");
    const allowed = await connect(app, { tools: ["*"] }, { said: { allow: ["s.echo"] } });
    expect(textOf(await allowed.callTool(call))).toBe('{"a":1}');
    let times = 0;
    const asking = await connect(
      app,
      { tools: ["*"] },
      {
        onElicit: () => {
          times++;
          return { action: "accept", content: { answer: "always in this session" } };
        },
      },
    );
    for (let calls = 0; calls < 2; calls++) expect(textOf(await asking.callTool(call))).toBe('{"a":1}');
    expect(times).toBe(1);
    for (const client of [silent, allowed, asking]) await client.close();
  });

  test.each([
    ["a call", { ask: ["s.echo"] }, (client: Client) => client.callTool({ name: "s__echo", arguments: {} })],
    ["a read", { ask: ["s.read_resource"] }, (client: Client) => client.readResource({ uri: "mem://a" })],
  ])("offers no lasting answers when a rule asks about %s each time", async (_what, permissions, request) => {
    await using llm = await startLlmServer([]);
    const mcpServers = { s: fixtureServer({ resources: [{ uri: "mem://a", name: "a" }] }) };
    await using app = await startApp({ llm: llm.url, mcpServers, config: { chat: { service: { permissions } } } });
    const offered: unknown[] = [];
    const onElicit = (params: object) => {
      offered.push((params as { requestedSchema: { properties: object } }).requestedSchema.properties);
      return { action: "accept" as const, content: { answer: "once" } };
    };
    const client = await connect(app, { tools: ["*"], resources: true }, { onElicit });
    for (let times = 0; times < 2; times++) await request(client);
    expect(offered).toMatchObject([{ answer: { enum: ["once", "no"] } }, { answer: { enum: ["once", "no"] } }]);
    await client.close();
  });

  test.each([
    ["never again", false, "the user has said no to s__echo for good"],
    ["always", true, '{"a":1}'],
  ])("follows a stored answer: %s", async (kept, allow, text) => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: { a: 1 } }]), answer("done")]);
    // A server of its own, because kept answers are about a server as it is started.
    const mcpServers = { s: fixtureServer({ words: kept }) };
    await using app = await startApp({ llm: llm.url, mcpServers, config: allow ? ask : {} });
    const session = app.sessions.open();
    const turn = await session.submit({ requestId: "r1", text: "hi", approval: "ask" });
    for await (const event of turn.watch()) {
      if (session.questions.isAsking(event)) await session.answer(event.questionId, { allow, remember: "always" });
    }
    const client = await connect(app, { tools: ["*"] });
    expect(textOf(await client.callTool({ name: "s__echo", arguments: { a: 1 } }))).toContain(text);
    await client.close();
  });

  test("asks its client the questions of a server during several of the client's calls, as a turn with several calls does", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "go");
    const asking = { method: "elicitation/create", params: { message: "go?", requestedSchema: { type: "object" } } };
    const calls = [
      { name: "s__wait", arguments: { path } },
      { name: "s__ask", arguments: asking },
    ];
    await using llm = await startLlmServer([toolCalls(calls), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    let asked = 0;
    const client = await connect(
      app,
      { tools: ["*"] },
      {
        onElicit: () => {
          asked++;
          writeFileSync(path, "");
          return { action: "accept", content: {} };
        },
      },
    );
    await Promise.all(calls.map((call) => client.callTool(call)));
    expect(asked).toBe(1);
    rmSync(path);
    await client.callTool({ name: "chat", arguments: { prompt: "hi" } });
    expect(asked).toBe(2);
    await client.close();
  });

  test("withdraws a server's question from its client when the server no longer waits, but no answered question", async () => {
    using record = recording();
    const form = { method: "elicitation/create", params: { message: "go?", requestedSchema: { type: "object" } } };
    const pages = [["ask", "abandon"].map((name) => ({ name, inputSchema: { type: "object" } }))];
    await using llm = await startLlmServer([]);
    await using app = await startApp({
      llm: llm.url,
      mcpServers: { s: fixtureServer({ record: record.path, pages }) },
    });
    let times = 0;
    const withdrawn = new Signal();
    const onElicit = (_params: object, signal: AbortSignal) => {
      if (++times === 1) return { action: "accept" as const, content: {} };
      signal.addEventListener("abort", withdrawn.give);
      appendFileSync(record.path, "arrived\n");
      return new Promise<ElicitResult>(() => {});
    };
    const cancelled: unknown[] = [];
    const client = await connect(app, { tools: ["*"] }, { onElicit, onMessage: (message) => cancelled.push(message) });
    await client.callTool({ name: "s__ask", arguments: form });
    expect(textOf(await client.callTool({ name: "s__abandon", arguments: form }))).toBe("went on");
    await withdrawn.given;
    expect(cancelled.filter((message) => JSON.stringify(message).includes("notifications/cancelled"))).toHaveLength(1);
    await client.close();
  });

  test("passes on log messages of servers, and results unchanged", async () => {
    await using llm = await startLlmServer([]);
    const pages = [
      [
        { name: "report", inputSchema: { type: "object" } },
        { name: "log", inputSchema: { type: "object" } },
      ],
    ];
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ pages }) } });
    const client = await connect(app, { tools: ["*"], plainNames: true });
    const logged = new Promise((resolveLog) => {
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => resolveLog(params));
    });
    await client.callTool({ name: "log", arguments: { level: "error", data: "no disk" } });
    expect(await logged).toEqual({ level: "error", logger: "s", data: "db: no disk" });
    const result = await client.callTool({ name: "report", arguments: { structured: { a: [1] } } });
    expect(result).toEqual({ content: [{ type: "text", text: "report" }], structuredContent: { a: [1] } });
    await client.close();
  });

  test("passes on a server's log messages only to clients that get something of that server", async () => {
    await using llm = await startLlmServer([]);
    const logging = () => fixtureServer({ pages: [[{ name: "log", inputSchema: { type: "object" } }]] });
    await using app = await startApp({ llm: llm.url, mcpServers: { pub: logging(), priv: logging() } });
    const clients = await Promise.all([
      connect(app, { tools: ["*"] }),
      connect(app, { tools: ["pub.*"] }),
      connect(app, { tools: ["*"] }, { said: { deny: ["priv__*"] } }),
      connect(app, {}),
    ]);
    const heard: unknown[][] = clients.map((client) => {
      const lines: unknown[] = [];
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
        lines.push(params.data);
      });
      return lines;
    });
    const [all] = clients;
    for (const server of ["priv", "pub"]) {
      await all.callTool({ name: `${server}__log`, arguments: { level: "error", data: server } });
    }
    await Promise.all(clients.map((client) => client.ping())); // arrives after all messages that were sent before
    expect(heard).toEqual([["db: priv", "db: pub"], ["db: pub"], ["db: pub"], []]);
    await Promise.all(clients.map((client) => client.close()));
  });

  test("passes on a server's log messages as soon as its lists give the client something, and only while the client listens", async () => {
    await using llm = await startLlmServer([]);
    const pages = [["log", "grow"].map((name) => ({ name, inputSchema: { type: "object" } }))];
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ pages }) } });
    const all = await connect(app, { tools: ["*"] });
    let listens = true;
    const client = await connect(app, { tools: ["s.grown*"] }, { isListening: () => listens });
    const heard: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      heard.push(params.data);
    });
    const grown = new Promise<void>((resolve) => {
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve());
    });
    const log = (data: string) => all.callTool({ name: "s__log", arguments: { level: "error", data } });
    await log("nothing of it yet");
    await all.callTool({ name: "s__grow", arguments: {} });
    await grown;
    await log("heard");
    listens = false;
    await log("not heard");
    listens = true;
    await log("heard again");
    await client.ping(); // arrives after all messages that were sent before
    expect(heard).toEqual(["db: heard", "db: heard again"]);
    await Promise.all([client.close(), all.close()]);
  });
});

test("a host whose client closes the input leaves a call with a request_id to the next host, which returns its answer", async () => {
  await using llm = await startLlmServer([stream([stall]), answer("went on")]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const chat = { name: "chat", arguments: { prompt: "hi", request_id: "r1" } };
  const start = async () => {
    const client = new Client({ name: "test", version: "1" });
    await client.connect(commandLine(place, "mcp"));
    return client;
  };
  const gone = await start();
  gone.callTool(chat).catch(() => {});
  await llm.received(1);
  await gone.close();
  const client = await start();
  expect(await client.callTool(chat)).toMatchObject({ content: [{ text: "went on" }] });
  await client.close();
});

test("a call gets the open question of the turn before it, whose host has ended", async () => {
  const both = toolCalls([{ name: "s__echo", arguments: {} }]);
  await using llm = await startLlmServer([both, answer("first"), answer("second")]);
  using place = new Workplace();
  place.configure(configFor(llm.url, { s: fixtureServer() }, { chat: { service: { approval: "ask" } } }));
  const start = async (onElicit: () => ElicitResult | Promise<ElicitResult>) => {
    const client = new Client({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, onElicit);
    await client.connect(commandLine(place, "mcp"));
    return client;
  };
  const chat = (by: Client, prompt: string, request_id: string) =>
    by.callTool({ name: "chat", arguments: { prompt, request_id, conversation_id: "c" } });
  const asked = new Signal();
  const gone = await start(() => {
    asked.give();
    return new Promise<ElicitResult>(() => {});
  });
  chat(gone, "one", "r1").catch(() => {});
  await asked.given;
  await gone.close();
  const client = await start(() => ({ action: "accept", content: { answer: "once" } }));
  expect(await chat(client, "two", "r2")).toMatchObject({ content: [{ text: "second" }] });
  expect(JSON.stringify(llm.requests.at(-1)?.body.messages)).toContain("first");
  await client.close();
});

test("server-everything works through the command line", async () => {
  using workplace = new Workplace();
  const everything = script("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
  const mcp = { serve: { tools: "all", resources: true, prompts: true } };
  workplace.configure(configFor("http://127.0.0.1:9/v1", { everything }, { mcp }));
  const problems: Error[] = [];
  const client = new Client({ name: "test", version: "1" });
  client.onerror = (error) => problems.push(error);
  await client.connect(commandLine(workplace, "--log-level", "debug", "mcp", "--yes"));
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["chat", "everything__echo"]));
  expect(await client.callTool({ name: "everything__echo", arguments: { message: "hello" } })).toMatchObject({
    content: [{ type: "text", text: "Echo: hello" }],
  });
  const { prompts } = await client.listPrompts();
  expect(prompts.map(({ name }) => name)).toContain("everything__simple-prompt");
  expect((await client.getPrompt({ name: "everything__simple-prompt" })).messages).not.toEqual([]);
  const [first] = (await client.listResources()).resources;
  const { contents } = await client.readResource({ uri: first?.uri ?? "" });
  expect(contents[0]).toMatchObject({ uri: first?.uri });
  expect(problems).toEqual([]);
  await client.close();
});
