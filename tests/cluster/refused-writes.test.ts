import { getEventListeners } from "node:events";
import { beforeEach, describe, expect, jest, test } from "@jest/globals";
import { RefusedWrites } from "../../src/cluster/refused-writes.js";
import { StoreError } from "../../src/core/errors.js";

const locked = new StoreError("locked", "locked");

test("many writes that wait need one listener for the end of the host, and end with the host", async () => {
  const host = new AbortController();
  const writes = new RefusedWrites({ leaseMs: 10_000, report: () => {}, ended: host.signal });
  const refused = async () => {
    throw locked;
  };
  const waiting = Array.from({ length: 20 }, () => writes.retry(refused, () => true));
  await new Promise(setImmediate);
  expect(getEventListeners(host.signal, "abort")).toHaveLength(1);
  host.abort();
  const ends = await Promise.allSettled(waiting);
  expect(ends).toEqual(Array.from(ends, () => ({ status: "rejected", reason: locked })));
});

describe("a write that its turn does not depend on", () => {
  const refusedWrites = () => new RefusedWrites({ leaseMs: 10_000, report, ended: new AbortController().signal });
  const report = (error: StoreError) => expect(error).toBe("not reported");
  const refused = jest.fn(async () => Promise.reject(locked));
  beforeEach(() => {
    refused.mockClear();
  });

  test("is given up after a heartbeat that the log accepts, and the log then has no problem", async () => {
    const writes = refusedWrites();
    const result = writes.retry(refused, () => true, new AbortController().signal);
    await new Promise(setImmediate);
    expect(writes.error).toBeUndefined();
    writes.beat();
    await expect(result).rejects.toBe(locked);
    expect(refused).toHaveBeenCalledTimes(2);
    expect(writes.error).toBeUndefined();
  });

  test("is repeated while the log also refuses heartbeats", async () => {
    const writes = refusedWrites();
    let isLocked = true;
    const write = async () => (isLocked ? Promise.reject(locked) : "stored");
    const result = writes.retry(write, () => true, new AbortController().signal);
    for (let beats = 0; beats < 3; beats++) {
      await new Promise(setImmediate);
      writes.beat(locked);
    }
    await new Promise(setImmediate);
    isLocked = false;
    writes.beat();
    await expect(result).resolves.toBe("stored");
  });

  test("is given up at once when its turn is stopped", async () => {
    const writes = refusedWrites();
    writes.beat(locked);
    const stop = new AbortController();
    const result = writes.retry(refused, () => true, stop.signal);
    await new Promise(setImmediate);
    stop.abort();
    await expect(result).rejects.toBe(locked);
    expect(refused).toHaveBeenCalledTimes(1);
  });
});
