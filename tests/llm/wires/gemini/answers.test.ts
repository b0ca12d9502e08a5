import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { LlmError } from "../../../../src/core/errors.js";
import {
  answer,
  breaking,
  calls,
  ending,
  failing,
  type StrictMock,
  says,
  startGemini,
  thinks,
} from "../../../support/strict/index.js";
import type { Script } from "../../../support/strict/script.js";
import { geminiClient, tools, user } from "./gemini-client.js";

type Step = Exclude<Extract<Script, readonly unknown[]>[number], (...given: never) => unknown>;

/** What is left of the script of the test that runs. One mock serves all tests of this file. */
let steps: Step[] = [];
let mock: StrictMock;

beforeAll(async () => {
  mock = await startGemini(() => steps.shift() ?? failing("not_found"));
});
afterAll(async () => mock[Symbol.asyncDispose]());

interface Asked {
  outcome: unknown;
  shown: string;
  requests: StrictMock["requests"];
  waits: (number | undefined)[];
}

/** One completion by that script: it, or the error that it ended with. */
async function ask(script: Step[], streaming: boolean, http: object = {}): Promise<Asked> {
  steps = [...script];
  const before = mock.requests.length;
  await using ends = geminiClient(mock, {}, {}, http);
  const outcome: unknown = await ends
    .ask({ streaming }, { messages: [user("hi")], tools })
    .catch((error: unknown) => (error instanceof LlmError ? error : Promise.reject(error)));
  expect(steps).toEqual([]);
  const retried = ends.observed.filter(({ message }) => message === "request failed, trying again");
  const waits = retried.map(({ fields }) => fields?.delayMs as number);
  return { outcome, shown: ends.shown(), requests: mock.requests.slice(before), waits };
}

const modes = [{ streaming: true }, { streaming: false }];
const stop = (content: string) => ({ finishReason: "stop", message: { content, toolCalls: [] } });

test.each(modes)("text and thoughts, streaming: $streaming", async ({ streaming }) => {
  const script = [answer(thinks("I think so."), says("The answer, in several pieces."))];
  const { outcome, shown, requests } = await ask(script, streaming);
  const [request] = requests;
  const method = streaming ? ":streamGenerateContent?alt=sse" : ":generateContent";
  expect(`${request?.url.pathname}${request?.url.search}`).toBe(`/v1beta/models/gemini-3.5-pro${method}`);
  expect(request?.headers["x-goog-api-key"]).toBe("key-of-gemini");
  expect(request?.headers.authorization).toBeUndefined();
  const { input, output, reasoning } = mock.hops.at(-1) ?? {};
  expect(reasoning).toBeGreaterThan(0);
  expect(outcome).toMatchObject({
    finishReason: "stop",
    message: { content: "The answer, in several pieces.", reasoning: "I think so.", toolCalls: [] },
    usage: { inputTokens: input, outputTokens: output, reasoningTokens: reasoning },
  });
  if (streaming) expect(shown).toBe("I think so.The answer, in several pieces.");
  // The signature of a text comes on a last, empty part, and stays there.
  expect(outcome).toMatchObject({
    message: { kept: { parts: [{ text: 30 }, { text: 0, extra: { thoughtSignature: expect.any(String) } }] } },
  });
});

test.each(modes)("four calls at once, of which the first is signed, streaming: $streaming", async ({ streaming }) => {
  const four = [1, 2, 3, 4].map((a) => calls("fs__add", { a }));
  const { outcome } = await ask([answer(thinks("hm"), says("Adding."), ...four)], streaming);
  const toolCalls = [1, 2, 3, 4].map((a) => ({ id: expect.any(String), name: "fs__add", arguments: `{"a":${a}}` }));
  const functionCall = { id: expect.any(String) };
  expect(outcome).toMatchObject({ finishReason: "tool_calls", message: { content: "Adding.", toolCalls } });
  expect(outcome).toHaveProperty("message.kept.parts", [
    { text: 7 },
    { call: 0, extra: { functionCall, thoughtSignature: expect.any(String) } },
    { call: 1, extra: { functionCall } },
    { call: 2, extra: { functionCall } },
    { call: 3, extra: { functionCall } },
  ]);
});

test.each(
  modes.flatMap(({ streaming }) => [
    { streaming, end: "length" as const, reason: "length" },
    { streaming, end: "content_filter" as const, reason: "content_filter" },
    { streaming, end: "refusal" as const, reason: "content_filter" },
  ]),
)("an answer that ends by $end, streaming: $streaming", async ({ streaming, end, reason }) => {
  const { outcome } = await ask([ending(end, "As far as")], streaming);
  expect(outcome).toMatchObject({ finishReason: reason, message: { content: "As far as" } });
});

test.each(
  modes.flatMap(({ streaming }) => [
    { streaming, end: "malformed_call" as const, kind: "tool_generation_failed" },
    { streaming, end: "empty" as const, kind: "empty_stream" },
  ]),
)("no answer ($end) is asked for once more, and no third time, streaming: $streaming", async (given) => {
  const { streaming, end, kind } = given;
  expect((await ask([ending(end), answer("Now it works.")], streaming)).outcome).toMatchObject(stop("Now it works."));
  const { outcome, requests } = await ask([ending(end), ending(end)], streaming);
  expect(outcome).toMatchObject({ kind, attempts: 2 });
  expect(requests).toHaveLength(2);
});

test.each(modes)("thoughts without an answer are none, streaming: $streaming", async ({ streaming }) => {
  const script = [{ ...answer(thinks("hm")), end: "stop" as never }, answer("Done.")];
  // What was shown of a stream is not voided here, so that the turn fails.
  const { outcome } = await ask(streaming ? script.slice(0, 1) : script, streaming);
  expect(outcome).toMatchObject(streaming ? { kind: "stream_interrupted" } : stop("Done."));
});

test.each(modes)("a refused key is no bad request, streaming: $streaming", async ({ streaming }) => {
  await using closed = await startGemini([], { keys: { other: "a" } });
  await using ends = geminiClient(closed);
  expect(await ends.fails({ streaming })).toMatchObject({ kind: "auth", status: 400, attempts: 1 });
});

test.each([
  { fails: "rate_limit" as const, retryAfter: { body: "0.04s" }, least: 40 },
  { fails: "rate_limit" as const, retryAfter: { milliseconds: 30 }, least: 30 },
  { fails: "overloaded" as const, retryAfter: { body: "0.05s" }, least: 50 },
  { fails: "overloaded" as const, retryAfter: undefined, least: 0 },
  { fails: "server" as const, retryAfter: undefined, least: 0 },
  { fails: "timeout" as const, retryAfter: undefined, least: 0 },
])("$fails, with the delay $retryAfter in its details", async ({ fails, retryAfter, least }) => {
  const script = [failing(fails, { retryAfter }), answer("After all.")];
  const { outcome, waits } = await ask(script, true);
  expect(outcome).toMatchObject({ ...stop("After all."), attempts: 2 });
  expect(waits).toHaveLength(1);
  expect(waits[0]).toBeGreaterThanOrEqual(least);
});

test("what is not asked for again: a quota of a day, a longer delay than allowed, no right, an unknown model", async () => {
  const kinds = async (...failure: Parameters<typeof failing>) => {
    const { outcome } = await ask([failing(...failure)], true);
    const { kind, retryAfterMs } = outcome as LlmError;
    return retryAfterMs === undefined ? [kind] : [kind, retryAfterMs];
  };
  expect(await kinds("quota", { retryAfter: { seconds: 2 } })).toEqual(["quota", 2000]);
  expect(await kinds("rate_limit", { retryAfter: { seconds: 3600 } })).toEqual(["rate_limit", 3_600_000]);
  expect(await kinds("forbidden")).toEqual(["auth"]);
  expect(await kinds("billing")).toEqual(["auth"]);
  expect(await kinds("not_found")).toEqual(["model_gone"]);
  expect(await kinds("context_overflow")).toEqual(["context_length"]);
  expect(await kinds("too_large")).toEqual(["context_length"]);
});

test("a stream that breaks before anything was shown is asked for again", async () => {
  const said = [thinks("hm"), says("Said.")];
  for (const how of ["cut", "reset", "error"] as const) {
    const script = [breaking({ how, at: "start" }, ...said), answer("Again.")];
    expect((await ask(script, true)).outcome).toMatchObject({ ...stop("Again."), attempts: 2 });
  }
});

test.each([
  ["cut", "after_text"],
  ["cut", "before_end"],
  ["reset", "after_text"],
  ["error", "after_text"],
  ["error", "in_call"],
] as const)("a stream that breaks (%s, %s) fails once something was shown", async (how, at) => {
  const parts = [says("Something in pieces."), ...(at === "in_call" ? [calls("fs__add", { a: 1 })] : [])];
  const { outcome, shown } = await ask([breaking({ how, at }, ...parts)], true);
  expect(outcome).toMatchObject({ kind: "stream_interrupted", retryable: true });
  expect(shown).toContain("Somethin");
});

test.each([
  ["before_text", "ttft_timeout"],
  ["after_text", "idle_timeout"],
] as const)("a stream that stands still (%s) is given up (%s)", async (at, kind) => {
  const script = [breaking({ how: "stall", at }, says("Something in pieces."))];
  const { outcome } = await ask(script, true, { ttftTimeoutMs: 60, idleTimeoutMs: 60, maxRetries: 0 });
  expect(outcome).toMatchObject({ kind });
});

test("a whole answer that is cut is asked for again", async () => {
  const script = [breaking({ how: "cut", at: "after_text" }, says("Something.")), answer("Again.")];
  expect((await ask(script, false)).outcome).toMatchObject({ ...stop("Again."), attempts: 2 });
});
