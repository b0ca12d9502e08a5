import { expect, test } from "@jest/globals";
import type { ChatEvent, StoredEvent } from "../../src/core/events.js";
import { type Checkpoint, checkpointVersion, parseCheckpoint } from "../../src/log/folds/checkpoint.js";
import { laterCheckpoint } from "../../src/log/folds/later-checkpoint.js";
import { toMessages } from "../../src/log/folds/replay.js";
import { KnownLogs } from "../../src/session/conversations/known-logs.js";
import { append, call, checkpointsAlone, stored, turn } from "../log/support.js";
import { withStore } from "../support/storages.js";

/** Returns a store with these events of each conversation. `given` counts the events that were read. */
function storeOf(conversations: Record<string, ChatEvent[]>) {
  let given = 0;
  return {
    conversations,
    get given() {
      return given;
    },
    async read(conversationId: string, from = 1, most = Number.POSITIVE_INFINITY): Promise<StoredEvent[]> {
      const events = stored(conversations[conversationId] ?? []).filter(({ seq }) => seq >= from);
      const page = events.slice(0, most);
      given += page.length;
      return page;
    },
    async readBefore(conversationId: string, before: number, most: number): Promise<StoredEvent[]> {
      return stored(conversations[conversationId] ?? [])
        .filter(({ seq }) => seq < before)
        .slice(-most);
    },
    checkpoints: checkpointsAlone(),
  };
}

const all = { mostTokens: Number.POSITIVE_INFINITY };
const turnsOf = (...names: string[]) => names.flatMap((name) => [turn(name).user(name), turn(name).end()]);

test("of a known conversation only new events are read, and the others are the same objects", async () => {
  const store = storeOf({ c: turnsOf("one", "two") });
  const logs = new KnownLogs(store);
  const { events: before } = await logs.read("c", all);
  store.conversations.c?.push(...turnsOf("three"));
  const read = store.given;
  const { events: after } = await logs.read("c", all);
  expect(after).toEqual(await store.read("c"));
  expect(after.slice(0, 4).every((event, index) => event === before[index])).toBe(true);
  expect(before).toHaveLength(4);
  expect(store.given - read).toBe(1 + 2 + 6); // the last known event, the two new ones, and six that this test read itself
});

test("a conversation that has just begun is known without being read, and later reads continue it", async () => {
  const store = storeOf({ c: turnsOf("one", "two") });
  const logs = new KnownLogs(store);
  const [first] = await store.read("c", 1, 1);
  const read = store.given;
  expect(logs.begin("c", first as StoredEvent).events).toEqual([first]);
  expect(store.given - read).toBe(0);
  expect((await logs.read("c", all)).events).toEqual(await store.read("c"));
});

test("a deleted conversation is forgotten, also when another one begins under its id", async () => {
  const store = storeOf({ c: turnsOf("one", "two") });
  const logs = new KnownLogs(store);
  await logs.read("c", all);
  store.conversations.c = [];
  expect((await logs.read("c", all)).events).toEqual([]);
  store.conversations.c = turnsOf("one", "two");
  await logs.read("c", all);
  store.conversations.c = turnsOf("other", "another", "third");
  expect((await logs.read("c", all)).events).toEqual(await store.read("c"));
});

test("conversations that were read long ago are dropped, but not the latest one, however long it is", async () => {
  const store = storeOf({ a: turnsOf("a"), b: turnsOf("b"), c: turnsOf("c"), long: turnsOf(..."abcdefgh") });
  const logs = new KnownLogs(store, 2 * JSON.stringify(await store.read("a")).length);
  const isKnown = async (conversationId: string) => {
    const before = store.given;
    await logs.read(conversationId, all);
    return store.given - before === 1;
  };
  for (const name of ["a", "b", "c"]) expect(await isKnown(name)).toBe(false);
  for (const name of ["a", "b", "c"]) expect(await isKnown(name)).toBe(true);
  expect(await isKnown("long")).toBe(false);
  expect(await isKnown("long")).toBe(true);
  expect(await isKnown("a")).toBe(false);
  expect(await isKnown("long")).toBe(false);
  logs.forget("long");
  expect(await isKnown("long")).toBe(false);
});

test("the summary of a retried turn that was taken back does not apply to other turns", async () => {
  const failed = turn("failed");
  const events = [
    ...turnsOf("one", "two"),
    ...[failed.user("go"), failed.compaction(4, "one and two"), failed.error()],
    { type: "rewind", turnId: "rewind_1", toSeq: 4 } as const,
  ];
  const store = storeOf({ c: events });
  const logs = new KnownLogs(store, undefined, 0);
  await logs.read("c", { ...all, turnId: "failed" });
  events.push(turn("next").user("next"));
  for (const each of [logs, new KnownLogs(store, undefined, 0)]) {
    expect(toMessages((await each.read("c", { ...all, turnId: "next" })).events, "next")).toEqual(
      toMessages(stored(events), "next"),
    );
  }
});

const numbered = (count: number, prefix = "turn") => Array.from({ length: count }, (_, index) => `${prefix}_${index}`);
/** Ten turns, of which the last one has left out the first eight. */
const trimmed = () => {
  const { user, trim, end } = turn("trims");
  return [...turnsOf(...numbered(9)), user("trims"), trim(16), end()];
};

test("another process reads from the stored checkpoint on, and the result is the same", () =>
  withStore(async (store) => {
    for (const event of trimmed()) await append(store, "c", event);
    const logs = () => new KnownLogs(store, undefined, 0);
    const { events } = await logs().read("c", all);
    expect(events[0]).toMatchObject({ seq: 17, turnId: "turn_8" });
    const readFrom: (number | undefined)[] = [];
    const watched = {
      checkpoints: store.checkpoints,
      readBefore: store.readBefore.bind(store),
      read: (id: string, from?: number, most?: number) => {
        readFrom.push(from);
        return store.read(id, from, most);
      },
    };
    const again = await new KnownLogs(watched, undefined, 0).read("c", all);
    // The first page tells that the conversation is not short, and the last one that there are no more events.
    expect(readFrom).toEqual([1, 17, 21]);
    expect(again).toEqual({ ...again, events });
    expect(await logs().readTrimmed("c", 17, all.mostTokens)).toEqual(await store.read("c", 1, 16));
    // Another host takes back the turn with the trim.
    await append(store, "c", { type: "rewind", turnId: "rewind_1", toSeq: 18 });
    expect((await logs().read("c", all)).events).toEqual(await store.read("c"));
    // A checkpoint of the conversation as it was before is stored late.
    await store.checkpoints.put("c", JSON.stringify(again.checkpoint));
    expect((await logs().read("c", all)).events).toEqual(await store.read("c"));
    await store.archive.delete("c");
    expect((await logs().read("c", all)).events).toEqual([]);
  }));

test("a cached conversation is read anew when another host has taken back the turn that its checkpoint rests on", async () => {
  const events: ChatEvent[] = trimmed();
  const store = storeOf({ c: events });
  const logs = new KnownLogs(store, undefined, 0);
  expect((await logs.read("c", all)).checkpoint).toMatchObject({ from: 17 });
  events.push({ type: "rewind", turnId: "rewind_1", toSeq: 18 });
  expect(await logs.read("c", all)).toMatchObject({ checkpoint: undefined, events: stored(events) });
});

test.each([
  ["of an earlier version", { version: 0 }],
  ["of a later version", { version: 99 }],
  ["of a conversation that was deleted", { turnId: "another" }],
  ["of a longer conversation that was deleted", { from: 99, madeAt: 120 }],
])("a checkpoint %s is ignored and replaced", async (_, change: Partial<Checkpoint>) => {
  const store = storeOf({ c: trimmed() });
  const expected = await new KnownLogs(store, undefined, 0).read("c", all);
  await store.checkpoints.put("c", JSON.stringify({ ...expected.checkpoint, spent: "unreadable", ...change }));
  expect(await new KnownLogs(store, undefined, 0).read("c", all)).toEqual(expected);
  expect(parseCheckpoint(await store.checkpoints.read("c"))).toEqual(expected.checkpoint);
});

test("a long conversation without a checkpoint is read in pages, of which only the needed turns stay", async () => {
  const store = storeOf({ c: turnsOf(...numbered(1_000)) });
  const { given } = store;
  let rounds = 0;
  const counts = setInterval(() => rounds++, 0);
  const log = await new KnownLogs(store, undefined, 0).read("c", { mostTokens: 100 });
  clearInterval(counts);
  expect(store.given - given).toBeLessThan(2_000 + 250); // the first page is read twice, and the last event of each page
  expect(rounds).toBeGreaterThan(0);
  expect(log.events.length).toBeLessThan(200);
  expect(log.events.at(-1)?.seq).toBe(2_000);
  // A read that needs more does not use it, nor does another process.
  expect(await store.checkpoints.read("c")).toBeUndefined();
});

test("a cached conversation is read anew for a model with a larger window", async () => {
  const store = storeOf({ c: turnsOf(...numbered(100)) });
  const logs = new KnownLogs(store, undefined, 0);
  expect((await logs.read("c", { mostTokens: 100 })).events.length).toBeLessThan(100);
  expect((await logs.read("c", all)).events).toHaveLength(200);
});

test("a checkpoint that is made while the log is read still knows that turns before it were trimmed", () => {
  const events = stored(turnsOf("a", "b", "c", "d", "e")).map((event) => ({ ...event, seq: event.seq + 100 }));
  const empty = { calls: 0, compared: [], found: [], resultIds: [], processes: [] };
  const spent = { tokens: 0, usd: 0, unpriced: 0, estimated: 0 };
  const checkpoint = {
    version: checkpointVersion,
    from: 101,
    turnId: "a",
    madeAt: 101,
    rewindableFrom: 100,
    spent,
    ...empty,
  };
  for (const isTrimmed of [true, false]) {
    const later = laterCheckpoint({ checkpoint: { ...checkpoint, isTrimmed }, events }, undefined, 1);
    expect(later?.checkpoint).toMatchObject({ from: 109, isTrimmed });
  }
});

test("a limited read has a task with the caller's tools from its question on", () => {
  const task = Array.from({ length: 30 }, (_, index) => {
    const { user, answer, end } = turn(`turn_${index}`);
    const result = { role: "tool" as const, toolCallId: `c${index}`, content: [], isError: false };
    const asked = index <= 20 ? user("do all") : { ...user("", `r${index}`), content: [], history: [result] };
    return [asked, answer("x".repeat(400), [call(`c${index + 1}`, "own")]), end()];
  }).flat();
  const events = stored(task);
  const read = laterCheckpoint({ checkpoint: undefined, events }, undefined, 1);
  expect(read?.checkpoint).toMatchObject({ turnId: "turn_20", from: 61 });
});
