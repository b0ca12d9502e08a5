import { describe, expect, test } from "@jest/globals";
import type { App } from "../../src/index.js";
import { fixtureServer, startApp } from "../support/app.js";
import { answer, type LlmServer, startLlmServer } from "../support/llm-server.js";
import { recording } from "../support/mcp-hub.js";
import { openDoor } from "./http/door.js";
import { connect } from "./http/socket.js";
import { chat, openPipe } from "./pipe.js";

const offer = {
  declares: { tools: {}, prompts: {}, resources: {}, completions: {} },
  prompts: [
    { name: "greet", description: "says hello", arguments: [{ name: "who", required: true }] },
    { name: "hang" },
  ],
  resources: [
    { uri: "note:1", name: "a note", mimeType: "text/plain" },
    { uri: "hang:it", name: "never there" },
  ],
  templates: [{ uriTemplate: "note:{number}", name: "notes" }],
};

function withServer(llm: LlmServer, more: object = {}): Promise<App> {
  return startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ ...offer, ...more }) } });
}

const ask = (action: string, payload: object = {}, requestId = action) => ({ action, request_id: requestId, payload });
const apply = (requestId: string, payload: object = {}, more: object = {}) => ({
  action: "apply_prompt",
  request_id: requestId,
  payload: { name: "s__greet", arguments: { who: "Ann" }, ...payload },
  ...more,
});

const everything = [
  ask("list_tools"),
  ask("list_prompts"),
  ask("list_resources"),
  ask("complete", { prompt: "s__greet", argument: "who", value: "A" }, "c1"),
  ask("complete", { template: "note:{number}", argument: "number" }, "c2"),
  ask("read_resource", { uri: "note:1" }),
  ask("list_servers"),
];

const told: Record<string, object> = {
  list_prompts: {
    type: "prompts",
    data: {
      prompts: [
        {
          name: "s__greet",
          server: "s",
          description: "says hello",
          arguments: [{ name: "who", description: "", required: true }],
        },
        { name: "s__hang", server: "s", description: "", arguments: [] },
      ],
    },
  },
  list_resources: {
    type: "resources",
    data: {
      resources: [
        { uri: "note:1", server: "s", name: "a note", description: "", mime_type: "text/plain" },
        { uri: "hang:it", server: "s", name: "never there", description: "" },
      ],
      templates: [{ uri_template: "note:{number}", server: "s" }],
    },
  },
  c1: { type: "completion", data: { values: ["greet:who=A"] } },
  c2: { type: "completion", data: { values: ["note:{number}:number="] } },
  read_resource: {
    type: "resource",
    data: { uri: "note:1", content: [{ type: "text", text: "[resource note:1]\nwords" }] },
  },
};

describe("what servers offer", () => {
  test("is sent on the pipe, each list in one message, also to a client that asks before the servers are ready", async () => {
    await using llm = await startLlmServer([]);
    await using app = await withServer(llm, { startMs: 200 });
    const pipe = openPipe(app);
    for (const message of everything) pipe.send(message);
    await pipe.end();
    expect(pipe.messages()).toHaveLength(everything.length);
    expect(pipe.messages().every(({ status }) => status === "complete")).toBe(true);
    for (const [requestId, expected] of Object.entries(told)) expect(pipe.of(requestId)[0]?.chunk).toEqual(expected);
    const tools = pipe.of("list_tools")[0]?.chunk.data as { tools: object[] };
    expect(tools.tools[0]).toMatchObject({
      name: "s__echo",
      server: "s",
      tool: "echo",
      input_schema: { type: "object" },
    });
    const [first] = pipe.messages();
    expect(first).toMatchObject({
      request_id: "list_servers",
      chunk: { type: "servers", data: { servers: [{ name: "s", state: "starting", login: null }] } },
    });
  });

  test("is sent on a WebSocket in the same way", async () => {
    await using llm = await startLlmServer([]);
    await using app = await withServer(llm);
    await using door = await openDoor(app);
    await using socket = await connect(door);
    for (const message of everything) socket.send(message);
    while (socket.messages.length < everything.length) await socket.until(() => true);
    for (const [requestId, expected] of Object.entries(told)) {
      expect(socket.messages.find(({ request_id }) => request_id === requestId)?.chunk).toEqual(expected);
    }
  });

  test("gives a single error message with its action if it cannot be read or applied", async () => {
    await using llm = await startLlmServer([]);
    await using app = await withServer(llm);
    const pipe = openPipe(app);
    pipe.send(ask("read_resource", { uri: "none:it" }, "r1"));
    pipe.send(ask("complete", { prompt: "s__gret", argument: "who" }, "r2"));
    pipe.send(apply("r3", { name: "s__gret" }));
    pipe.send(apply("r4", { arguments: {} }));
    await pipe.end();
    expect(pipe.messages()).toHaveLength(4);
    expect(pipe.of("r1")).toMatchObject([{ status: "error", chunk: { action: "read_resource" } }]);
    expect(pipe.of("r2")).toMatchObject([{ status: "error", chunk: { action: "complete", kind: "not_found" } }]);
    expect(pipe.of("r3")).toMatchObject([{ status: "error", chunk: { kind: "not_found" } }]);
    expect(pipe.of("r4")).toMatchObject([{ status: "error", chunk: { error: expect.stringContaining("who") } }]);
  });

  test("does not hold up chats or lists if its server hangs, and the request can be cancelled", async () => {
    await using llm = await startLlmServer([answer("quick")]);
    await using app = await withServer(llm);
    const pipe = openPipe(app);
    const hanging = Array.from({ length: 100 }, (_, index) => `h${index}`);
    for (const requestId of hanging) pipe.send(ask("read_resource", { uri: "hang:it" }, requestId));
    pipe.send(chat("r1"));
    pipe.send(ask("list_tools"));
    pipe.send(ask("complete", { prompt: "s__greet", argument: "who" }, "more"));
    await pipe.stdout.until('"data":"quick"');
    expect(pipe.of("list_tools")).toHaveLength(1);
    for (const requestId of hanging) pipe.send({ action: "cancel", request_id: requestId });
    await pipe.end();
    for (const requestId of hanging) {
      expect(pipe.of(requestId)).toMatchObject([
        { status: "error", chunk: { kind: "cancelled", action: "read_resource" } },
      ]);
    }
    expect(pipe.of("more")).toMatchObject([{ status: "complete" }]);
  });
});

describe("a server's prompt", () => {
  const saidBy = (llm: LlmServer, request: number) =>
    llm.requests[request]?.body.messages?.filter(({ role }) => role === "user").map(({ content }) => content);

  test("is sent as a turn of its conversation, in order with the others", async () => {
    await using llm = await startLlmServer([answer("a"), answer("b"), answer("c")]);
    await using app = await withServer(llm);
    const pipe = openPipe(app);
    pipe.send(chat("r1", "first"));
    pipe.send(apply("r2", { streaming: true }));
    pipe.send(chat("r3", "last"));
    await pipe.end();
    expect(pipe.of("r2").map(({ status, chunk: { type } }) => type ?? status)).toEqual([
      "processing",
      "text",
      "usage",
      "turn_end",
    ]);
    expect(saidBy(llm, 2)).toEqual(["first", 'greet {"who":"Ann"}, fetch 1', "last"]);
  });

  test("sent twice is fetched and paid once, even if the server has changed it", async () => {
    using record = recording();
    await using llm = await startLlmServer([answer("once")]);
    await using app = await withServer(llm, { record: record.path });
    const pipe = openPipe(app);
    for (let times = 0; times < 2; times++) pipe.send(apply("r1", {}, { conversation_id: "c1" }));
    await pipe.end();
    const later = openPipe(app);
    later.send(apply("r1", {}, { conversation_id: "c1" }));
    await later.end();
    expect(record.lines().filter((line) => line === "prompt greet")).toHaveLength(1);
    const ends = [...pipe.messages(), ...later.messages()].filter(({ status }) => status === "complete");
    expect(ends.map(({ chunk: { data, metadata } }) => [data, metadata?.cached])).toEqual([
      ["once", false],
      ["once", true],
      ["once", true],
    ]);
  });

  test("is never sent when it is cancelled, or interrupted, before its server has given it", async () => {
    await using llm = await startLlmServer([answer("instead")]);
    await using app = await withServer(llm);
    const pipe = openPipe(app);
    const hanging = { name: "s__hang", arguments: {} };
    pipe.send(apply("r1", hanging));
    pipe.send({ action: "cancel", request_id: "r1" });
    await pipe.stdout.until('"kind":"cancelled"');
    pipe.send(apply("r2", hanging));
    pipe.send(chat("r3", "waits for it"));
    pipe.send(chat("r4", "now", {}, { interrupt: true }));
    await pipe.end();
    for (const requestId of ["r1", "r2", "r3"]) {
      expect(pipe.of(requestId)).toMatchObject([{ status: "error", chunk: { kind: "cancelled" } }]);
    }
    expect(pipe.of("r4").at(-1)).toMatchObject({ status: "complete", chunk: { data: "instead" } });
    expect(saidBy(llm, 0)).toEqual(["now"]);
  });
});
