import { expect, test } from "@jest/globals";
import { pulled } from "../../src/turn/outlet.js";

const end = { type: "turn_end", turnId: "t", stopReason: "end_turn" } as const;
const sent = (callId: string) => ({ type: "tool_sent", turnId: "t", callId }) as const;

test("a turn takes its next step when the event after the last one is asked for", async () => {
  const steps: string[] = [];
  const events = pulled(async (outlet) => {
    steps.push("begun");
    await outlet.store([sent("a"), sent("b")]);
    steps.push("sent");
    outlet.show({ type: "text_delta", delta: "x" });
    await outlet.store([end]);
    steps.push("ended");
  });
  expect(steps).toEqual([]);
  expect(await events.next()).toMatchObject({ value: sent("a") });
  expect(await events.next()).toMatchObject({ value: sent("b") });
  expect(steps).toEqual(["begun"]);
  expect(await events.next()).toMatchObject({ value: { delta: "x" } });
  expect(await events.next()).toMatchObject({ value: end });
  expect(steps).toEqual(["begun", "sent"]);
  expect(await events.next()).toEqual({ done: true, value: undefined });
  expect(steps).toEqual(["begun", "sent", "ended"]);
});

test("a turn whose events nobody asks for any more is cancelled, and goes no further", async () => {
  const steps: string[] = [];
  let signal: AbortSignal | undefined;
  for await (const event of pulled(async (outlet, left) => {
    signal = left;
    await outlet.store([sent("a")]);
    steps.push("sent");
  })) {
    expect(event).toEqual(sent("a"));
    break;
  }
  expect(signal?.aborted).toBe(true);
  expect(steps).toEqual([]);
});

test("the error of a turn is thrown to the reader of its events", async () => {
  const events = pulled(async () => {
    throw new Error("no");
  });
  await expect(events.next()).rejects.toThrow("no");
});
