import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import { StoreError } from "../../src/core/errors.js";
import { newId } from "../../src/core/ids.js";
import { openStore } from "../../src/log/open.js";
import { Sessions } from "../../src/session/sessions.js";
import { collect, startApp } from "../support/app.js";
import { joining } from "../support/cluster.js";
import { answer, chunk, type LlmServer, stall, startLlmServer, stream } from "../support/llm-server.js";
import { Signal } from "../support/signal.js";
import { until } from "./desk.js";

/** Opens sessions whose log is in memory, and calls `work` with them. */
async function inMemory(llm: LlmServer, work: (sessions: Sessions, store: ChatStore) => Promise<void>): Promise<void> {
  await using app = await startApp({ llm: llm.url });
  const store = await openStore({ driver: "memory" }, { now: Date.now, observe: () => {} });
  const sessions = new Sessions({
    store,
    join: joining(store),
    observe: () => {},
    hub: app.hub,
    settings: () => ({ llm: app.orchestrator.llm, defaults: app.config.chat.service }),
    newId,
    project: "p",
    now: Date.now,
  });
  await work(sessions, store);
  await sessions.close();
}

test("turns of one conversation run in the order of their requests", async () => {
  await using llm = await startLlmServer([answer("one"), answer("two"), answer("three")]);
  await inMemory(llm, async (sessions) => {
    const session = sessions.open("c");
    const requests = ["a", "b", "c"].map((requestId) => collect(session.prompt({ requestId, text: requestId })));
    await Promise.all(requests);
    const types = (await session.history()).map(({ type }) => type);
    expect(types.slice(0, 3)).toEqual(["user_message", "user_message", "user_message"]);
    expect(llm.requests.map(({ body }) => body.messages?.at(-1)?.content)).toEqual(["a", "b", "c"]);
    expect(llm.requests.map(({ body }) => body.messages?.length)).toEqual([2, 4, 6]);
  });
});

test("a turn that waits is cancelled by its request id without waiting for the turn before it", async () => {
  await using llm = await startLlmServer([stream([chunk({ content: "so far" }), stall])]);
  await inMemory(llm, async (sessions) => {
    const session = sessions.open("c");
    await until(session.prompt({ requestId: "a", text: "a" }), "text_delta");
    const waiting = await session.submit({ requestId: "b", text: "b" });
    session.cancel("b");
    const events = await collect(waiting.watch());
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
    expect(session.turnCounts).toEqual({ running: 1, waiting: 0 });
    session.cancel();
  });
});

test("a turn that breaks off because the log fails is resumed before the next one", async () => {
  await using llm = await startLlmServer([answer("lost"), answer("one"), answer("two")]);
  await inMemory(llm, async (sessions, store) => {
    const append = store.appendAll.bind(store);
    store.appendAll = async () => {
      store.appendAll = append;
      throw new StoreError("full", "the disk is full");
    };
    const session = sessions.open("c");
    const first = await session.submit({ requestId: "a", text: "a" });
    const second = await session.submit({ requestId: "b", text: "b" });
    await expect(collect(first.watch())).rejects.toMatchObject({ kind: "full" });
    await collect(second.watch());
    const ends = (await session.history()).filter(({ type }) => type === "turn_end");
    expect(ends.map(({ turnId }) => turnId)).toEqual([first.turnId, second.turnId]);
  });
});

test("a closing host ends the turn that waits too", async () => {
  await using llm = await startLlmServer([stream([chunk({ content: "so far" }), stall])]);
  await inMemory(llm, async (sessions, store) => {
    const session = sessions.open("c");
    await until(session.prompt({ requestId: "a", text: "a" }), "text_delta");
    await session.submit({ requestId: "b", text: "b" });
    await sessions.close();
    const ends = (await store.read("c")).filter(({ type }) => type === "turn_end");
    expect(ends).toMatchObject([{ stopReason: "cancelled" }, { stopReason: "cancelled" }]);
  });
});

test("a host that shuts down cancels the waiting turn of a caller, also if the running turn ends at the same moment", async () => {
  await using llm = await startLlmServer([stream([stall])]);
  const work = async (sessions: Sessions, store: ChatStore) => {
    const session = sessions.open("c");
    const running = await session.submit({ requestId: "a", text: "a", endsWithCaller: true });
    await llm.received(1);
    const stateOf = store.turns.stateOf.bind(store.turns);
    const asked = new Signal();
    const ended = new Signal();
    store.turns.stateOf = async (...turn) => {
      const state = await stateOf(...turn);
      asked.give();
      await ended.given;
      return state;
    };
    const waiting = await session.submit({ requestId: "b", text: "b", endsWithCaller: true });
    await asked.given;
    const drained = sessions.drain(0);
    await collect(running.watch());
    ended.give();
    expect((await collect(waiting.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
    await drained;
  };
  await inMemory(llm, work);
});
