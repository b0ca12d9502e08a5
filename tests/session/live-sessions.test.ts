import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, jest, test } from "@jest/globals";
import type { App } from "../../src/index.js";
import { collect, startApp } from "../support/app.js";
import { answer, type LlmServer, startLlmServer } from "../support/llm-server.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const ids = Array.from({ length: 20 }, (_, index) => `c${index}`);
const hourMs = 60 * 60 * 1000;

afterEach(() => void jest.useRealTimers());

/** Starts an app and runs a turn in each of these conversations. */
async function visited(llm: LlmServer, conversationIds: readonly string[]): Promise<App> {
  const app = await startApp({ llm: llm.url });
  for (const id of conversationIds) await collect(app.sessions.open(id).prompt({ requestId: "r", text: "hi" }));
  return app;
}

test("a conversation in which nothing runs, and that nothing follows or holds, leaves memory", async () => {
  await using llm = await startLlmServer(() => answer("hello"));
  // The first turn loads the HTTP stack. Under Jest, errors that are made while it is loaded keep that turn in their stacks.
  await using app = await visited(llm, ["first", ...ids]);
  expect(app.sessions.load).toEqual({ sessions: 0, running: 0, waiting: 0 });
  const inMemory = () => ids.filter((id) => app.sessions.find(id));
  // A settled promise may hold its conversation for a few rounds of the event loop.
  for (let round = 0; round < 10 && inMemory().length > 0; round++) {
    await new Promise(setImmediate);
    collectGarbage();
  }
  expect(inMemory()).toEqual([]);
});

test.each([
  ["held", (app: App) => app.sessions.open("c0").hold()],
  ["followed", (app: App) => app.sessions.open("c0").turns.listen(() => {})],
])("a conversation that is %s stays until that ends, and every opener gets the same session", async (_, keep) => {
  await using llm = await startLlmServer([answer("hello")]);
  await using app = await visited(llm, ["c0"]);
  const end = keep(app);
  const session = app.sessions.open("c0");
  expect(app.sessions.load.sessions).toBe(1);
  end();
  end();
  expect(app.sessions.load.sessions).toBe(0);
  expect(app.sessions.open("c0")).toBe(session);
});

test("a conversation with state that the log does not have stays for an hour after its last use", async () => {
  await using llm = await startLlmServer([answer("hello")]);
  await using app = await visited(llm, ["c0"]);
  jest.useFakeTimers({ doNotFake: ["performance", "nextTick", "setImmediate", "queueMicrotask"] });
  app.sessions.open("c0").compactNext();
  jest.advanceTimersByTime(hourMs - 1);
  expect(app.sessions.load.sessions).toBe(1);
  app.sessions.open("c0").hold()();
  jest.advanceTimersByTime(hourMs - 1);
  expect(app.sessions.load.sessions).toBe(1);
  jest.advanceTimersByTime(1);
  expect(app.sessions.load.sessions).toBe(0);
  jest.useRealTimers();
});

test("a deleted conversation is forgotten, also while something holds its session", async () => {
  await using llm = await startLlmServer([answer("hello")]);
  await using app = await visited(llm, ["c0"]);
  const session = app.sessions.open("c0");
  const release = session.hold();
  await app.sessions.delete("c0");
  release();
  expect(app.sessions.load.sessions).toBe(0);
  expect(app.sessions.find("c0")).toBeUndefined();
});

test("retention deletes conversations that this host has met, but not those that something holds", async () => {
  const met = ids.slice(0, 5);
  await using llm = await startLlmServer(met.map(() => answer("hello")));
  await using app = await visited(llm, met);
  const release = app.sessions.open("c0").hold();
  app.sessions.changeRetention({ maxConversations: 2 });
  await until(async () => (await app.sessions.list({ most: 100 })).conversations.length === 3);
  expect((await app.sessions.list({ most: 100 })).conversations.map(({ conversationId }) => conversationId)).toEqual([
    "c4",
    "c3",
    "c0",
  ]);
  release();
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}
