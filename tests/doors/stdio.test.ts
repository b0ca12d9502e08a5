import { describe, expect, test } from "@jest/globals";
import { fixtureServer, startApp } from "../support/app.js";
import { answer, chunk, failure, type LlmRequest, stall, startLlmServer, stream } from "../support/llm-server.js";
import type { Message } from "../support/wire-messages.js";
import { chat, openPipe as open } from "./pipe.js";
import { Sink, sayAndCall } from "./support.js";

const statuses = (messages: readonly Message[]) => messages.map(({ status, chunk: { type } }) => type ?? status);
const userText = ({ body }: LlmRequest) => JSON.stringify(body.messages?.at(-1)?.content);
const ask = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };

describe("a chat on the pipe", () => {
  test("is answered with its own request id, and end of input ends the program with exit code 0", async () => {
    await using llm = await startLlmServer([answer("one two")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send(chat("r1", "hi", {}, { streaming: true }));
    expect(await pipe.end()).toBe(0);
    expect(statuses(pipe.messages())).toEqual(["processing", "text", "text", "usage", "turn_end"]);
    expect(pipe.of("r1")).toHaveLength(5);
    expect(pipe.messages().at(-1)).toMatchObject({ status: "complete", chunk: { data: "one two" } });
  });

  test("without a conversation id continues the pipe's own conversation", async () => {
    await using llm = await startLlmServer([answer("a"), answer("b")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send(chat("r1", "first"));
    pipe.send(chat("r2", "second"));
    await pipe.end();
    expect(llm.requests[1]?.body.messages?.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
  });

  test("runs in parallel with those of other conversations, whose messages interleave", async () => {
    await using llm = await startLlmServer((request) =>
      userText(request).includes("slow") ? stream([chunk({ content: "begun" }), stall]) : answer("quick"),
    );
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send(chat("r1", "slow", { conversation_id: "c1" }, { streaming: true }));
    await pipe.stdout.until("begun");
    pipe.send(chat("r2", "other", { conversation_id: "c2" }));
    await pipe.stdout.until('"data":"quick"');
    pipe.send({ action: "cancel", request_id: "r1" });
    await pipe.end();
    expect(pipe.of("r1").at(-1)).toMatchObject({
      status: "complete",
      chunk: { data: "begun", metadata: { stop_reason: "cancelled", conversation_id: "c1" } },
    });
  });

  test("with `interrupt` is answered at once, and the running one ends as cancelled with its text so far", async () => {
    await using llm = await startLlmServer((request) =>
      userText(request).includes("slow") ? stream([chunk({ content: "begun" }), stall]) : answer("quick"),
    );
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send(chat("r1", "slow", {}, { streaming: true }));
    await pipe.stdout.until("begun");
    pipe.send(chat("r2", "never mind", {}, { interrupt: true }));
    await pipe.end();
    const cancelled = { data: "begun", metadata: { stop_reason: "cancelled" } };
    expect(pipe.of("r1").at(-1)).toMatchObject({ status: "complete", chunk: cancelled });
    expect(pipe.of("r2").at(-1)).toMatchObject({ status: "complete", chunk: { data: "quick" } });
  });

  test("has one error line when it fails, and may be sent again if that can help", async () => {
    let requests = 0;
    await using llm = await startLlmServer(() => (++requests <= 4 ? failure(503) : answer("at last")));
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send(chat("r1"));
    await pipe.stdout.until('"status":"error"');
    pipe.send(chat("r1"));
    await pipe.end();
    expect(statuses(pipe.messages())).toEqual([
      "processing",
      "error",
      "processing",
      "text",
      "text",
      "usage",
      "turn_end",
    ]);
    expect(pipe.messages()[1]?.chunk).toMatchObject({ kind: "overloaded", retryable: true, hint: expect.any(String) });
  });

  test("for a model that cannot be asked is refused before anything is stored", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send(chat("r1", "hi", { conversation_id: "c1" }, { model: "openai/m" }));
    await pipe.end();
    expect(pipe.messages()).toMatchObject([{ request_id: "r1", status: "error", chunk: { kind: "auth" } }]);
    expect(await app.sessions.open("c1").history()).toEqual([]);
  });
});

describe("a question", () => {
  const start = async (values: unknown[]) => {
    const llm = await startLlmServer([sayAndCall("", "s__echo"), answer("done")]);
    const app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const pipe = open(app);
    pipe.send(chat("r1"));
    await pipe.stdout.until('"type":"question"');
    const question = pipe.messages().at(-1)?.chunk.data as { question_id: string };
    for (const value of values) {
      const payload = { question_id: question.question_id, value };
      pipe.send({ action: "answer", request_id: "r1", payload });
    }
    await pipe.end();
    await app.close();
    await llm[Symbol.asyncDispose]();
    return { pipe, question };
  };
  const toolError = (messages: readonly Message[]) =>
    messages.find(({ chunk: { type } }) => type === "tool_result")?.chunk.data as { is_error: boolean };

  test("waits for its answer", async () => {
    const { pipe, question } = await start([true]);
    expect(question).toMatchObject({ kind: "approval", server: "s", tool: "echo", arguments: "{}" });
    expect(toolError(pipe.messages()).is_error).toBe(false);
  });

  test("is not asked again when its turn is sent again, but is in the history", async () => {
    await using llm = await startLlmServer([sayAndCall("", "s__echo"), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const pipe = open(app);
    pipe.send(chat("r1", "hi", { conversation_id: "c" }));
    await pipe.stdout.until('"type":"question"');
    const question = pipe.messages().at(-1)?.chunk.data as { question_id: string };
    pipe.send({ action: "answer", request_id: "r1", payload: { question_id: question.question_id, value: true } });
    await pipe.stdout.until('"type":"turn_end"');
    const later = open(app);
    later.send(chat("r1", "hi", { conversation_id: "c" }));
    later.send({ action: "history", request_id: "h", conversation_id: "c" });
    await later.end();
    const types = (requestId: string) => later.of(requestId).map(({ chunk: { type } }) => type);
    expect(types("r1")).toEqual([undefined, "usage", "tool_call", "tool_result", "text", "usage", "turn_end"]);
    expect(types("h")).toContain("question");
    await pipe.end();
  });

  test("of a call may be answered with changed arguments; wrong ones are refused, and the question stays open", async () => {
    await using llm = await startLlmServer([sayAndCall("", "s__echo", { n: 1 }), answer("done")]);
    const inputSchema = { type: "object", properties: { n: { type: "number" } } };
    const s = fixtureServer({ pages: [[{ name: "echo", inputSchema }]] });
    await using app = await startApp({ llm: llm.url, mcpServers: { s }, config: ask });
    const pipe = open(app);
    pipe.send(chat("r1"));
    await pipe.stdout.until('"type":"question"');
    const question = pipe.messages().at(-1)?.chunk.data as { question_id: string };
    for (const n of ["two", 2]) {
      const value = { allow: true, arguments: { n } };
      const payload = { question_id: question.question_id, value };
      pipe.send({ action: "answer", request_id: "r1", payload });
    }
    await pipe.stdout.until('"type":"turn_end"');
    const said = pipe.of("r1").map(({ chunk }) => JSON.stringify(chunk));
    expect(said.filter((text) => text.includes("bad_message"))).toEqual([
      expect.stringContaining("the changed arguments do not fit: `n` must be number"),
    ]);
    const text = '{"n":2}\n(the user changed the arguments of this call to {"n":2})';
    expect(JSON.stringify(llm.requests[1])).toContain(JSON.stringify(text).slice(1, -1));
    await pipe.end();
  });

  test("is denied when the input ends, because nobody can answer any more", async () => {
    const { pipe } = await start([]);
    expect(toolError(pipe.messages()).is_error).toBe(true);
    expect(pipe.messages().at(-1)).toMatchObject({ status: "complete" });
  });

  test("is not open any more: an answer to it is an error line, and the turn continues", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send({ action: "answer", request_id: "r1", payload: { question_id: "q9", value: true } });
    await pipe.end();
    expect(pipe.messages()).toMatchObject([{ request_id: "r1", status: "error", chunk: { action: "answer" } }]);
  });
});

describe("the other messages", () => {
  test("clear_session starts the pipe's next conversation and leaves the old one readable", async () => {
    await using llm = await startLlmServer([answer("a"), answer("b")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send(chat("r1", "first"));
    await pipe.stdout.until('"status":"complete"');
    pipe.send({ action: "clear_session", request_id: "r2" });
    pipe.send(chat("r3", "second"));
    await pipe.stdout.until(/"r3","seq":\d+,"status":"complete"/);
    const before = pipe.of("r1")[0]?.chunk.metadata?.conversation_id;
    pipe.send({ action: "history", conversation_id: before });
    pipe.send({ action: "history", request_id: "r4", payload: { from: 3 } });
    await pipe.end();
    const fresh = pipe.of("r2")[0]?.chunk.metadata?.new_conversation_id;
    expect(fresh).not.toBe(before);
    expect(pipe.of("r3")[0]?.chunk.metadata?.conversation_id).toBe(fresh);
    expect(llm.requests[1]?.body.messages?.map(({ role }) => role)).toEqual(["system", "user"]);
    expect(statuses(pipe.of(null))).toEqual(["user_message", "text", "usage", "turn_end", "history_end"]);
    expect(pipe.of(null).map(({ seq }) => seq)).toEqual([1, 2, 2, 3, 3]);
    expect(statuses(pipe.of("r4"))).toEqual(["turn_end", "history_end"]);
  });

  test("clear_session is refused for a conversation that messages name", async () => {
    await using llm = await startLlmServer([answer("a"), answer("b")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send({ ...chat("r1", "first"), conversation_id: "mine" });
    await pipe.stdout.until('"status":"complete"');
    pipe.send({ action: "clear_session", request_id: "r2", conversation_id: "mine" });
    pipe.send({ ...chat("r3", "second"), conversation_id: "mine" });
    await pipe.end();
    expect(pipe.of("r2")).toMatchObject([{ status: "error", chunk: { kind: "bad_message", action: "clear_session" } }]);
    expect(llm.requests[1]?.body.messages).toHaveLength(4);
  });

  test("cancel says when there is nothing to cancel", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send({ action: "cancel", request_id: "r1" });
    pipe.send({ action: "cancel", request_id: "r2", conversation_id: "somebody else's" });
    await pipe.end();
    expect(pipe.messages()).toMatchObject([
      { request_id: "r1", status: "error", chunk: { kind: "nothing_to_do", action: "cancel" } },
      { request_id: "r2", status: "error", chunk: { kind: "nothing_to_do", action: "cancel" } },
    ]);
  });

  test("ping is answered", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send('\r\n{"action":"ping","request_id":"r1"}\r\n\n');
    await pipe.end();
    expect(statuses(pipe.messages())).toEqual(["pong"]);
  });

  test("an invalid line has an error line, and the next one is read as usual", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send("hello\n");
    pipe.send({ action: "chat", request_id: "r1" });
    pipe.send({ action: "ping", request_id: "r2" });
    await pipe.end();
    const [first, second, last] = pipe.messages();
    expect(first).toMatchObject({ request_id: null, status: "error", chunk: { kind: "bad_message" } });
    expect(second).toMatchObject({
      request_id: "r1",
      chunk: { error: '"payload" must have either "text" or "content"' },
    });
    expect(last).toMatchObject({ request_id: "r2", status: "complete" });
  });
});

describe("the pipe", () => {
  test("waits for its reader instead of filling memory", async () => {
    const words = 2000;
    await using llm = await startLlmServer([answer("word ".repeat(words))]);
    await using app = await startApp({ llm: llm.url });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    class SlowSink extends Sink {
      override _write(text: string, encoding: BufferEncoding, done: () => void): void {
        void held.then(() => super._write(text, encoding, done));
      }
    }
    const slow = new SlowSink();
    const pipe = open(app, slow);
    pipe.send(chat("r1", "hi", {}, { streaming: true }));
    const session = () => app.sessions.list({ most: 1 }).then(({ conversations }) => conversations[0]);
    while ((await session())?.lastSeq !== 3) await new Promise((resolve) => setImmediate(resolve));
    expect(slow.writableLength).toBeLessThan(2 * slow.writableHighWaterMark);
    release();
    await pipe.end();
    const pieces = pipe.messages().flatMap(({ chunk: { type, data } }) => (type === "text" ? [data] : []));
    expect(pieces.join("")).toBe(pipe.messages().at(-1)?.chunk.data);
    expect(pieces.length).toBeLessThan(words / 2); // deltas that could not be sent yet were joined
  });

  test("ends with its input even while it follows a conversation", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send({ action: "history", request_id: "f", conversation_id: "c1", payload: { follow: true } });
    expect(await pipe.end()).toBe(0);
    expect(pipe.of("f").map(({ chunk: { type } }) => type)).toEqual(["history_end"]);
  });

  test("still finishes its turns into the log when its reader has gone", async () => {
    await using llm = await startLlmServer([answer("for the log")]);
    await using app = await startApp({ llm: llm.url });
    const gone = new Sink();
    const pipe = open(app, gone);
    gone.destroy(new Error("EPIPE"));
    pipe.send(chat("r1", "hi", { conversation_id: "c1" }));
    expect(await pipe.end()).toBe(0);
    expect((await app.sessions.open("c1").history()).at(-1)).toMatchObject({ type: "turn_end" });
  });

  test("ends by Ctrl-C, with every turn's end written", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "begun" }), stall])]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    pipe.send(chat("r1", "hi", {}, { streaming: true }));
    await pipe.stdout.until("begun");
    pipe.interrupt();
    expect(await pipe.exitCode).toBe(130);
    expect(pipe.messages().at(-1)).toMatchObject({ chunk: { metadata: { stop_reason: "cancelled" } } });
  });

  test("survives any input line", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const pipe = open(app);
    const junk = [
      "{}",
      "[",
      "null",
      '"x"',
      "1e999",
      `{"action":${"[".repeat(5000)}`,
      "\u0000",
      '{"__proto__":{"action":"chat"}}',
    ];
    for (const line of junk) pipe.send(`${line}\n`);
    await pipe.end();
    expect(pipe.messages().map(({ status }) => status)).toEqual(junk.map(() => "error"));
  });
});
