import { expect, test } from "@jest/globals";
import { Backoff } from "../../src/mcp/server/connection-loss.js";

test("pauses double from half a second to a minute, and stay there", () => {
  const backoff = new Backoff();
  const pauses = Array.from({ length: 10 }, () => backoff.nextPauseMs());
  expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test("a connection that held for long makes the next pause a first one; a short one does not", () => {
  const backoff = new Backoff();
  backoff.nextPauseMs();
  backoff.held(30_000);
  expect(backoff.nextPauseMs()).toBe(1000);
  backoff.held(30_001);
  expect(backoff.nextPauseMs()).toBe(500);
});
