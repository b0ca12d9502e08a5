import { describe, expect, test } from "@jest/globals";
import type { App } from "../../src/index.js";
import { openStore } from "../../src/log/open.js";
import { collect, fixtureServer, shape, startApp } from "../support/app.js";
import { answer, chunk, stall, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { Desk } from "./desk.js";

const half = stream([chunk({ content: "half of " }), stall]);
const sent = (llm: { requests: { body: { messages?: { role: string; content?: unknown }[] } }[] }, index: number) =>
  llm.requests[index]?.body.messages?.slice(1).map(({ role, content }) => [role, content]);

/** Begins a turn. Resolves when its first words have been shown. */
async function begin(app: App, requestId: string, text: string) {
  const turn = await app.sessions.open("c").submit({ requestId, text, streaming: true });
  for await (const event of turn.watch()) if (event.type === "text_delta") break;
  return turn;
}

describe("a message that interrupts", () => {
  test("cancels the running turn, keeps its text, and is answered next", async () => {
    await using llm = await startLlmServer([half, answer("new answer")]);
    await using app = await startApp({ llm: llm.url });
    const running = await begin(app, "r1", "tell me all");
    const events = await collect(
      app.sessions.open("c").prompt({ requestId: "r2", text: "only this", interrupt: true }),
    );
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    expect((await collect(running.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
    expect(sent(llm, 1)).toEqual([
      ["user", "tell me all"],
      ["assistant", "half of "],
      ["user", "only this"],
    ]);
  });

  test("waits for the running turn without `interrupt`", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const texts = ["a", "b"].map((text) => collect(session.prompt({ requestId: text, text })));
    for (const events of await Promise.all(texts)) expect(events.at(-1)).toMatchObject({ stopReason: "end_turn" });
  });

  test("is sent together with the messages that were waiting", async () => {
    await using llm = await startLlmServer([half, answer("to both of you")]);
    await using app = await startApp({ llm: llm.url });
    await begin(app, "r1", "first");
    const session = app.sessions.open("c");
    const waiting = await session.submit({ requestId: "r2", text: "second" });
    await collect(session.prompt({ requestId: "r3", text: "third", interrupt: true }));
    expect((await collect(waiting.watch())).at(-1)).toMatchObject({ stopReason: "cancelled" });
    const last = { role: "user", content: expect.anything() };
    expect(llm.requests[1]?.body.messages?.at(-1)).toMatchObject(last);
    expect(JSON.stringify(llm.requests[1]?.body.messages?.at(-1))).toMatch(/second.*third/);
    expect(llm.requests).toHaveLength(2);
  });

  test("stops a running tool, and the model learns how far it got", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__hang", arguments: {} }]), answer("ok")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const session = app.sessions.open("c");
    for await (const event of session.prompt({ requestId: "r1", text: "go" })) if (event.type === "tool_sent") break;
    await collect(session.prompt({ requestId: "r2", text: "no, stop", interrupt: true }));
    expect(sent(llm, 1)?.map(([role]) => role)).toEqual(["user", "assistant", "tool", "user"]);
  });

  test("reaches a turn of another process", async () => {
    await using llm = await startLlmServer([half, answer("new answer")]);
    await using desk = await Desk.open();
    await using one = await desk.host(llm);
    await using two = await desk.host(llm);
    const running = await begin(one, "r1", "tell me all");
    const events = await collect(
      two.sessions.open("c").prompt({ requestId: "r2", text: "only this", interrupt: true }),
    );
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    expect((await collect(running.watch())).at(-1)).toMatchObject({ stopReason: "cancelled" });
    expect(sent(llm, 1)?.at(1)).toEqual(["assistant", "half of "]);
  });

  test("cancels no turn when it is repeated after its answer", async () => {
    await using llm = await startLlmServer([answer("one"), half]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const request = { requestId: "r1", text: "a", interrupt: true };
    await collect(session.prompt(request));
    const running = await begin(app, "r2", "b");
    expect((await session.submit(request)).cached).toBe(true);
    expect(running.stop.aborted).toBe(false);
  });
});

describe("a rewind", () => {
  test("takes turns back: the next one is sent without them, and their answers stay in the log", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two"), answer("three")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    for (const text of ["a", "b"]) await collect(session.prompt({ requestId: text, text }));
    expect(await app.sessions.conversations.rewind("c", { turns: 1 })).toMatchObject({
      type: "rewind",
      toSeq: 3,
      seq: 7,
    });
    const again = await session.submit({ requestId: "b", text: "b" });
    expect([again.cached, shape(await collect(again.watch()))]).toEqual([
      true,
      ["user_message", "assistant_message", "turn_end"],
    ]);
    await collect(session.prompt({ requestId: "c", text: "c" }));
    expect(sent(llm, 2)?.map(([, content]) => content)).toEqual(["a", "one", "c"]);
  });

  test("is refused while a turn runs, also in another process, and changes nothing", async () => {
    await using llm = await startLlmServer([half]);
    await using desk = await Desk.open();
    await using one = await desk.host(llm);
    await using two = await desk.host(llm);
    await begin(one, "r1", "a");
    for (const app of [one, two]) {
      await expect(app.sessions.conversations.rewind("c", { turns: 1 })).rejects.toMatchObject({ kind: "busy" });
      const message = "“a” is not deleted: one of its turns is running or waiting";
      await expect(app.sessions.conversations.delete("c")).rejects.toMatchObject({ kind: "busy", message });
    }
    expect((await two.sessions.conversations.list({ most: 100 })).conversations).toMatchObject([
      { conversationId: "c", state: "running", title: "a" },
    ]);
    expect(shape(await two.sessions.open("c").history())).toEqual(["user_message"]);
  });

  test("goes back to an event, or by more turns than there are", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    for (const text of ["a", "b"]) await collect(session.prompt({ requestId: text, text }));
    await expect(app.sessions.conversations.rewind("c", { toSeq: 4 })).rejects.toMatchObject({
      kind: "usage",
      hint: expect.stringContaining("event 4"),
    });
    await expect(app.sessions.conversations.rewind("c", { turns: 0 })).rejects.toMatchObject({ kind: "usage" });
    expect(await app.sessions.conversations.rewind("c", { toSeq: 3 })).toMatchObject({ toSeq: 3 });
    expect(await app.sessions.conversations.rewind("c", { turns: 9 })).toMatchObject({ toSeq: 0 });
    await expect(app.sessions.conversations.rewind("c", { turns: 1 })).rejects.toMatchObject({
      message: "there is no turn to take back",
    });
  });
});

test("a turn whose process was taken for dead, and whose conversation was deleted then, ends with that error", async () => {
  await using llm = await startLlmServer([half]);
  await using desk = await Desk.open();
  await using app = await desk.host(llm);
  const running = await begin(app, "r1", "a");
  const waiting = await app.sessions.open("c").submit({ requestId: "r2", text: "b" });
  const store = await openStore(desk.storage, { now: Date.now, observe: () => {} });
  for (const { nodeId, seenAt } of await store.turns.nodes()) await store.turns.bury(nodeId, seenAt);
  expect(await store.archive.delete("c")).toEqual(["c"]);
  running.cancel();
  for (const turn of [running, waiting]) {
    await expect(collect(turn.watch())).rejects.toMatchObject({ kind: "not_found" });
  }
  expect(await store.read("c")).toEqual([]);
  await store.close();
});

describe("a fork", () => {
  test("continues from the turns that had ended, and its original without it", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two"), answer("three")]);
    await using app = await startApp({ llm: llm.url });
    const { conversations } = app.sessions;
    for (const text of ["a", "b"]) await collect(app.sessions.open("c").prompt({ requestId: text, text }));
    expect(await conversations.fork("c", { to: "d", toSeq: 5 })).toBe("d");
    await collect(app.sessions.open("d").prompt({ requestId: "n", text: "n" }));
    expect(sent(llm, 2)?.map(([, content]) => content)).toEqual(["a", "one", "n"]);
    expect((await app.sessions.open("d").history()).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect((await app.sessions.open("d").history())[0]).toMatchObject({ type: "fork", origins: ["c"], toSeq: 3 });
    expect(await app.sessions.open("c").history()).toHaveLength(6);
    await conversations.fork("d", { to: "e" });
    expect((await app.sessions.open("e").history())[0]).toMatchObject({ origins: ["d", "c"] });
  });

  test("leaves out a turn that still runs; a conversation without events cannot be forked", async () => {
    await using llm = await startLlmServer([answer("one"), half]);
    await using app = await startApp({ llm: llm.url });
    const { conversations } = app.sessions;
    await expect(conversations.fork("c")).rejects.toMatchObject({ kind: "not_found" });
    await collect(app.sessions.open("c").prompt({ requestId: "a", text: "a" }));
    await begin(app, "b", "b");
    await conversations.fork("c", { to: "d" });
    expect(shape(await app.sessions.open("d").history())).toEqual([
      "fork",
      "user_message",
      "assistant_message",
      "turn_end",
    ]);
  });
});
