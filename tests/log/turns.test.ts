import { describe, expect, test } from "@jest/globals";
import type { ChatEvent } from "../../src/core/events.js";
import type { TurnGrant } from "../../src/core/turn-leases.js";
import { foldVersion } from "../../src/log/shared/schema-version.js";
import { withStore } from "../support/storages.js";
import { append, call, request, rowsIn, turn } from "./support.js";

const one = turn("turn_1");
const two = turn("turn_2");

function node(nodeId: string) {
  return { nodeId, machine: "m", pid: 1 };
}

const at = (fence: number, position: number): TurnGrant => ({ fence, position });

describe("a turn", () => {
  test("takes nothing more from a process that lost it, not even an event that the new one has written too", () =>
    withStore(async (store) => {
      await store.turns.beat(node("a"));
      await store.claim("c", one.user("hello"), request("a"));
      const stale = (await store.turns.acquire("c", "turn_1", "a"))?.fence ?? 0;
      await store.turns.bury("a", Number.MAX_SAFE_INTEGER);
      const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "b")) ?? {};
      await append(store, "c", one.answer("hi"), at(fence, 2));
      await expect(append(store, "c", one.answer("hi"), at(stale, 2))).rejects.toMatchObject({ kind: "fenced" });
    }));

  test("is run by the process that sent it, with its options", () =>
    withStore(async (store) => {
      await store.turns.beat(node("a"));
      await store.claim("c", one.user("hello"), { nodeId: "a", workspace: "w", options: { model: "m" } });
      expect(await store.turns.acquire("c", "turn_1", "b")).toBeUndefined();
      expect(await store.turns.acquire("c", "turn_1", "a")).toEqual({
        fence: 1,
        crashes: 0,
        options: { model: "m" },
      });
    }));

  test("waits until the turns before it in its conversation have ended, on any host", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("first"), request("a"));
      await store.claim("c", two.user("second"), request("b"));
      await store.claim("other", turn("turn_3").user("third"), request("b"));
      expect(await store.turns.acquire("c", "turn_2", "b")).toBeUndefined();
      expect(await store.turns.acquire("other", "turn_3", "b")).toBeDefined();
      const lease = await store.turns.acquire("c", "turn_1", "a");
      expect(await store.turns.acquire("c", "turn_2", "b")).toBeUndefined();
      await append(store, "c", one.end(), at(lease?.fence ?? 0, 2));
      expect(await store.turns.acquire("c", "turn_2", "b")).toBeDefined();
    }));

  test("does not run again after it ended or failed for good", () =>
    withStore(async (store) => {
      for (const [conversationId, end] of [
        ["c", one.end()],
        ["d", one.error(false)],
      ] as const) {
        await store.claim(conversationId, one.user("hello"), request("a"));
        const lease = await store.turns.acquire(conversationId, "turn_1", "a");
        await append(store, conversationId, end, at(lease?.fence ?? 0, 2));
        expect(await store.claim(conversationId, one.user("hello"), request("a"))).toMatchObject({ ended: true });
        expect(await store.turns.acquire(conversationId, "turn_1", "a")).toBeUndefined();
      }
    }));

  test("goes to the first who sends it again after a failure that may pass, behind the turns that came meanwhile", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("first"), request("a"));
      await append(store, "c", one.error(), at((await store.turns.acquire("c", "turn_1", "a"))?.fence ?? 0, 2));
      await store.claim("c", two.user("second"), request("a"));
      const claims = [await store.claim("c", one.user("first"), request("b"))];
      claims.push(await store.claim("c", one.user("first"), request("a")));
      expect(claims.map(({ created, ended }) => [created, ended])).toEqual([
        [false, false],
        [false, false],
      ]);
      await append(store, "c", two.end(), at((await store.turns.acquire("c", "turn_2", "a"))?.fence ?? 0, 2));
      await store.turns.beat(node("b"));
      expect(await store.turns.acquire("c", "turn_1", "a")).toBeUndefined();
      expect(await store.turns.acquire("c", "turn_1", "b")).toBeDefined();
    }));

  test("refuses the same request id with another text, and stays unchanged", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("hello", "r"), request("a"));
      const other = store.claim("c", two.user("goodbye", "r"), request("a"));
      await expect(other).rejects.toMatchObject({ name: "RequestError", kind: "request_mismatch" });
      expect(await store.read("c")).toHaveLength(1);
    }));
});

describe("events of a turn", () => {
  test("are written by its owner, each number once", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("hello"), request("a"));
      const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
      const first = await append(store, "c", one.answer("hi"), at(fence, 2));
      expect(await append(store, "c", one.answer("hi"), at(fence, 2))).toEqual(first);
      await expect(append(store, "c", one.answer("ho"), at(fence, 2))).rejects.toMatchObject({ kind: "fenced" });
      expect((await store.read("c")).map(({ seq }) => seq)).toEqual([1, 2]);
    }));

  test("are stored together, in their order, or not at all", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("hello"), request("a"));
      await store.claim("c", two.user("meanwhile"), request("a"));
      const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
      const hop = [one.answer("", [call("a"), call("b")]), one.planned(call("a")), one.planned(call("b"))];
      const stored = await store.appendAll("c", hop, at(fence, 2));
      expect(stored).toEqual(hop.map((event, index) => ({ ...event, seq: 3 + index, at: expect.any(Number) })));
      expect(await store.read("c", 3)).toEqual(stored);
      const long = Array.from({ length: 50 }, (_, index) => one.result(`call ${index}`, "x"));
      expect((await store.appendAll("c", long, at(fence, 5))).map(({ seq }) => seq)).toEqual(long.map((_, i) => 6 + i));
      // Another event already has the second number, so the first event is not written either.
      await append(store, "c", one.sent("b"), at(fence, 56));
      const late = store.appendAll("c", [one.sent("a"), one.result("a", "x")], at(fence, 55));
      await expect(late).rejects.toMatchObject({ kind: "fenced" });
      expect(await store.read("c")).toHaveLength(56);
    }));

  test("are returned again, not stored, if the same group is sent again", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("hello"), request("a"));
      const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
      const hop = [one.answer("", [call("a")]), one.planned(call("a")), one.sent("a")];
      const stored = await store.appendAll("c", hop, at(fence, 2));
      expect(await store.appendAll("c", hop, at(fence, 2))).toEqual(stored);
      const others = [[...hop, one.result("a", "x")], [...hop.slice(0, 2), one.sent("b")], hop.slice(1)];
      for (const other of others) {
        await expect(store.appendAll("c", other, at(fence, 2))).rejects.toMatchObject({ kind: "fenced" });
      }
      expect(await store.read("c")).toHaveLength(4);
    }));

  test("are stored in the same way, whatever event their writer takes for the last one of the conversation", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("hello"), request("a"));
      const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
      const hop = [one.answer("", [call("a")]), one.planned(call("a")), one.sent("a")];
      const stored = await store.appendAll("c", hop, { ...at(fence, 2), lastSeq: 1 });
      expect(stored).toEqual(hop.map((event, index) => ({ ...event, seq: 2 + index, at: expect.any(Number) })));
      await store.claim("c", two.user("meanwhile"), request("b"));
      for (const lastSeq of [4, 7, 0]) {
        const position = (await store.read("c")).length;
        const [next] = await store.appendAll("c", [one.result("a", "x")], { ...at(fence, position), lastSeq });
        expect(next).toMatchObject({ seq: position + 1 });
      }
      expect(await store.appendAll("c", hop, { ...at(fence, 2), lastSeq: 8 })).toEqual(stored);
      await store.claim("c", turn("turn_3").user("last"), request("b"));
      await expect(store.appendAll("c", [one.result("a", "z")], { ...at(fence, 7), lastSeq: 9 })).rejects.toThrow();
      const [first] = await store.appendAll("c", [one.result("b", "y")], { ...at(fence, 8), lastSeq: 8 });
      expect(await store.appendAll("c", [one.result("b", "y")], { ...at(fence, 8), lastSeq: 9 })).toEqual([first]);
      expect(await store.read("c")).toHaveLength(10);
    }));

  test("end the turn if the last of them is its end", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("hello"), request("a"));
      const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
      await store.appendAll("c", [one.answer("hi"), one.end()], at(fence, 2));
      expect((await store.read("c")).map(({ type }) => type)).toEqual([
        "user_message",
        "assistant_message",
        "turn_end",
      ]);
      expect(await store.turns.stateOf("c", "turn_1")).toMatchObject({ isUnfinished: false });
      const late = store.appendAll("c", [one.answer("ho"), one.end()], at(fence, 4));
      await expect(late).rejects.toMatchObject({ kind: "fenced" });
    }));

  test("are all that remains of a turn that has ended: a file has no row of it, a database only that of the last one", () =>
    withStore(async (store, storage) => {
      const turns = ["turn_1", "turn_2", "turn_3"];
      for (const each of turns) {
        await store.claim("c", turn(each).user("hello"), { ...request("a"), options: { system: "Be brief." } });
        const { fence = 0 } = (await store.turns.acquire("c", each, "a")) ?? {};
        await append(store, "c", turn(each).end(), at(fence, 2));
      }
      for (const each of turns) {
        expect(await store.turns.stateOf("c", each)).toEqual({ isUnfinished: false, crashes: 0 });
        expect(await store.claim("c", turn(each).user("hello"), request("a"))).toMatchObject({ ended: true });
        expect(await store.turns.acquire("c", each, "a")).toBeUndefined();
        expect(await store.turns.send("c", each, { type: "cancel" })).toBe(false);
      }
      const rows = storage.driver === "postgres" ? [{ turn_id: "turn_3", options: "null" }] : [];
      expect(await rowsIn(storage, "SELECT turn_id, options FROM turns")).toEqual(rows);
      await store.archive.delete("c");
      await store.claim("c", turn("turn_4").user("hello"), request("a"));
      expect(await store.turns.stateOf("c", "turn_1")).toBeUndefined();
    }));

  test("clear the options of a turn that failed; a repeated request brings them again, with a new fence", () =>
    withStore(async (store, storage) => {
      const asked = { ...request("a"), options: { system: "Be brief." } };
      await store.claim("c", one.user("hello"), asked);
      const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
      await append(store, "c", one.error(), at(fence, 2));
      const rows = await rowsIn(storage, "SELECT options, state FROM turns");
      expect(rows).toEqual([{ options: "null", state: "failed" }]);
      await store.claim("c", one.user("hello"), asked);
      const again = await store.turns.acquire("c", "turn_1", "a");
      expect(again).toMatchObject({ options: { system: "Be brief." } });
      expect(again?.fence).toBeGreaterThan(fence);
    }));

  test("leave the row of an ended turn of a newer version's host, because the row keeps older hosts away", () =>
    withStore(async (store, storage) => {
      if (storage.driver !== "postgres") return;
      await store.claim("c", one.user("hello"), request("a"));
      await store.claim("c", two.user("hello"), request("a"));
      await rowsIn(storage, `UPDATE turns SET state = 'ended', fold = ${foldVersion + 1} WHERE turn_id = 'turn_1'`);
      const { fence = 0 } = (await store.turns.acquire("c", "turn_2", "a")) ?? {};
      await append(store, "c", two.end(), at(fence, 2));
      await store.claim("c", turn("turn_3").user("hello"), request("a"));
      expect(await store.turns.acquire("c", "turn_3", "a")).toBeUndefined();
    }));

  test("are refused from a process that has lost the turn", () =>
    withStore(async (store) => {
      const seenAt = await store.turns.beat(node("a"));
      await store.claim("c", one.user("hello"), request("a"));
      const stale = (await store.turns.acquire("c", "turn_1", "a"))?.fence ?? 0;
      await store.turns.bury("a", seenAt);
      await expect(append(store, "c", one.answer("hi"), at(stale, 2))).rejects.toMatchObject({ kind: "fenced" });
      const lease = await store.turns.acquire("c", "turn_1", "b");
      expect(lease).toMatchObject({ crashes: 1 });
      await expect(append(store, "c", one.answer("hi"), at(stale, 2))).rejects.toMatchObject({ kind: "fenced" });
      await append(store, "c", one.end(), at(lease?.fence ?? 0, 2));
      await expect(append(store, "c", one.end(), at(stale, 3))).rejects.toMatchObject({ kind: "fenced" });
      expect((await store.read("c")).map(({ type }) => type)).toEqual(["user_message", "turn_end"]);
    }));

  test("are refused from that process even if the new one has written the same event", () =>
    withStore(async (store) => {
      const seenAt = await store.turns.beat(node("a"));
      await store.claim("c", one.user("hello"), request("a"));
      const stale = (await store.turns.acquire("c", "turn_1", "a"))?.fence ?? 0;
      await store.turns.bury("a", seenAt);
      const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "b")) ?? {};
      await append(store, "c", one.answer("hi"), at(fence, 2));
      await expect(append(store, "c", one.answer("hi"), at(stale, 2))).rejects.toMatchObject({ kind: "fenced" });
    }));
});

describe("processes", () => {
  test("are not buried if they have sent a heartbeat since", () =>
    withStore(async (store) => {
      const seenAt = await store.turns.beat(node("a"));
      await store.claim("c", one.user("hello"), request("a"));
      let again: number;
      do again = await store.turns.beat(node("a"));
      while (again === seenAt);
      await store.turns.bury("a", seenAt);
      expect(await store.turns.nodes()).toEqual([{ ...node("a"), seenAt: again, silentMs: expect.any(Number) }]);
      expect(await store.turns.abandoned({ workspace: "here" })).toEqual([]);
    }));

  test("leave their turns to their workspace when they die; a turn that only waited has not crashed", () =>
    withStore(async (store) => {
      const seenAt = await store.turns.beat(node("a"));
      await store.claim("c", one.user("running"), request("a"));
      await store.claim("c", two.user("waiting"), request("a"));
      await store.claim("d", turn("turn_3").user("elsewhere"), request("a", "there"));
      await store.turns.acquire("c", "turn_1", "a");
      await store.turns.bury("a", seenAt);
      const turns = await store.turns.abandoned({ workspace: "here" });
      expect(turns.map(({ turnId }) => turnId)).toEqual(["turn_1", "turn_2"]);
      expect(await store.turns.abandoned({ conversationId: "d" })).toMatchObject([{ turnId: "turn_3" }]);
      expect(await store.turns.acquire("c", "turn_1", "b")).toMatchObject({ crashes: 1 });
      await append(store, "c", one.end(), at(3, 2));
      expect(await store.turns.acquire("c", "turn_2", "b")).toMatchObject({ crashes: 0 });
    }));

  test("lose what they take after they left or were buried, if they die before their next heartbeat", () =>
    withStore(async (store) => {
      const seenAt = await store.turns.beat(node("a"));
      await store.turns.bury("a", seenAt);
      await store.claim("c", one.user("running"), request("a"));
      await store.claim("c", two.user("waiting"), request("a"));
      await store.turns.acquire("c", "turn_1", "a");
      await store.turns.beat(node("b"));
      const turns = await store.turns.abandoned({ workspace: "here" });
      expect(turns.map(({ turnId }) => turnId)).toEqual(["turn_1", "turn_2"]);
      const lease = await store.turns.acquire("c", "turn_1", "b");
      expect(lease).toMatchObject({ crashes: 1 });
      await append(store, "c", one.end(), at(lease?.fence ?? 0, 2));
      expect(await store.turns.acquire("c", "turn_2", "b")).toMatchObject({ crashes: 0 });
    }));

  test("may die without a crash counted against a turn that waits for a person", () =>
    withStore(async (store) => {
      await store.turns.beat(node("a"));
      await store.claim("c", one.user("hello"), request("a"));
      await store.turns.acquire("c", "turn_1", "a");
      const asked = { message: "May it?", schema: { type: "boolean" } };
      const question = {
        type: "question",
        turnId: "turn_1",
        questionId: "q",
        question: asked,
      } as unknown as ChatEvent;
      await append(store, "c", question, at(1, 2));
      await store.turns.bury("a", Number.MAX_SAFE_INTEGER);
      expect(await store.turns.stateOf("c", "turn_1")).toEqual({ isUnfinished: true, crashes: 0 });
    }));

  test.each([
    { last: "an answer to another question", types: ["question", "question", "answer"], crashes: 0 },
    { last: "the result of another call", types: ["question", "tool_sent", "tool_result"], crashes: 0 },
    { last: "another call that was sent", types: ["question", "tool_sent"], crashes: 1 },
    { last: "the only answer", types: ["question", "answer"], crashes: 1 },
  ])("may die while a question of several calls is open, after $last: $crashes crashes", ({ types, crashes }) =>
    withStore(async (store) => {
      await store.turns.beat(node("a"));
      await store.claim("c", one.user("hello"), request("a"));
      await store.turns.acquire("c", "turn_1", "a");
      for (const [index, type] of types.entries()) {
        const event = {
          type,
          turnId: "turn_1",
          questionId: `q${index}`,
          callId: "c",
          question: {},
        } as unknown as ChatEvent;
        await append(store, "c", event, at(1, 2 + index));
      }
      await store.turns.bury("a", Number.MAX_SAFE_INTEGER);
      expect(await store.turns.stateOf("c", "turn_1")).toEqual({ isUnfinished: true, crashes });
    }),
  );

  test("may leave without a crash counted against their turns", () =>
    withStore(async (store) => {
      await store.turns.beat(node("a"));
      await store.claim("c", one.user("hello"), request("a"));
      await store.turns.acquire("c", "turn_1", "a");
      await store.turns.leave("a");
      expect(await store.turns.nodes()).toEqual([]);
      expect(await store.turns.acquire("c", "turn_1", "b")).toMatchObject({ crashes: 0 });
    }));

  test("cannot answer a question twice, not even in a call of an API", () =>
    withStore(async (store) => {
      const answered: ChatEvent = { type: "answer", turnId: "turn_1", questionId: "q", value: true };
      for (const conversationId of ["c", "single_1"]) {
        await store.claim(conversationId, one.user("hello"), request("a"));
        const { fence = 0 } = (await store.turns.acquire(conversationId, "turn_1", "a")) ?? {};
        await append(store, conversationId, answered, at(fence, 2));
        const send = (questionId: string) =>
          store.turns.send(conversationId, "turn_1", { type: "answer", questionId, value: false });
        expect([await send("q"), await send("other"), await send("other")]).toEqual([false, true, false]);
      }
    }));

  test("get mail for their turns, in order and once; mail for an ended turn is deleted", () =>
    withStore(async (store) => {
      await store.claim("c", one.user("hello"), request("a"));
      await store.claim("d", two.user("hello"), request("b"));
      await store.turns.send("c", "turn_1", { type: "answer", questionId: "q", value: true });
      await store.turns.send("c", "turn_1", { type: "cancel" });
      await store.turns.send("d", "turn_2", { type: "cancel" });
      const mail = await store.turns.receive("a");
      expect(mail.map((each) => each.mail.type)).toEqual(["answer", "cancel"]);
      expect(await store.turns.receive("a")).toEqual([]);
      const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
      await append(store, "c", one.end(), at(fence, 2));
      await store.turns.send("c", "turn_1", { type: "cancel" });
      expect(await store.turns.receive("a")).toEqual([]);
    }));
});
