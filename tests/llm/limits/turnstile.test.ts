import { expect, test } from "@jest/globals";
import { Turnstile } from "../../../src/llm/limits/turnstile.js";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("so many pass at once, the others in the next turns of the event loop, in their order", async () => {
  const turnstile = new Turnstile(2);
  const passed: number[] = [];
  const pass = (number: number) => {
    const waiting = turnstile.pass();
    if (waiting) void waiting.then(() => passed.push(number));
    else passed.push(number);
  };
  for (const number of [1, 2, 3, 4, 5]) pass(number);
  expect(passed).toEqual([1, 2]);
  await turn();
  expect(passed).toEqual([1, 2, 3, 4]);
  await turn();
  pass(6);
  pass(7);
  expect(passed).toEqual([1, 2, 3, 4, 5, 6]);
  await turn();
  expect(passed).toEqual([1, 2, 3, 4, 5, 6, 7]);
  await turn();
  pass(8);
  expect(passed.at(-1)).toBe(8);
});
