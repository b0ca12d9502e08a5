import { expect, test } from "@jest/globals";
import type { KeptConnection } from "../../src/mcp/server/kept-connection.js";
import { ListRefresh } from "../../src/mcp/server/list-refresh.js";
import type { OfferedTools } from "../../src/mcp/server/offer.js";
import type { Condition } from "../../src/mcp/server/server-condition.js";

/** Begins to read the lists of a server again, and resolves once they are asked for. `fail` lets the server refuse. */
async function reading() {
  const closing = new AbortController();
  const logged: string[] = [];
  let fail: (error: Error) => void = () => {};
  let isAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const current = {
    lists: (signal: AbortSignal) =>
      new Promise((_, reject) => {
        fail = reject;
        signal.addEventListener("abort", () => reject(signal.reason));
        isAsked();
      }),
  };
  const refresh = new ListRefresh({
    kept: { current, closing: closing.signal } as unknown as KeptConnection,
    condition: { log: (_: string, message: string) => logged.push(message) } as unknown as Condition,
    offer: {} as OfferedTools,
    isPlayed: true,
  });
  refresh.changed();
  await asked;
  return { closing, logged, fail };
}

const settled = () => new Promise(setImmediate);

test("lists that a server refuses to send again are a warning", async () => {
  const { logged, fail } = await reading();
  fail(new Error("no"));
  await settled();
  expect(logged).toEqual(["the lists could not be read again: no"]);
});

test("lists that are being read when the host closes are no warning", async () => {
  const { logged, closing } = await reading();
  closing.abort(new Error("the host is closing"));
  await settled();
  expect(logged).toEqual([]);
});
