import { expect, test } from "@jest/globals";
import type { KeptConnection } from "../../src/mcp/server/kept-connection.js";
import { ListRefresh } from "../../src/mcp/server/list-refresh.js";
import type { OfferedLists } from "../../src/mcp/server/offered-lists.js";
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
    offered: {} as OfferedLists,
    isInstant: true,
  });
  refresh.scheduleReread();
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

test("lists that are being read when the host closes cause no warning", async () => {
  const { logged, closing } = await reading();
  closing.abort(new Error("the host is closing"));
  await settled();
  expect(logged).toEqual([]);
});

test("the lists of a server that announces changes without a break are read ever more rarely, and soon again after a quiet time", async () => {
  let time = 0;
  let reads = 0;
  let most = 10;
  let enough = () => {};
  const pauses: number[] = [];
  const refresh = new ListRefresh({
    kept: {
      current: {
        lists: async () => {
          reads += 1;
          if (reads < most) refresh.scheduleReread();
          else enough();
        },
      },
      closing: new AbortController().signal,
    } as unknown as KeptConnection,
    condition: {} as Condition,
    offered: {} as OfferedLists,
    isInstant: false,
    now: () => time,
    pause: async (ms) => {
      time += ms;
      pauses.push(ms);
      for (let each = 0; each < 5; each++) refresh.scheduleReread();
    },
  });
  const ended = () =>
    new Promise<void>((resolve) => {
      enough = resolve;
    });
  refresh.scheduleReread();
  await ended();
  expect(pauses.splice(0)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
  await settled();
  most = 12;
  time += 20_001;
  refresh.scheduleReread();
  await ended();
  expect(pauses).toEqual([100, 200]);
});
