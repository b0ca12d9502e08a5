import { expect, test } from "@jest/globals";
import { boundedBody } from "../../src/doors/mcp/http.js";
import { SessionEvents, StreamEvents } from "../../src/doors/mcp/stream-events.js";

const note = (text: string) => ({ jsonrpc: "2.0" as const, method: "notifications/message", params: { text } });

test("a stream that nobody reads is cut before it fills the memory, and its source is notified", async () => {
  let isCancelled = false;
  let written = 0;
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      written += 1024 * 1024;
      controller.enqueue(new Uint8Array(1024 * 1024));
    },
    cancel: () => {
      isCancelled = true;
    },
  });
  let body: ReadableStream<Uint8Array> | undefined;
  await new Promise<void>((ended) => {
    body = boundedBody(source, ended);
  });
  expect(isCancelled).toBe(true);
  expect(written).toBeLessThan(8 * 1024 * 1024);
  let read = 0;
  for await (const piece of body ?? []) read += piece.length;
  expect(read).toBe(4 * 1024 * 1024);
});

test("events are kept for their own session, the newest ones, until it ends", async () => {
  const all = new StreamEvents(1000);
  const [one, other] = [new SessionEvents(all), new SessionEvents(all)];
  const ids: string[] = [];
  for (let times = 0; times < 6; times++) ids.push(await one.storeEvent("a", note("x".repeat(100))));
  expect(one.since(ids[0] ?? "")).toBeUndefined();
  expect(one.since(ids.at(-2) ?? "")?.events.map(([id]) => id)).toEqual(ids.slice(-1));
  expect(other.since(ids.at(-2) ?? "")).toBeUndefined();
  one.forget();
  expect(one.since(ids.at(-2) ?? "")).toBeUndefined();
  const id = await other.storeEvent("b", note("y"));
  const last = await other.storeEvent("b", note("z"));
  await other.storeEvent("c", note("of another stream"));
  expect(other.since(id)?.events.map(([each]) => each)).toEqual([last]);
});

test("events that come during a replay are replayed too", async () => {
  const events = new SessionEvents(new StreamEvents(10_000));
  const first = await events.storeEvent("a", note("1"));
  await events.storeEvent("a", note("2"));
  const sent: unknown[] = [];
  const send = async (_id: string, message: object) => {
    if (sent.length < 2) await events.storeEvent("a", note(`late ${sent.length}`));
    sent.push((message as ReturnType<typeof note>).params.text);
  };
  expect(await events.replayEventsAfter(first, { send })).toBe("a");
  expect(sent).toEqual(["2", "late 0", "late 1"]);
});

test("the unanswered requests of all sessions share a limit; an answer or the end of a session makes room", async () => {
  const all = new StreamEvents(1000);
  const [one, other] = [new SessionEvents(all), new SessionEvents(all)];
  const part = 20 * 1024 * 1024;
  expect([one.asked([1, 2, 3], 2 * part), other.asked([1], part), other.asked([2], part)]).toEqual([true, true, false]);
  expect([one, other].map((session) => session.isUnanswered(2))).toEqual([true, false]);
  await one.storeEvent("a", { jsonrpc: "2.0", id: 2, result: {} });
  expect([other.asked([2], part), other.asked([3], part)]).toEqual([false, false]);
  one.forget();
  expect(other.asked([2], 2 * part)).toBe(true);
  other.forget();
  expect(other.asked([1], 9 * part)).toBe(true);
});
