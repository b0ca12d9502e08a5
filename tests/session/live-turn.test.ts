import { describe, expect, test } from "@jest/globals";
import type { TurnEvent } from "../../src/core/events.js";
import { LiveTurn } from "../../src/session/turns/live-turn.js";
import { collect } from "../support/app.js";

const text = (delta: string): TurnEvent => ({ type: "text_delta", delta });
const progress = (callId: string, at: number): TurnEvent => ({ type: "tool_progress", callId, progress: at });

describe("a turn that nobody watches", () => {
  test("keeps all its text, in a bounded number of pieces for each stretch of it", async () => {
    const turn = new LiveTurn({ requestId: "r1" }, []);
    const said: string[] = [];
    const say = (times: number, type: "text_delta" | "reasoning_delta") => {
      for (let n = 0; n < times; n++) {
        said.push(`${type} ${n}, `);
        turn.publish({ type, delta: said.at(-1) ?? "" });
      }
    };
    say(10_000, "reasoning_delta");
    say(10_000, "text_delta");
    turn.end();
    const events = await collect(turn.watch());
    expect(events.length).toBeLessThan(200);
    expect(events.map((event) => ("delta" in event ? event.delta : "")).join("")).toBe(said.join(""));
    expect(events.at(-1)?.type).toBe("text_delta");
  });

  test("keeps the last progress of a call with much progress", async () => {
    const turn = new LiveTurn({ requestId: "r1" }, []);
    for (let n = 1; n <= 5000; n++) turn.publish(progress("one", n));
    turn.publish(progress("two", 1));
    turn.publish(progress("one", 5001));
    turn.end();
    const events = await collect(turn.watch());
    expect(events.length).toBeLessThan(200);
    expect(events.slice(-3)).toEqual([progress("one", 5000), progress("two", 1), progress("one", 5001)]);
  });
});

test("a watcher that keeps up with a turn gets every piece, and so do listeners", async () => {
  const told: TurnEvent[] = [];
  const turn = new LiveTurn({ requestId: "r1" }, [], (event) => void told.push(event));
  const seen: TurnEvent[] = [];
  const watching = (async () => {
    for await (const event of turn.watch()) seen.push(event);
  })();
  const pieces = Array.from({ length: 1000 }, (_, n) => text(`${n} `));
  for (const piece of pieces) {
    turn.publish(piece);
    while (seen.length < told.length) await Promise.resolve();
  }
  turn.end();
  await watching;
  expect(seen).toEqual(pieces);
  expect(told).toEqual(pieces);
});
