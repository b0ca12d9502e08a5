import { expect, test } from "@jest/globals";
import { McpError } from "../../src/core/errors.js";
import type { JsonObject } from "../../src/core/json.js";
import { answersTo, inRounds } from "../../src/mcp/protocol/input-rounds.js";
import { RpcRefusal } from "../../src/mcp/shared/request-failures.js";

const { signal } = new AbortController();
const roots = { method: "roots/list" };
const questions = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, roots]));

test("up to a hundred questions in one result are answered, one after another", async () => {
  let answered = 0;
  let running = 0;
  const answer = async () => {
    expect(++running).toBe(1);
    await Promise.resolve();
    running--;
    return { count: ++answered };
  };
  await expect(answersTo(questions(101), answer, signal)).rejects.toThrow("asks 101 questions at once");
  expect(answered).toBe(0);
  expect(await answersTo(questions(100), answer, signal)).toMatchObject({ k0: { count: 1 }, k99: { count: 100 } });
});

test("a question without a method or parameters is passed on as an empty one", async () => {
  const asked: unknown[] = [];
  const answer = async (method: string, params: JsonObject) => {
    asked.push([method, params]);
    return {};
  };
  await answersTo({ a: null, b: { method: 1, params: [] }, c: { method: "m", params: { x: 1 } } }, answer, signal);
  expect(asked).toEqual([
    ["", {}],
    ["", {}],
    ["m", { x: 1 }],
  ]);
  expect(await answersTo("no questions", answer, signal)).toEqual({});
});

test("a refused question fails the request, and so does any other error", async () => {
  const failing = (error: Error) => answersTo(questions(1), () => Promise.reject(error), signal);
  const refused = failing(new RpcRefusal(-1, "not allowed"));
  await expect(refused).rejects.toBeInstanceOf(McpError);
  await expect(refused).rejects.toMatchObject({ kind: "protocol", message: "not allowed" });
  const cancelled = new Error("cancelled");
  await expect(failing(cancelled)).rejects.toBe(cancelled);
});

/** Runs a request whose server gives these results in turn. Returns what the server received. */
async function run(results: readonly JsonObject[], during = signal): Promise<{ sent: JsonObject[]; end: unknown }> {
  const sent: JsonObject[] = [];
  const send = async (params: JsonObject) => results[sent.push(params) - 1] ?? {};
  const end = await inRounds({ name: "t" }, send, async () => ({ roots: [] }), during).catch((error: unknown) => error);
  return { sent, end };
}

const asking = { resultType: "input_required", inputRequests: questions(1) };
const done = { resultType: "complete", ttlMs: 1000 };

test("a result that needs no input is returned as it is", async () => {
  expect(await run([done])).toEqual({ sent: [{ name: "t" }], end: done });
});

test("the request is sent again with its answers and its server's state, and its result is not cached", async () => {
  const { sent, end } = await run([{ ...asking, requestState: "s1" }, asking, done]);
  const inputResponses = { k0: { roots: [] } };
  expect(sent).toEqual([
    { name: "t" },
    { name: "t", inputResponses, requestState: "s1" },
    { name: "t", inputResponses },
  ]);
  expect(end).toEqual({ ...done, ttlMs: 0 });
});

test("ten rounds are answered, but not more", async () => {
  expect((await run([...Array<JsonObject>(10).fill(asking), done])).end).toEqual({ ...done, ttlMs: 0 });
  const { sent, end } = await run([...Array<JsonObject>(11).fill(asking), done]);
  expect(sent).toHaveLength(11);
  expect(end).toMatchObject({ kind: "protocol", message: "the server still asks after 10 rounds" });
});

test("a server that wants the request again without a question gets it after a pause, which a cancellation ends", async () => {
  const ending = new AbortController();
  setImmediate(() => ending.abort());
  const { sent, end } = await run([{ resultType: "input_required" }], ending.signal);
  expect(sent).toHaveLength(1);
  expect(end).toMatchObject({ name: "AbortError" });
  expect((await run([{ resultType: "input_required", requestState: "s" }, done])).sent).toEqual([
    { name: "t" },
    { name: "t", requestState: "s" },
  ]);
});
