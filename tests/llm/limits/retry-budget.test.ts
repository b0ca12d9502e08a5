import { expect, test } from "@jest/globals";
import { RetryBudget } from "../../../src/llm/limits/retry-budget.js";

/** Returns how many times the budget can pay the cost. */
function drain(budget: RetryBudget, cost: number): number {
  let taken = 0;
  while (budget.take(cost)) taken++;
  return taken;
}

test("a lone call has ten retries, or half as many if the attempts may have been billed", () => {
  expect(drain(new RetryBudget(() => 0), 5)).toBe(10);
  expect(drain(new RetryBudget(() => 0), 10)).toBe(5);
});

test("the budget grows with the most calls that were in flight together", () => {
  const budget = new RetryBudget(() => 0);
  const crowd = () => {
    for (let count = 0; count < 1000; count++) budget.enter();
    for (let count = 0; count < 1000; count++) budget.leave();
  };
  crowd();
  expect(drain(budget, 5)).toBe(1000);
  crowd();
  expect(drain(budget, 5)).toBe(0);
});

test("successes and time fill the budget, up to its maximum", () => {
  let now = 0;
  const budget = new RetryBudget(() => now);
  drain(budget, 5);
  for (let count = 0; count < 10; count++) budget.succeeded();
  expect(drain(budget, 5)).toBe(2);
  now += 5000;
  expect(drain(budget, 5)).toBe(1);
  now += 3_600_000;
  expect(drain(budget, 5)).toBe(10);
});

test("a retry that the budget cannot pay leaves the rest of the budget", () => {
  const budget = new RetryBudget(() => 0);
  for (let count = 0; count < 9; count++) budget.take(5);
  expect([budget.take(10), budget.take(5)]).toEqual([false, true]);
});

test("the budget says whether more than half is left", () => {
  const budget = new RetryBudget(() => 0);
  const halves = Array.from({ length: 6 }, () => {
    budget.take(5);
    return budget.isAboveHalf;
  });
  expect(halves).toEqual([true, true, true, true, false, false]);
});
