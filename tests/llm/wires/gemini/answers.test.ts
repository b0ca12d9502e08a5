import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { LlmError } from "../../../../src/core/errors.js";
import {
  answer,
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

/** The remaining steps of the current test. One mock serves all tests of this file. */
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
}

/** Runs one completion with that script. Resolves to the completion, or to the error that it ended with. */
async function ask(script: Step[], streaming: boolean): Promise<Asked> {
  steps = [...script];
  const before = mock.requests.length;
  await using ends = geminiClient(mock);
  const outcome: unknown = await ends
    .ask({ streaming }, { messages: [user("hi")], tools })
    .catch((error: unknown) => (error instanceof LlmError ? error : Promise.reject(error)));
  expect(steps).toEqual([]);
  return { outcome, shown: ends.shown(), requests: mock.requests.slice(before) };
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
  // The signature of a text comes in a last, empty part and is kept there.
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
    { streaming, end: "malformed_call" as const, kind: "tool_generation_failed" },
    { streaming, end: "empty" as const, kind: "empty_stream" },
  ]),
)("no answer ($end) is asked for once more, but not a third time, streaming: $streaming", async (given) => {
  const { streaming, end, kind } = given;
  expect((await ask([ending(end), answer("Now it works.")], streaming)).outcome).toMatchObject(stop("Now it works."));
  const { outcome, requests } = await ask([ending(end), ending(end)], streaming);
  expect(outcome).toMatchObject({ kind, attempts: 2 });
  expect(requests).toHaveLength(2);
});

test.each(modes)("thoughts without text do not count as an answer, streaming: $streaming", async ({ streaming }) => {
  const script = [{ ...answer(thinks("hm")), end: "stop" as never }, answer("Done.")];
  // Text of a stream that was already shown is not discarded here, so the turn fails.
  const { outcome } = await ask(streaming ? script.slice(0, 1) : script, streaming);
  expect(outcome).toMatchObject(streaming ? { kind: "stream_interrupted" } : stop("Done."));
});

test.each(modes)(
  "a refused key is an error of kind auth, not bad_request, streaming: $streaming",
  async ({ streaming }) => {
    await using closed = await startGemini([], { keys: { other: "a" } });
    await using ends = geminiClient(closed);
    expect(await ends.fails({ streaming })).toMatchObject({ kind: "auth", status: 400, attempts: 1 });
  },
);
