import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { DeltaRelay } from "../../../src/cluster/live/delta-relay.js";
import type { BusMessage, LiveBus } from "../../../src/core/chat-store.js";
import type { TurnEvent } from "../../../src/core/events.js";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A bus within this process. It delivers at once and without loss, unless a test changes that. */
class Wire {
  readonly sent: BusMessage[] = [];
  isHeld = false;
  isLosing = false;
  readonly #receivers = new Map<string, Set<(text: string) => void>>();
  readonly #begins = new Set<() => void>();
  #held: (() => void)[] = [];

  bus(maxBytes = 8000): LiveBus {
    return {
      maxBytes,
      send: async (messages) => {
        if (this.isHeld) await new Promise<void>((resolve) => this.#held.push(resolve));
        for (const message of this.isLosing ? [] : messages) {
          this.sent.push(message);
          for (const receive of this.#receivers.get(message.channel) ?? []) receive(message.text);
        }
      },
      receive: (channel, onMessage, onBegin) => {
        const all = this.#receivers.get(channel) ?? new Set();
        this.#receivers.set(channel, all.add(onMessage));
        this.#begins.add(onBegin);
        onBegin();
        return () => void all.delete(onMessage);
      },
    };
  }

  release(): void {
    this.isHeld = false;
    for (const resolve of this.#held.splice(0)) resolve();
  }

  /** Calls the listeners as after a lost connection. */
  beginAnew(): void {
    for (const begin of this.#begins) begin();
  }
}

function nodes(wire: Wire, ...ids: string[]): DeltaRelay[] {
  return ids.map((nodeId) => new DeltaRelay({ bus: wire.bus(), nodeId }));
}

const text = (delta: string): TurnEvent => ({ type: "text_delta", delta });
const place = { turnId: "t1", after: 1, fence: 1, attempt: 0 };
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe("a turn that nobody else follows", () => {
  test("is sent to no process", async () => {
    const wire = new Wire();
    const [owner, other] = nodes(wire, "a", "b");
    other?.follow("another conversation", () => {});
    owner?.begin("c", place);
    await pass(100);
    const before = wire.sent.length;
    for (let n = 0; n < 1000; n++) owner?.note("c", text("word "));
    await pass(1000);
    expect(wire.sent.length).toBe(before);
  });
});

describe("a turn that another process follows", () => {
  test("is sent as one message per window of 40 ms", async () => {
    const wire = new Wire();
    const [owner, other] = nodes(wire, "a", "b");
    const followed = other?.follow("c", () => {});
    await pass(100);
    owner?.begin("c", place);
    await pass(100);
    const before = wire.sent.length;
    for (let n = 0; n < 100; n++) {
      owner?.note("c", text(`${n} `));
      await pass(20);
    }
    await pass(40);
    const expected = Array.from({ length: 100 }, (_, n) => `${n} `).join("");
    expect(followed?.feed.open?.text).toBe(expected);
    expect(wire.sent.length - before).toBeLessThanOrEqual(52); // 2,040 ms, and the repeated watch
    expect(wire.sent.length - before).toBeGreaterThan(40);
  });

  test("is sent from its beginning to a process that starts to follow in the middle", async () => {
    const wire = new Wire();
    const [owner, other] = nodes(wire, "a", "b");
    owner?.begin("c", place);
    owner?.note("c", text("what was said "));
    await pass(1000);
    const followed = other?.follow("c", () => {});
    await pass(100);
    expect(followed?.feed.open?.text).toBe("what was said ");
    owner?.note("c", text("and what is said"));
    await pass(100);
    expect(followed?.feed.open?.text).toBe("what was said and what is said");
  });

  test("reaches a process that started after the others had announced whom they follow", async () => {
    const wire = new Wire();
    const [other] = nodes(wire, "b");
    const followed = other?.follow("c", () => {});
    await pass(1000);
    const [owner] = nodes(wire, "a");
    owner?.begin("c", place);
    owner?.note("c", text("hello"));
    await pass(100);
    expect(followed?.feed.open?.text).toBe("hello");
  });

  test("is no longer sent once its follower leaves or falls silent", async () => {
    const wire = new Wire();
    const [owner, other, third] = nodes(wire, "a", "b", "d");
    const followed = other?.follow("c", () => {});
    third?.follow("c", () => {});
    owner?.begin("c", place);
    await pass(100);
    followed?.leave();
    third?.close(); // like a process that was killed
    await pass(16_000);
    const before = wire.sent.length;
    owner?.note("c", text("hello"));
    await pass(1000);
    expect(wire.sent.length).toBe(before);
  });

  test("is still sent to its follower when the clock of the machine is set", async () => {
    const wire = new Wire();
    const [owner, other] = nodes(wire, "a", "b");
    const followed = other?.follow("c", () => {});
    owner?.begin("c", place);
    await pass(100);
    for (const hours of [1, -2]) {
      jest.setSystemTime(Date.now() + hours * 3_600_000);
      owner?.note("c", text(`${hours} `));
      await pass(100);
    }
    expect(followed?.feed.open?.text).toBe("1 -2 ");
  });

  test("is sent in fewer, longer messages while the bus is slow, and does not wait for the bus", async () => {
    const wire = new Wire();
    const [owner, other] = nodes(wire, "a", "b");
    const followed = other?.follow("c", () => {});
    owner?.begin("c", place);
    await pass(100);
    owner?.note("c", text("first "));
    wire.isHeld = true;
    await pass(1);
    for (let n = 0; n < 1000; n++) {
      owner?.note("c", text("word "));
      await pass(5);
    }
    const before = wire.sent.length;
    wire.release();
    await pass(100);
    expect(followed?.feed.open?.text).toBe(`first ${"word ".repeat(1000)}`);
    expect(wire.sent.length - before).toBeLessThan(6);
  });

  test("is sent again from the first missing piece after a connection was lost", async () => {
    const wire = new Wire();
    const [owner, other] = nodes(wire, "a", "b");
    const followed = other?.follow("c", () => {});
    owner?.begin("c", place);
    await pass(100);
    owner?.note("c", text("said, "));
    await pass(100);
    wire.isLosing = true;
    owner?.note("c", text("missed, "));
    await pass(100);
    wire.isLosing = false;
    wire.beginAnew();
    await pass(100);
    owner?.note("c", text("said again"));
    await pass(100);
    expect(followed?.feed.open?.text).toBe("said, missed, said again");
  });
});

test("progress and server states are relayed too, the latest one of each tool call", async () => {
  const wire = new Wire();
  const [owner, other] = nodes(wire, "a", "b");
  const followed = other?.follow("c", () => {});
  owner?.begin("c", place);
  await pass(100);
  const before = wire.sent.length;
  for (let n = 1; n <= 500; n++) owner?.note("c", { type: "tool_progress", callId: "call_1", progress: n });
  owner?.note("c", { type: "server_status", server: "s", state: "failed", reason: "gone" });
  owner?.note("c", { type: "tool_progress", callId: "call_2", progress: 1, message: "x".repeat(10_000) }); // too large for any message
  await pass(100);
  expect(followed?.feed.open?.noticesAfter(0).map(({ notice }) => notice)).toEqual([
    { type: "tool_progress", callId: "call_1", progress: 500 },
    { type: "server_status", server: "s", state: "failed", reason: "gone" },
  ]);
  expect(wire.sent.length - before).toBe(1);
});

test("no message is longer than the bus allows, counted in UTF-8 bytes, and many conversations share one message", async () => {
  const wire = new Wire();
  const maxBytes = 1000;
  const owner = new DeltaRelay({ bus: wire.bus(maxBytes), nodeId: "a" });
  const other = new DeltaRelay({ bus: wire.bus(maxBytes), nodeId: "b" });
  const long = '日本語🙂\u0000"é'.repeat(15_000);
  const followed = Array.from({ length: 20 }, (_, n) => other.follow(`c${n}`, () => {}));
  for (let n = 0; n < 20; n++) owner.begin(`c${n}`, place);
  await pass(100);
  const before = wire.sent.length;
  for (let n = 0; n < 20; n++) owner.note(`c${n}`, text("short"));
  await pass(100);
  expect(wire.sent.length - before).toBeLessThan(6);
  owner.note("c7", text(long));
  await pass(1000);
  expect(followed[7]?.feed.open?.text).toBe(`short${long}`);
  for (const message of wire.sent) expect(Buffer.byteLength(message.text)).toBeLessThanOrEqual(maxBytes);
});

test("a message of another version is skipped", async () => {
  const wire = new Wire();
  const [owner, other] = nodes(wire, "a", "b");
  const followed = other?.follow("c", () => {});
  owner?.begin("c", place);
  const bus = wire.bus();
  const frame = JSON.stringify([{ conversationId: "c", ...place, text: [0, "another"] }]);
  for (const channel of ["live", "live b"]) {
    for (const text of ["", "{", "1", "1null", "1{}", "1[", frame, `2${frame}`]) await bus.send([{ channel, text }]);
  }
  owner?.note("c", text("hello"));
  await pass(100);
  expect(followed?.feed.open?.text).toBe("hello");
});
