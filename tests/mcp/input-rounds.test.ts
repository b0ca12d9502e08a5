import { expect, test } from "@jest/globals";
import { answersTo } from "../../src/mcp/protocol/input-rounds.js";

test("a hundred questions in one result are answered, and of more none is", async () => {
  let answered = 0;
  const answer = async () => ({ count: ++answered });
  const questions = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, { method: "roots/list" }]));
  const { signal } = new AbortController();
  await expect(answersTo(questions(101), answer, signal)).rejects.toThrow("asks 101 questions at once");
  expect(answered).toBe(0);
  expect(await answersTo(questions(100), answer, signal)).toMatchObject({ k0: { count: 1 }, k99: { count: 100 } });
});
