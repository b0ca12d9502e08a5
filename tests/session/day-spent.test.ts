import { expect, test } from "@jest/globals";
import { openStore } from "../../src/log/open.js";
import { DaySpent } from "../../src/session/shared/day-spent.js";
import { turn } from "../log/support.js";

test("the day begins at midnight of this host's time zone", async () => {
  let now = new Date(2026, 5, 1, 23, 59).getTime();
  const store = await openStore({ driver: "memory" }, { now: () => now, observe: () => {} });
  const day = new DaySpent(store, () => now);
  const answer = { ...turn("turn_1").answer("hi"), spent: { tokens: 3, usd: 0.25 } };
  await store.append("a", answer);
  expect(await day.read()).toEqual({ tokens: 3, usd: 0.25, unpriced: 0, estimated: 0 });
  now = new Date(2026, 5, 2).getTime();
  expect(await day.read()).toMatchObject({ tokens: 0 });
  await store.append("a", answer);
  expect(await day.read()).toMatchObject({ tokens: 3 });
  await store.close();
});
