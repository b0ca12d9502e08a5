import { expect, test } from "@jest/globals";
import type { ChatEvent, ForkEvent } from "../../src/core/events.js";
import { eventPages } from "../../src/session/shared/event-pages.js";
import { withStore } from "../support/storages.js";
import { append, call, listed, request, runTurn, turn } from "./support.js";

/** The contract of every event log. */
const one = turn("turn_1");
const two = turn("turn_2");

test("numbers events from 1 in each conversation and stamps them with the time", () =>
  withStore(async (store) => {
    expect(await append(store, "a", one.user("hello"))).toEqual({ ...one.user("hello"), seq: 1, at: 100 });
    expect(await append(store, "b", two.user("hi"))).toMatchObject({ seq: 1, at: 101 });
    expect(await append(store, "a", one.end())).toMatchObject({ seq: 2, at: 102 });
  }));

test("reads a conversation from any number on, and never another one", () =>
  withStore(async (store) => {
    await append(store, "a", one.user("hello"));
    await append(store, "b", two.user("hi"));
    await append(store, "b", two.end());
    for (const from of [-1, 0, 1]) expect(await store.read("b", from)).toHaveLength(2);
    expect(await store.read("b", 2)).toMatchObject([two.end()]);
    for (const from of [3, 2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER])
      expect(await store.read("b", from)).toEqual([]);
  }));

test("reads a conversation in pages, from its start and from its end", () =>
  withStore(async (store) => {
    for (const text of ["1", "2", "3", "4", "5"]) await append(store, "b", turn(`turn_${text}`).user(text));
    await append(store, "a", one.user("hello"));
    const seqs = async (page: Promise<{ seq: number }[]>) => (await page).map(({ seq }) => seq);
    expect(await seqs(store.read("b", 2, 3))).toEqual([2, 3, 4]);
    expect(await seqs(store.read("b", 5, 3))).toEqual([5]);
    expect(await seqs(store.readBefore("b", 5, 3))).toEqual([2, 3, 4]);
    expect(await seqs(store.readBefore("b", 3, 3))).toEqual([1, 2]);
    expect(await seqs(store.readBefore("b", Number.MAX_SAFE_INTEGER, 2))).toEqual([4, 5]);
    for (const before of [-1, 0, 1]) expect(await store.readBefore("b", before, 3)).toEqual([]);
    expect(await store.readBefore("nowhere", 9, 3)).toEqual([]);
  }));

test("ends a page early if its events are large, but not before the second one", () =>
  withStore(async (store) => {
    const sizes = [10, 2_000_000, 2_000_000, 400_000, 400_000, 400_000, 10];
    for (const size of sizes) await append(store, "b", one.answer("x".repeat(size)));
    const seqs = async (page: Promise<{ seq: number }[]>) => (await page).map(({ seq }) => seq);
    expect(await seqs(store.read("b", 1, 100))).toEqual([1, 2]);
    expect(await seqs(store.read("b", 2, 100))).toEqual([2, 3]);
    expect(await seqs(store.read("b", 3, 100))).toEqual([3, 4, 5, 6]);
    expect(await seqs(store.read("b", 3, 2))).toEqual([3, 4]);
    expect(await seqs(store.read("b", 6, 100))).toEqual([6, 7]);
    expect(await seqs(store.readBefore("b", 8, 100))).toEqual([4, 5, 6, 7]);
    expect(await seqs(store.readBefore("b", 3, 100))).toEqual([1, 2]);
    expect(await seqs(store.readBefore("b", 4, 100))).toEqual([2, 3]);
    expect(await store.read("b")).toHaveLength(sizes.length);
    const paged: number[][] = [];
    for await (const page of eventPages(store, "b")) paged.push(page.map(({ seq }) => seq));
    expect(paged).toEqual([[1, 2], [3], [4, 5, 6], [7]]);
  }));

test("keeps the last checkpoint of a conversation until the conversation is deleted", () =>
  withStore(async (store) => {
    await append(store, "a", one.user("hello"));
    await append(store, "b", two.user("hi"));
    expect(await store.checkpoints.read("a")).toBeUndefined();
    for (const text of ["first", '{"text":"\\u0000 \\ud800 ü"}']) await store.checkpoints.put("a", text);
    await store.checkpoints.put("b", "other");
    expect(await store.checkpoints.read("a")).toBe('{"text":"\\u0000 \\ud800 ü"}');
    const first: ForkEvent = { type: "fork", turnId: "fork_1", origins: ["a"], toSeq: 1 };
    await store.archive.copy("a", "copy", () => ({ first, seqs: [1] }));
    expect(await store.checkpoints.read("copy")).toBeUndefined();
    await store.archive.delete("a");
    await store.checkpoints.put("a", "late").catch(() => {});
    expect(await store.checkpoints.read("a")).toBeUndefined();
    expect(await store.checkpoints.read("b")).toBe("other");
  }));

test("sums up the cost of all conversations in quarters of an hour", () =>
  withStore(async (store) => {
    await runTurn(store, "a", [{ ...one.answer("x"), spent: { tokens: 10, usd: 0.25 } }, one.end()]);
    const estimated = { ...two.answer("y"), spent: { tokens: 5, estimated: true as const } };
    await runTurn(store, "b", [estimated, two.answer("not counted")]);
    const all = { tokens: 15, usd: 0.25, unpriced: 1, estimated: 1 };
    expect(await store.spent({ since: 0, until: 900_000 })).toEqual(all);
    for (const since of [-900_000, 900_000]) {
      expect(await store.spent({ since, until: since + 900_000 })).toMatchObject({ tokens: 0, unpriced: 0 });
    }
    await store.archive.delete("a");
    expect(await store.spent({ since: 0, until: 900_000 })).toEqual(all);
  }));

test("the cost of a summary counts with the answer after it, once if the conversation was copied", () =>
  withStore(async (store) => {
    const { turnId } = await store.claim("a", one.user("hi"), request("n"));
    const { fence = 0 } = (await store.turns.acquire("a", turnId, "n")) ?? {};
    const summary = { ...one.compaction(0, "short"), turnId, spent: { tokens: 40, usd: 0.5 } };
    await append(store, "a", summary, { fence, position: 2 });
    await append(store, "a", { ...one.answer("x"), turnId, spent: { tokens: 15, usd: 1 } }, { fence, position: 3 });
    await append(store, "a", { ...one.answer("y"), turnId, spent: { tokens: 5, usd: 1 } }, { fence, position: 4 });
    const first: ForkEvent = { type: "fork", turnId: "fork_1", origins: ["a"], toSeq: 4 };
    await store.archive.copy("a", "b", () => ({ first, seqs: [1, 2, 3, 4] }));
    expect(await store.spent({ since: 0, until: 900_000 })).toMatchObject({ tokens: 60, usd: 2.5, unpriced: 0 });
  }));

test("reports usage by model, conversation and tool", () =>
  withStore(async (store) => {
    const usage = { inputTokens: 10, outputTokens: 4, cachedTokens: 6, cacheWriteTokens: 3, reasoningTokens: 1 };
    await store.claim("a", one.user("hi"), request("n"));
    const { fence = 0 } = (await store.turns.acquire("a", "turn_1", "n")) ?? {};
    const events = [
      { ...one.answer("x"), usage, spent: { tokens: 14, usd: 0.25 } },
      { ...one.answer("y"), usage: { inputTokens: 1, outputTokens: 1 } },
      one.sent("c1"),
      one.result("c1", "forty-two"),
      one.result("c2", "never sent"),
      one.end(),
    ];
    for (const [index, event] of events.entries()) await append(store, "a", event, { fence, position: 2 + index });
    const estimated = { ...two.answer("z"), model: "other", spent: { tokens: 5, estimated: true as const } };
    await runTurn(store, "b", [estimated]);
    const quarter = { since: 0, until: 900_000 };
    const next = { since: 900_000, until: 1_800_000 };
    const models = await store.usage.models([quarter, next]);
    const none = {
      inputTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
      cachedTokens: 0,
      cacheWriteTokens: 0,
      usd: 0,
    };
    expect(models.sort((x, y) => x.model.localeCompare(y.model))).toEqual([
      {
        ...{
          at: 0,
          provider: "demo",
          model: "demo-1",
          requests: 2,
          inputTokens: 11,
          outputTokens: 5,
        },
        ...{ reasoningTokens: 1, cachedTokens: 6, cacheWriteTokens: 3, estimatedTokens: 0, usd: 0.25, unpriced: 1 },
      },
      {
        ...none,
        at: 0,
        provider: "demo",
        model: "other",
        requests: 1,
        estimatedTokens: 5,
        unpriced: 1,
      },
    ]);
    const resultBytes = expect.any(Number);
    expect(await store.usage.tools([quarter])).toEqual([
      { at: 0, name: "everything__add", calls: 1, errors: 0, durationMs: 1, resultBytes },
    ]);
    expect(await store.usage.conversations(quarter, 1)).toEqual({
      conversations: [expect.objectContaining({ conversationId: "a", requests: 2, usd: 0.25 })],
      all: 2,
    });
    expect(await store.usage.models([next])).toEqual([]);
    expect(await store.usage.conversations(next, 1)).toEqual({ conversations: [], all: 0 });
  }));

test("a model with a name of any length and any characters is counted, and does not block the end of its turn", () =>
  withStore(async (store) => {
    // Different letters, because PostgreSQL would compress a repetition.
    const name = `\0\ud800${Array.from({ length: 4_000 }, (_, at) => String.fromCodePoint(0x4e00 + at)).join("")}`;
    await runTurn(store, "a", [{ ...one.answer("hi"), model: name }, one.end()]);
    const [used] = await store.usage.models([{ since: 0, until: 900_000 }]);
    expect(used).toMatchObject({ requests: 1, model: expect.stringMatching(/^\ufffd\ufffd/) });
    expect(used?.model).toHaveLength(200);
  }));

test("a copied conversation does not count the cost of its original", () =>
  withStore(async (store) => {
    const usage = { inputTokens: 10, outputTokens: 5 };
    const { turnId } = await store.claim("a", one.user("hi"), request("n"));
    const { fence = 0 } = (await store.turns.acquire("a", turnId, "n")) ?? {};
    const answer = { ...one.answer("x"), turnId, usage, spent: { tokens: 15, usd: 1 } };
    await append(store, "a", answer, { fence, position: 2 });
    const first: ForkEvent = { type: "fork", turnId: "fork_1", origins: ["a"], toSeq: 2 };
    await store.archive.copy("a", "b", () => ({ first, seqs: [1, 2] }));
    expect(await store.spent({ since: 0, until: 900_000 })).toMatchObject({ tokens: 15, usd: 1 });
    expect(await store.usage.models([{ since: 0, until: 900_000 }])).toMatchObject([{ requests: 1, usd: 1 }]);
  }));

test("a summary counts for its own day, also long before the answer after it or without one", () =>
  withStore(async (store) => {
    const summary = { ...one.compaction(0, "short"), spent: { tokens: 7, usd: 0.5 } };
    const asked = { type: "question", turnId: "turn_1", questionId: "q", question: { kind: "stuck" } } as unknown;
    const { turnId } = await store.claim("a", one.user("hi"), request("n"));
    const { fence = 0 } = (await store.turns.acquire("a", turnId, "n")) ?? {};
    const between = Array.from({ length: 30 }, () => asked as ChatEvent);
    await store.appendAll("a", [summary, ...between], { fence, position: 2, lastSeq: 1 });
    expect(await store.spent({ since: 0, until: 900_000 })).toMatchObject({ tokens: 7, usd: 0.5 });
    expect(await store.usage.models([{ since: 0, until: 900_000 }])).toMatchObject([{ requests: 1, usd: 0.5 }]);
    await store.appendAll("a", [one.error(false)], { fence, position: 33, lastSeq: 32 });
    expect(await store.spent({ since: 0, until: 900_000 })).toMatchObject({ tokens: 7, usd: 0.5 });
    expect(await store.usage.models([{ since: 0, until: 900_000 }])).toMatchObject([{ requests: 1, usd: 0.5 }]);
    await store.archive.delete("a");
    expect(await store.spent({ since: 0, until: 900_000 })).toMatchObject({ tokens: 7, usd: 0.5 });
    expect(await store.usage.models([{ since: 0, until: 900_000 }])).toEqual([]);
  }));

test("appends in the order of the calls, also if they are not awaited", () =>
  withStore(async (store) => {
    await store.claim("a", one.user("hello"), request("n"));
    const { fence = 0 } = (await store.turns.acquire("a", "turn_1", "n")) ?? {};
    const answers = Array.from({ length: 50 }, (_, index) => one.answer(`text ${index}`));
    const appended = await Promise.all(
      answers.map((answer, index) => append(store, "a", answer, { fence, position: index + 2 })),
    );
    expect(appended.map(({ seq }) => seq)).toEqual(answers.map((_, index) => index + 2));
    expect(await store.read("a", 2)).toEqual(appended);
  }));

test("returns every kind of event as it was", () =>
  withStore(async (store) => {
    const asked = { kind: "approval", call: call("c1"), server: "s", tool: "t", reason: "r" } as const;
    const events = [
      one.user("zwölf 🌍 \u0000 \ud800"),
      one.answer("", [call("c1")]),
      one.planned(call("c1")),
      { type: "question", turnId: "turn_1", questionId: "q1", question: asked } as const,
      { type: "answer", turnId: "turn_1", questionId: "q1", value: { allow: true } } as const,
      one.sent("c1"),
      one.result("c1", "42"),
      one.error(),
      one.end(),
    ];
    for (const event of events) await append(store, "a", event);
    expect(await store.read("a")).toMatchObject(events);
  }));

test("reads from any number on", () =>
  withStore(async (store) => {
    for (const text of ["1", "2", "3"]) await append(store, "a", one.answer(text));
    const seqs = async (from?: number) => (await store.read("a", from)).map(({ seq }) => seq);
    expect(await seqs()).toEqual([1, 2, 3]);
    expect(await seqs(0)).toEqual([1, 2, 3]);
    expect(await seqs(2)).toEqual([2, 3]);
    expect(await seqs(4)).toEqual([]);
    expect(await store.read("never seen")).toEqual([]);
  }));

test("claims a request id once, and then returns all of its turn and nothing else", () =>
  withStore(async (store) => {
    const first = await store.claim("a", one.user("hello", "r1"), request("n"));
    const events = [{ ...one.user("hello", "r1"), seq: 1, at: 100 }];
    expect(first).toEqual({ created: true, turnId: "turn_1", ended: false, events });
    await store.claim("a", two.user("other", "r2"), request("n"));
    for (const [turnId, events] of [
      ["turn_2", [two.end()]],
      ["turn_1", [one.answer("hi"), one.end()]],
    ] as const) {
      const { fence = 0 } = (await store.turns.acquire("a", turnId, "n", true)) ?? {};
      await store.appendAll("a", events, { fence, position: 2 });
    }
    const again = await store.claim("a", turn("turn_3").user("hello", "r1"), request("n"));
    expect(again.created).toBe(false);
    expect(again.events).toMatchObject([one.user("hello", "r1"), one.answer("hi"), one.end()]);
    expect(again.events.map(({ seq }) => seq)).toEqual([1, 4, 5]);
    expect(await store.read("a")).toHaveLength(5);
  }));

test("claims the same request id in two conversations twice", () =>
  withStore(async (store) => {
    expect((await store.claim("a", one.user("hello", "r1"), request("n"))).created).toBe(true);
    expect((await store.claim("b", two.user("hello", "r1"), request("n"))).created).toBe(true);
  }));

test("lets one of many simultaneous claims win", () =>
  withStore(async (store) => {
    const claims = await Promise.all(
      Array.from(
        { length: 20 },
        (_, index) => store.claim("a", turn(`turn_${index}`).user("hello", "r1"), request("n")),
        request("n"),
      ),
    );
    expect(claims.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(claims.map(({ events }) => events[0]?.turnId))).toEqual(new Set(["turn_0"]));
  }));

test("claims a message that continues an event only if no other message has followed it", () =>
  withStore(async (store) => {
    await store.claim("a", one.user("hello", "r1"), request("n"));
    const { fence = 0 } = (await store.turns.acquire("a", "turn_1", "n")) ?? {};
    const end = await append(store, "a", one.end(), { fence, position: 2 });
    const continuing = { ...request("n"), continues: end.seq };
    const claims = await Promise.allSettled(
      [two, turn("turn_3")].map((each, index) => store.claim("a", each.user("more", `r${index + 2}`), continuing)),
    );
    expect(claims).toMatchObject([{ value: { created: true } }, { reason: { kind: "busy" } }]);
    expect((await store.claim("a", two.user("more", "r2"), continuing)).created).toBe(false);
    expect(await store.read("a")).toHaveLength(3);
  }));

test("refuses a message that continues an event which was taken back or deleted meanwhile", () =>
  withStore(async (store) => {
    for (const name of ["taken back", "deleted"]) {
      await store.claim(name, one.user("hello", "r1"), request("n"));
      const { fence = 0 } = (await store.turns.acquire(name, "turn_1", "n")) ?? {};
      await append(store, name, one.end(), { fence, position: 2 });
    }
    const continuing = { ...request("n"), continues: 2 };
    await store.archive.amend("taken back", () => ({ type: "rewind", turnId: "turn_9", toSeq: 0 }));
    await store.archive.delete("deleted");
    for (const name of ["taken back", "deleted"]) {
      await expect(store.claim(name, two.user("more", "r2"), continuing)).rejects.toMatchObject({ kind: "busy" });
    }
    expect(await store.read("taken back")).toHaveLength(3);
    expect(await store.read("deleted")).toEqual([]);
  }));

test("lists conversations, the one with the latest event first", () =>
  withStore(async (store) => {
    expect(await listed(store)).toEqual([]);
    await append(store, "a", one.user("hello"));
    await append(store, "b", two.user("hello"));
    await append(store, "a", one.end());
    const unset = { pinned: false, state: "idle", versionOf: null };
    expect(await listed(store)).toEqual([
      { conversationId: "a", lastSeq: 2, updatedAt: 102, title: "hello", workspace: "", turns: 1, ...unset },
      { conversationId: "b", lastSeq: 1, updatedAt: 101, title: "hello", workspace: "", turns: 1, ...unset },
    ]);
    await append(store, "c", one.end());
    expect((await listed(store))[0]).toMatchObject({ conversationId: "c", title: "" });
  }));

test("lists all conversations, even if the first event of one is nested deeper than a database reads", () =>
  withStore(async (store) => {
    const deep = JSON.parse(`${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`);
    await append(store, "a", { ...one.user("hello"), asked: { metadata: deep } });
    await append(store, "b", two.user("hello"));
    expect((await listed(store)).map(({ conversationId }) => conversationId)).toEqual(["b", "a"]);
  }));

test("is not changed by what its callers do to their events", () =>
  withStore(async (store) => {
    const event = { ...one.user("hello"), content: [{ type: "text" as const, text: "hello" }] };
    await append(store, "a", event);
    event.content.push({ type: "text", text: "changed" });
    const [read] = await store.read("a");
    if (read?.type === "user_message") read.content.length = 0;
    expect(await store.read("a")).toMatchObject([one.user("hello")]);
  }));

test("refuses values that JSON cannot express, and stays unchanged", () =>
  withStore(async (store) => {
    const answer = { type: "answer", turnId: "turn_1", questionId: "q1", value: 1n } as const;
    await expect(append(store, "a", answer)).rejects.toThrow("BigInt");
    expect(await store.read("a")).toEqual([]);
    expect(await listed(store)).toEqual([]);
  }));

test("refuses events when it is closed", () =>
  withStore(async (store) => {
    await store.close();
    await expect(append(store, "c", one.user("hello"))).rejects.toMatchObject({ kind: "write" });
  }));

test("may be closed twice", () => withStore((store) => store.close()));
