import { describe, expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { ForkEvent } from "../../src/core/events.js";
import { withStore } from "../support/storages.js";
import { append, listed, request, turn } from "./support.js";

const one = turn("turn_1");
const two = turn("turn_2");

async function ended(store: ChatStore, conversationId: string, { user, answer, end }: typeof one, node = "a") {
  const message = user("hello");
  await store.claim(conversationId, message, request(node));
  const { fence = 0 } = (await store.turns.acquire(conversationId, message.turnId, node)) ?? {};
  await append(store, conversationId, answer("hi"), { fence, position: 2 });
  await append(store, conversationId, end(), { fence, position: 3 });
}

const fork = (...origins: string[]): ForkEvent => ({ type: "fork", turnId: "fork_1", origins, toSeq: 3 });
const rewind = (toSeq: number) => ({ type: "rewind", turnId: `rewind_${toSeq}`, toSeq }) as const;

describe("an amendment of a conversation", () => {
  test("is computed from all of its events", () =>
    withStore(async (store) => {
      await ended(store, "c", one);
      const event = await store.archive.amend("c", (events) => rewind(events.length - 3));
      expect(event).toMatchObject({ type: "rewind", toSeq: 0, seq: 4 });
    }));

  test("is refused while a turn waits or runs, or was left by a dead process", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("hello"), request("a"));
      const refused = { kind: "busy", hint: expect.stringContaining("chat -r c") };
      await expect(store.archive.amend("c", () => rewind(0))).rejects.toMatchObject(refused);
      await store.turns.acquire("c", "turn_1", "a");
      await expect(store.archive.amend("c", () => rewind(0))).rejects.toMatchObject(refused);
      await store.turns.leave("a");
      await expect(store.archive.amend("c", () => rewind(0))).rejects.toMatchObject(refused);
      expect(await store.read("c")).toHaveLength(1);
    }));
});

describe("a copy", () => {
  test("has its own numbering without a gap, and the events' own times", () =>
    withStore(async (store) => {
      await ended(store, "c", one);
      await ended(store, "c", two);
      await store.archive.copy("c", "d", () => ({ first: fork("c"), seqs: [4, 5, 6] }));
      const copied = (await store.read("c", 4)).map((event, index) => ({ ...event, seq: index + 2 }));
      expect(await store.read("d")).toEqual([{ ...fork("c"), seq: 1, at: 106 }, ...copied]);
    }));

  test("answers the request ids that it has, and continues with one that failed", () =>
    withStore(async (store) => {
      await ended(store, "c", one);
      await store.claim("c", two.user("more", "r2"), request("a"));
      const { fence = 0 } = (await store.turns.acquire("c", "turn_2", "a")) ?? {};
      await append(store, "c", two.error(), { fence, position: 2 });
      await store.archive.copy("c", "d", () => ({ first: fork("c"), seqs: [1, 2, 3, 4, 5] }));
      expect(await store.claim("d", one.user("hello"), request("b"))).toMatchObject({ created: false, ended: true });
      expect(await store.claim("d", two.user("more", "r2"), request("b"))).toMatchObject({ ended: false });
      const lease = await store.turns.acquire("d", "turn_2", "b");
      expect(await append(store, "d", two.end(), { fence: lease?.fence ?? 0, position: 3 })).toMatchObject({ seq: 7 });
    }));

  test("cannot replace a conversation", () =>
    withStore(async (store) => {
      await ended(store, "c", one);
      const copy = store.archive.copy("c", "c", () => ({ first: fork("c"), seqs: [1] }));
      await expect(copy).rejects.toMatchObject({ kind: "usage" });
      expect(await store.read("c")).toHaveLength(3);
    }));
});

describe("deleting", () => {
  test("removes events, turns, mail and results of this conversation and of no other", () =>
    withStore(async (store) => {
      for (const id of ["c", "d"]) {
        await ended(store, id, one);
        await store.claim(id, two.user("x"), request("a"));
        await store.turns.send(id, "turn_2", { type: "cancel" });
        await store.results.put(id, `res_${id}`, "long");
      }
      await store.turns.leave("a");
      expect(await store.archive.delete("c")).toEqual(["c"]);
      expect(await store.archive.delete("c")).toEqual([]);
      expect(await store.read("c")).toEqual([]);
      expect(await store.turns.stateOf("c", "turn_2")).toBeUndefined();
      expect(await store.results.read("res_c")).toBeUndefined();
      await store.claim("c", two.user("x"), request("b"));
      await store.turns.acquire("d", "turn_2", "b");
      expect((await store.turns.receive("b")).map(({ conversationId }) => conversationId)).toEqual(["d"]);
      expect(await store.read("d")).toHaveLength(4);
      expect(await store.results.read("res_d")).toBe("long");
    }));

  test("is refused while a process has a turn of it, running or waiting", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("hello"), request("a"));
      await expect(store.archive.delete("c")).rejects.toMatchObject({ kind: "busy" });
      await store.turns.acquire("c", "turn_1", "a");
      await expect(store.archive.delete("c")).rejects.toMatchObject({ kind: "busy" });
      expect(await store.turns.stateOf("c", "turn_1")).toMatchObject({ crashes: 0 });
    }));

  test("keeps results that a copy, or a copy of that copy, may still read, until the last one is deleted", () =>
    withStore(async (store) => {
      await ended(store, "c", one);
      await store.results.put("c", "res_1", "long");
      await store.archive.copy("c", "d", () => ({ first: fork("c"), seqs: [1, 2, 3] }));
      await store.archive.copy("d", "e", () => ({ first: { ...fork("d", "c"), turnId: "f2" }, seqs: [2, 3, 4] }));
      await store.archive.delete("c");
      await store.archive.delete("d");
      expect(await store.results.read("res_1")).toBe("long");
      await store.archive.delete("e");
      expect(await store.results.read("res_1")).toBeUndefined();
    }));

  test("of old conversations spares those that have continued meanwhile, and unfinished turns", () =>
    withStore(async (store) => {
      await ended(store, "c", one);
      expect(await store.archive.expire("c", 2)).toBe(false);
      await store.claim("c", two.user("x"), request("a"));
      await store.turns.leave("a");
      expect(await store.archive.expire("c", 4)).toBe(false);
      await ended(store, "d", one);
      expect(await store.archive.expire("d", 3)).toBe(true);
      expect(await listed(store)).toMatchObject([{ conversationId: "c" }]);
    }));
});

test("the list has titles, turns without those taken back, and the time of the copy", () =>
  withStore(async (store) => {
    await ended(store, "c", one);
    await ended(store, "c", two);
    await store.archive.amend("c", () => rewind(3));
    await ended(store, "c", turn("turn_3"));
    await store.archive.copy("c", "d", () => ({ first: fork("c"), seqs: [1, 2, 3] }));
    await append(store, "e", one.end());
    const unset = { pinned: false, state: "idle", versionOf: null };
    expect(await listed(store)).toEqual([
      { conversationId: "e", lastSeq: 1, updatedAt: 111, title: "", turns: 0, workspace: "", ...unset },
      { conversationId: "d", lastSeq: 4, updatedAt: 110, title: "hello", turns: 1, workspace: "", ...unset },
      { conversationId: "c", lastSeq: 10, updatedAt: 109, title: "hello", turns: 2, workspace: "here", ...unset },
    ]);
  }));

test("versions are in the order of their making, and those that have changed last are named with deleted ones", () =>
  withStore(async (store) => {
    await ended(store, "c", one);
    await store.archive.copy("c", "d", () => ({ first: fork("c"), seqs: [1, 2, 3] }), true);
    const named = async (id: string) => (await store.archive.versions(id)).map(({ conversationId }) => conversationId);
    expect(await named("c")).toEqual(["c"]);
    expect(await named("d")).toEqual(["c", "d"]);
    await ended(store, "d", two);
    expect(await store.archive.versions("c")).toMatchObject([
      { conversationId: "c", marks: [{ seq: 1, turnId: "turn_1" }] },
      { conversationId: "d", marks: [{ seq: 2, turnId: "turn_1" }, { turnId: "turn_2" }] },
    ]);
    await ended(store, "e", turn("turn_3"));
    expect((await store.archive.recentlyChanged(10)).sort()).toEqual(["c", "d", "e"]);
    expect((await store.archive.delete("d")).sort()).toEqual(["c", "d"]);
    expect((await store.archive.recentlyChanged(10)).sort()).toEqual(["c", "d", "e"]);
  }));

test("the turns before another one are those that have not ended, in their order", () =>
  withStore(async (store) => {
    await ended(store, "c", one);
    for (const number of [2, 3, 4]) await store.claim("c", turn(`turn_${number}`).user("x"), request("a"));
    expect(await store.turns.before("c", "turn_4")).toEqual(["turn_2", "turn_3"]);
    expect(await store.turns.before("c", "turn_2")).toEqual([]);
    expect(await store.archive.unfinished()).toEqual(Array(3).fill({ conversationId: "c", nodeId: "a" }));
  }));
