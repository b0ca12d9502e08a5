import { expect, test } from "@jest/globals";
import type { ChatEvent, StoredEvent } from "../../src/core/events.js";
import { KnownLogs } from "../../src/session/conversations/known-logs.js";
import { stored, turn } from "../log/support.js";

/** Returns a store with these events of each conversation. `given` counts the events that were read. */
function storeOf(conversations: Record<string, ChatEvent[]>) {
  let given = 0;
  return {
    conversations,
    get given() {
      return given;
    },
    async read(conversationId: string, from = 1): Promise<StoredEvent[]> {
      const events = stored(conversations[conversationId] ?? []).filter(({ seq }) => seq >= from);
      given += events.length;
      return events;
    },
  };
}

const turnsOf = (...names: string[]) => names.flatMap((name) => [turn(name).user(name), turn(name).end()]);

test("of a known conversation only what is new is read, and the rest are the same objects", async () => {
  const store = storeOf({ c: turnsOf("one", "two") });
  const logs = new KnownLogs(store);
  const before = await logs.read("c");
  store.conversations.c?.push(...turnsOf("three"));
  const read = store.given;
  const after = await logs.read("c");
  expect(after).toEqual(await store.read("c"));
  expect(after.slice(0, 4).every((event, index) => event === before[index])).toBe(true);
  expect(before).toHaveLength(4);
  expect(store.given - read).toBe(1 + 2 + 6); // the last known event, the two new ones, and six that this test read itself
});

test("a conversation that was deleted is forgotten, also when another one begins under its id", async () => {
  const store = storeOf({ c: turnsOf("one", "two") });
  const logs = new KnownLogs(store);
  await logs.read("c");
  store.conversations.c = [];
  expect(await logs.read("c")).toEqual([]);
  store.conversations.c = turnsOf("one", "two");
  await logs.read("c");
  store.conversations.c = turnsOf("other", "another", "third");
  expect(await logs.read("c")).toEqual(await store.read("c"));
});

test("those that were read long ago give way to others, but not to the one that is read however long it is", async () => {
  const store = storeOf({ a: turnsOf("a"), b: turnsOf("b"), c: turnsOf("c"), long: turnsOf(..."abcdefgh") });
  const logs = new KnownLogs(store, 2 * JSON.stringify(await store.read("a")).length);
  const isKnown = async (conversationId: string) => {
    const before = store.given;
    await logs.read(conversationId);
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
