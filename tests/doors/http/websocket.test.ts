import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, chunk, startLlmServer, stream, toolCalls } from "../../support/llm-server.js";
import { openDoor } from "./door.js";
import { connect, refusedStatus } from "./socket.js";

const chat = (requestId: string, conversationId: string, text = "hi") => ({
  action: "chat",
  request_id: requestId,
  conversation_id: conversationId,
  payload: { text, streaming: true },
});

/** Returns a model that says a word, and the rest when `goOn` is called. */
function held() {
  let goOn = () => {};
  const wait = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const pieces = [
    chunk({ content: "one" }),
    () => wait,
    chunk({ content: " two" }),
    chunk({}, "stop"),
    "data: [DONE]\n\n",
  ];
  return { goOn: () => goOn(), step: stream(pieces) };
}

describe("a chat on a WebSocket", () => {
  test("speaks the protocol of the pipe", async () => {
    await using llm = await startLlmServer([answer("one two")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using socket = await connect(door);
    socket.send(chat("r1", "c1"));
    await socket.until(({ status }) => status === "complete");
    expect(socket.messages.map(({ status, chunk: { type } }) => type ?? status)).toEqual([
      "processing",
      "text",
      "text",
      "usage",
      "turn_end",
    ]);
    socket.send({ action: "ping", request_id: "p" });
    await socket.until(({ chunk: { type } }) => type === "pong");
  });

  test("continues when its socket drops; another one replays the missed messages and gets the rest", async () => {
    const { goOn, step } = held();
    await using llm = await startLlmServer([step]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const first = await connect(door);
    first.send(chat("r1", "c1"));
    await first.until(({ chunk: { type } }) => type === "text");
    first.socket.terminate();

    await using second = await connect(door);
    second.send({ action: "history", conversation_id: "c1", payload: { from: 1 } });
    const end = await second.until(({ chunk: { type } }) => type === "history_end");
    expect(end.seq).toBe(1);
    second.send(chat("r1", "c1"));
    await second.until(({ chunk: { type, data } }) => type === "text" && data === "one");
    goOn();
    expect(await second.until(({ status }) => status === "complete")).toMatchObject({
      chunk: { data: "one two", metadata: { stop_reason: "end_turn" } },
    });
    expect(llm.requests).toHaveLength(1);
  });

  test("is visible on every socket that asks for it, and any of them may answer its question", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("allowed")]);
    const config = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    await using door = await openDoor(app);
    const first = await connect(door);
    first.send(chat("r1", "c1"));
    const asked = await first.until(({ chunk: { type } }) => type === "question");
    first.socket.terminate();

    await using second = await connect(door);
    await using third = await connect(door);
    second.send(chat("r1", "c1"));
    third.send(chat("r1", "c1"));
    await third.until(({ chunk: { type } }) => type === "question");
    await second.until(({ chunk: { type } }) => type === "question");
    const { question_id } = asked.chunk.data as { question_id: string };
    third.send({ action: "answer", request_id: "r1", conversation_id: "c1", payload: { question_id, value: true } });
    for (const socket of [second, third]) {
      expect(await socket.until(({ status }) => status === "complete")).toMatchObject({ chunk: { data: "allowed" } });
    }
  });
});

describe("a conversation that is followed", () => {
  const follow = (from = 1) => ({
    action: "history",
    request_id: "f",
    conversation_id: "c1",
    payload: { from, follow: true },
  });

  test("is followed once on a socket, and again after the request was cancelled", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using socket = await connect(door);
    socket.send(follow());
    socket.send({ ...follow(), request_id: "g" });
    const refused = await socket.until(({ status }) => status === "error");
    expect(refused).toMatchObject({ request_id: "g", chunk: { kind: "usage", action: "history" } });
    socket.send({ ...follow(), request_id: "h", conversation_id: "c2" });
    socket.send({ action: "cancel", request_id: "f" });
    socket.send({ ...follow(), request_id: "i" });
    for (const id of ["h", "i"])
      await socket.until(({ request_id, status }) => request_id === id && status === "complete");
    expect(socket.messages.filter(({ status }) => status === "error")).toEqual([refused]);
  });

  test("is sent from the log, then live, with turns of other clients, until the follower cancels", async () => {
    const { goOn, step } = held();
    await using llm = await startLlmServer([step, answer("three")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using follower = await connect(door);
    await using other = await connect(door);
    follower.send(follow());
    await follower.until(({ chunk: { type } }) => type === "history_end");
    other.send(chat("r1", "c1"));
    expect(await follower.until(({ chunk: { type } }) => type === "user_message")).toMatchObject({
      request_id: "f",
      seq: 1,
      chunk: { data: "hi", metadata: { request_id: "r1", turn_id: expect.any(String), at: expect.any(Number) } },
    });
    await follower.until(({ chunk: { type }, seq }) => type === "text" && seq === undefined);
    goOn();
    expect(await follower.until(({ chunk: { type }, seq }) => type === "text" && seq !== undefined)).toMatchObject({
      chunk: { data: "one two" },
    });
    await follower.until(({ chunk: { type } }) => type === "turn_end");
    follower.send({ action: "cancel", request_id: "f" });
    follower.send({ action: "ping", request_id: "p" });
    await follower.until(({ chunk: { type } }) => type === "pong");
    const told = follower.messages.length;
    other.send(chat("r2", "c1"));
    await other.until(({ request_id, status }) => request_id === "r2" && status === "complete");
    follower.send({ action: "ping", request_id: "p" });
    await follower.until(({ chunk: { type } }) => type === "pong");
    expect(follower.messages.slice(told).map(({ chunk: { type } }) => type)).toEqual(["pong"]);
  });

  test("is sent from the beginning of the answer to a client that comes in its middle, after a discard if the client had a part", async () => {
    const { goOn, step } = held();
    await using llm = await startLlmServer([step]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using first = await connect(door);
    first.send(chat("r1", "c1"));
    await first.until(({ chunk: { type } }) => type === "text");

    await using second = await connect(door);
    second.send(follow(2));
    await second.until(({ chunk: { type } }) => type === "discard");
    expect(await second.until(({ chunk: { type } }) => type === "text")).toMatchObject({ chunk: { data: "one" } });
    goOn();
    expect(await second.until(({ chunk: { type } }) => type === "text")).toMatchObject({ chunk: { data: " two" } });
    await second.until(({ chunk: { type } }) => type === "turn_end");
  });
});

test("the history after an event that no longer exists is an error: the conversation was deleted", async () => {
  await using llm = await startLlmServer([answer("old"), answer("new"), answer("newer")]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  await using client = await connect(door);
  const say = async (requestId: string) => {
    for await (const _ of app.sessions.open("c1").prompt({ requestId, text: "hi" }));
  };
  await say("r1");
  const [first] = await app.sessions.history("c1", 3, 1);
  const seen = { seq: 3, turn_id: first?.turnId };
  const ask = (request_id: string, follow: boolean) => {
    client.send({ action: "history", request_id, conversation_id: "c1", payload: { from: 4, follow, seen } });
    return client.until((message) => message.request_id === request_id && message.status !== "chunk");
  };
  expect(await ask("known", false)).toMatchObject({ status: "complete", chunk: { type: "history_end" } });
  await app.sessions.delete("c1");
  const deleted = {
    status: "error",
    chunk: { kind: "not_found", error: "the conversation c1 was deleted", retryable: false },
  };
  expect(await ask("none", true)).toMatchObject(deleted);
  await say("r1");
  await say("r2");
  expect(await ask("another", true)).toMatchObject(deleted);
});

describe("the socket itself", () => {
  test("is refused like a request: by token, origin and number of connections", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const token = "correct-horse-battery";
    await using door = await openDoor(app, { token });
    const url = door.url.replace("http", "ws");
    expect(await refusedStatus(`${url}/ws/chat`)).toBe(401);
    expect(await refusedStatus(`${url}/ws/chat?token=${token}`)).toBe(401);
    const authorization = `Bearer ${token}`;
    expect(await refusedStatus(`${url}/ws/chat`, { authorization, origin: "https://evil.example" })).toBe(403);
    expect(await refusedStatus(`${url}/ws/chat`, { authorization, host: "evil.example" })).toBe(403);
    expect(await refusedStatus(`${url}/elsewhere`, { authorization })).toBe(404);
    const bearer = (words: string) => ["mcp-platform", `bearer.${Buffer.from(words).toString("base64url")}`];
    const fromPage = new WebSocket(`${url}/ws/chat`, bearer(token));
    await once(fromPage, "open");
    expect(fromPage.protocol).toBe("mcp-platform");
    fromPage.terminate();
    const stranger = new WebSocket(`${url}/ws/chat`, bearer("another-horse-battery"));
    stranger.on("error", () => {});
    expect((await once(stranger, "unexpected-response"))[1].statusCode).toBe(401);
    await using socket = await connect(door, { authorization });
    socket.send({ action: "ping", request_id: "p" });
    await socket.until(({ chunk: { type } }) => type === "pong");
  });

  test("is closed by a message that is too large, or binary", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { maxBodyMb: 0.001 });
    await using socket = await connect(door);
    socket.socket.send(Buffer.from("{}"));
    expect(await socket.until(({ status }) => status === "error")).toMatchObject({ chunk: { kind: "bad_message" } });
    const closed = new Promise((resolve) => socket.socket.once("close", resolve));
    socket.socket.send("x".repeat(2000));
    expect(await closed).toBe(1009);
  });

  test("is ended when it does not answer the host's pings", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { keepAliveMs: 500 });
    const silent = new WebSocket(`${door.url.replace("http", "ws")}/ws/chat`, { autoPong: false });
    const lively = await connect(door);
    expect(await new Promise((resolve) => silent.once("close", resolve))).toBe(1006);
    expect(lively.socket.readyState).toBe(WebSocket.OPEN);
    lively.socket.terminate();
  });

  test("gets an error for messages beyond its limit", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { requestsPerMinute: 2 });
    await using socket = await connect(door);
    for (let times = 0; times < 2; times++) socket.send({ action: "ping", request_id: "p" });
    expect(await socket.until(({ status }) => status === "error")).toMatchObject({
      chunk: { error: "more messages than serve.requests_per_minute" },
    });
  });
});
