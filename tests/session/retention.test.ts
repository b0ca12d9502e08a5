import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { ForkEvent } from "../../src/core/events.js";
import { openStore } from "../../src/log/open.js";
import { Retention } from "../../src/session/conversations/retention.js";
import { append, listed, request, turn } from "../log/support.js";
import { temporaryFolder } from "../support/mcp-hub.js";
import { newStorage } from "../support/storages.js";

const hour = 60 * 60 * 1000;
const day = 24 * hour;
let time = 0;
const now = () => time;

/** Makes conversations `c1`, `c2`… of one turn each, a day apart. The clock is at the day of the last one. */
async function withConversations(count: number, work: (store: ChatStore) => Promise<void>): Promise<void> {
  time = 0;
  using folder = temporaryFolder();
  const store = await openStore(await newStorage(folder.path), { now, observe: () => undefined });
  for (let number = 1; number <= count; number++) {
    time = number * day;
    await append(store, `c${number}`, turn(`turn_${number}`).user("hello"));
    await append(store, `c${number}`, turn(`turn_${number}`).end());
  }
  await work(store);
  await store.close();
}

/** Makes a retention whose clock has run for an hour without being set. */
function retention(store: ChatStore, rules: object, open: string[] = []): Retention {
  const isOpen = (id: string) => open.includes(id);
  const made = new Retention({ store, rules: {}, isOpen, now, steadyNow: now, observe: () => undefined });
  time -= hour;
  made.start();
  made.close();
  time += hour;
  made.change(rules);
  return made;
}
const left = async (store: ChatStore) => (await listed(store)).map(({ conversationId }) => conversationId);

test.each([
  [{ maxAgeMs: 2 * day }, ["c5", "c4", "c3"]],
  [{ maxConversations: 2 }, ["c5", "c4"]],
  [{ maxAgeMs: 3 * day, maxConversations: 4 }, ["c5", "c4", "c3", "c2"]],
  [{ maxAgeMs: 0.5 * day, maxConversations: 4 }, ["c5"]],
])("%j leaves %j", (rules, expected) =>
  withConversations(5, async (store) => {
    expect(await retention(store, rules).apply()).toBe(5 - expected.length);
    expect(await left(store)).toEqual(expected);
  }),
);

test("calls whose client keeps the history have an age of their own, and other conversations stay", () =>
  withConversations(3, async (store) => {
    await append(store, "single_1", turn("turn_4").user("hello"));
    time = 5 * day;
    await append(store, "single_2", turn("turn_5").user("hello"));
    expect(await retention(store, { singleCallsMaxAgeMs: 1.5 * day }).apply()).toBe(1);
    expect(await left(store)).toEqual(["single_2", "c3", "c2", "c1"]);
    expect(await retention(store, { singleCallsMaxAgeMs: 0.5 * day, maxAgeMs: 3.5 * day }).apply()).toBe(1);
    expect(await left(store)).toEqual(["single_2", "c3", "c2"]);
  }));

test("the age is measured by the log's clock, if it has one", () =>
  withConversations(3, async (store) => {
    const wrong = () => time + 100 * day;
    const log = { now, archive: store.archive } as ChatStore;
    const parts = {
      store: log,
      rules: { maxAgeMs: 1.5 * day },
      isOpen: () => false,
      now: wrong,
      observe: () => undefined,
    };
    expect(await new Retention(parts).apply()).toBe(1);
    expect(await left(store)).toEqual(["c3", "c2"]);
  }));

/** Returns the store as one that has no clock of its own, such as a file. */
const withoutClock = (store: ChatStore) => ({ archive: store.archive }) as ChatStore;

test("a clock that is wrong for less than an hour deletes nothing, whether it is wrong at the start or set later", () =>
  withConversations(5, async (store) => {
    let wrongMs = 1_000 * day;
    const rules = { maxAgeMs: 4.5 * day };
    const parts = { store: withoutClock(store), rules, isOpen: () => false, observe: () => undefined };
    const made = new Retention({ ...parts, now: () => time + wrongMs, steadyNow: now });
    expect(await made.apply()).toBe(0);
    time += 0.5 * hour;
    expect(await made.apply()).toBe(0);
    wrongMs = 0;
    for (const passedMs of [0.5 * hour, hour]) {
      time += passedMs;
      expect(await made.apply()).toBe(0);
    }
    wrongMs = 1_000 * day;
    time += 0.5 * hour;
    expect(await made.apply()).toBe(0);
    wrongMs = 0;
    expect(await made.apply()).toBe(0);
    time += day;
    expect(await made.apply()).toBe(1);
    expect(await left(store)).toEqual(["c5", "c4", "c3", "c2"]);
  }));

test("a host that runs for less than an hour deletes conversations that are too old next to the latest one", () =>
  withConversations(5, async (store) => {
    time += hour;
    const rules = { maxAgeMs: 2 * day };
    const parts = { store: withoutClock(store), rules, isOpen: () => false, now, observe: () => undefined };
    expect(await new Retention(parts).apply()).toBe(2);
    expect(await left(store)).toEqual(["c5", "c4", "c3"]);
  }));

test("conversations that run, wait, were left by a dead process or are open here stay, however old", () =>
  withConversations(5, async (store) => {
    const claim = (id: string) => store.claim(id, turn(`new_${id}`).user("more"), request(`node_${id}`));
    for (const id of ["c1", "c2", "c3"]) await claim(id);
    await store.turns.acquire("c1", "new_c1", "node_c1");
    await store.turns.leave("node_c3");
    time = 100 * day;
    expect(await retention(store, { maxAgeMs: day }, ["c4"]).apply()).toBe(1);
    expect((await left(store)).sort()).toEqual(["c1", "c2", "c3", "c4"]);
  }));

test("a fork of an old conversation is new", () =>
  withConversations(1, async (store) => {
    time = 50 * day;
    const first: ForkEvent = { type: "fork", turnId: "f", origins: ["c1"], toSeq: 2 };
    await store.archive.copy("c1", "d", () => ({ first, seqs: [1, 2] }));
    await retention(store, { maxAgeMs: day }).apply();
    expect(await left(store)).toEqual(["d"]);
  }));

test("retention works by itself from its start, but not without rules", () =>
  withConversations(3, async (store) => {
    retention(store, {}).start();
    const told = new Promise<string>((resolve) => {
      const observe = ({ message }: { message: string }) => resolve(message);
      const parts = { store, rules: { maxConversations: 1 }, isOpen: () => false, now, observe };
      const working = new Retention(parts);
      working.start();
      working.close();
    });
    expect(await told).toMatch(/^deleted 2 conversations/);
    expect(await left(store)).toEqual(["c3"]);
  }));
