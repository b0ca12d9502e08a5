import { getEventListeners } from "node:events";
import { expect, test } from "@jest/globals";
import { RefusedWrites } from "../../src/cluster/refused-writes.js";
import { StoreError } from "../../src/core/errors.js";

const locked = new StoreError("locked", "locked");

test("many writes that wait need one listener for the end of the host, and end with it", async () => {
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
