import { expect, test } from "@jest/globals";
import { openStore } from "../../src/log/open.js";
import { DaySpent } from "../../src/session/shared/day-spent.js";
import { runTurn, turn } from "../log/support.js";

test("the day begins at midnight of this host's time zone", async () => {
  let now = new Date(2026, 5, 1, 23, 59).getTime();
  const store = await openStore({ driver: "memory" }, { now: () => now, observe: () => {} });
  const day = new DaySpent(store, () => now);
  const answered = (turnId: string) => [{ ...turn(turnId).answer("hi"), spent: { tokens: 3, usd: 0.25 } }];
  await runTurn(store, "a", answered("turn_1"));
  expect(await day.read()).toEqual({ tokens: 3, usd: 0.25, unpriced: 0, estimated: 0 });
  now = new Date(2026, 5, 2).getTime();
  expect(await day.read()).toMatchObject({ tokens: 0 });
  await runTurn(store, "b", answered("turn_2"));
  expect(await day.read()).toMatchObject({ tokens: 3 });
  await store.close();
});

test("the cost of calls while the clock was ahead counts on that later day only", async () => {
  const [today, ahead] = [new Date(2026, 5, 1, 12), new Date(2027, 6, 6, 12)];
  let now = ahead.getTime();
  const store = await openStore({ driver: "memory" }, { now: () => now, observe: () => {} });
  const day = new DaySpent(store, () => now);
  await runTurn(store, "a", [{ ...turn("turn_1").answer("hi"), spent: { tokens: 3, usd: 0.25 } }]);
  for (const [date, tokens] of [
    [today, 0],
    [new Date(2027, 6, 5, 23, 59), 0],
    [ahead, 3],
    [new Date(2027, 6, 7), 0],
  ] as const) {
    now = date.getTime();
    expect(await day.read()).toMatchObject({ tokens });
  }
  await store.close();
});
