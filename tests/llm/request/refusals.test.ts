import { describe, expect, test } from "@jest/globals";
import type { LlmErrorKind } from "../../../src/core/errors.js";
import { answer, failure, type Step, startLlmServer, stream } from "../../support/llm-server.js";
import { clientOf } from "../client-of.js";

/** The reference's classes of refusals over a real socket, each as an HTTP status and inside a 200. */

const quota = "You exceeded your current quota, please check your plan and billing details.";
const perDay = { violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }] };
const retryInfo = (retryDelay: string) => ({ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay });

const final: [string, number, object, LlmErrorKind][] = [
  ["no money, OpenAI", 429, { message: quota, code: "insufficient_quota" }, "quota"],
  ["no money, Anthropic", 400, { message: "Your credit balance is too low to access the API." }, "quota"],
  ["no money, OpenRouter", 402, { message: "This request requires more credits", code: 402 }, "quota"],
  ["no more today, Gemini", 429, { code: 429, message: quota, details: [perDay, retryInfo("30s")] }, "quota"],
  ["wrong key", 401, { message: "Incorrect API key provided", code: "invalid_api_key" }, "auth"],
  ["not allowed", 403, { message: "Your organization must be verified", code: "permission_denied" }, "auth"],
  ["no such model", 404, { message: "The model `m1` does not exist", code: "model_not_found" }, "model_gone"],
  ["a model that was retired", 410, { message: "This model has been retired" }, "model_gone"],
  ["filtered", 400, { code: "content_filter", innererror: { code: "ResponsibleAIPolicyViolation" } }, "content_filter"],
  [
    "too long, OpenAI",
    400,
    { message: "maximum context length is 8192 tokens", code: "context_length_exceeded" },
    "context_length",
  ],
  ["too long, llama.cpp", 400, { code: 400, type: "exceed_context_size_error", message: "too big" }, "context_length"],
  [
    "too long, other words",
    400,
    { message: "Input tokens exceed the configured limit of 4096 tokens." },
    "context_length",
  ],
  [
    "too long, TensorRT",
    500,
    { message: "Prompt length (9000) exceeds maximum input length (8192)" },
    "context_length",
  ],
  ["a request that is wrong", 400, { message: "messages: field required" }, "bad_request"],
];

describe.each([{ streaming: true }, { streaming: false }])("final, streaming: $streaming", ({ streaming }) => {
  test.each(final)("%s", async (_name, status, error, kind) => {
    await using server = await startLlmServer([failure(status, { body: { error } })]);
    await using ends = clientOf(server);
    const failed = await ends.fails({ streaming });
    expect(failed).toMatchObject({ kind, status, attempts: 1, retryable: false, provider: "test", model: "m1" });
    expect(failed.hint).not.toBe("");
  });

  test.each(final.filter(([, status]) => status !== 500))("%s, inside a 200", async (_name, status, error, kind) => {
    await using server = await startLlmServer([stream([{ error: { code: status, ...error }, choices: [] }])]);
    await using ends = clientOf(server);
    expect(await ends.fails({ streaming })).toMatchObject({ kind, attempts: 1, retryable: false });
  });
});

const passing: [string, number, object][] = [
  ["too fast", 429, { message: "Rate limit reached", code: "rate_limit_exceeded" }],
  ["too fast, Gemini, with a delay in the body", 429, { code: 429, message: "slow", details: [retryInfo("0.05s")] }],
  ["overloaded, Anthropic", 529, { type: "overloaded_error", message: "Overloaded" }],
  ["loading, Ollama", 500, { message: "llm server loading model" }],
  ["loading, llama.cpp", 503, { code: 503, message: "Loading model", type: "unavailable_error" }],
  ["an upstream that failed", 502, { code: 502, message: "Provider returned error" }],
  ["a timeout of theirs", 408, { message: "Request timed out", type: "timeout_error" }],
];

describe.each([{ streaming: true }, { streaming: false }])("passing, streaming: $streaming", ({ streaming }) => {
  test.each(passing)("%s", async (_name, status, error) => {
    await using server = await startLlmServer([failure(status, { body: { error } }), answer("Hello")]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming })).toMatchObject({ message: { content: "Hello" }, attempts: 2 });
  });

  test.each(passing)("%s, inside a 200", async (_name, status, error) => {
    const inside = stream([{ error: { code: status, ...error }, choices: [] }]);
    await using server = await startLlmServer([inside, answer("Hello")]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming })).toMatchObject({ message: { content: "Hello" }, attempts: 2 });
  });
});

test("a delay in the body of an error is waited for", async () => {
  const error = { code: 429, message: "slow", details: [retryInfo("0.15s")] };
  await using server = await startLlmServer([failure(429, { body: [{ error }] }), answer("Hello")]);
  await using ends = clientOf(server);
  const startedAt = performance.now();
  await ends.ask({ streaming: true });
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(150);
});

describe("a tool call that the provider could not read", () => {
  const error = { message: "Failed to call a function.", code: "tool_use_failed", failed_generation: "<function=f" };
  const steps: [string, Step][] = [
    ["as a status", failure(400, { body: { error } })],
    ["inside a 200", stream(["event: error\n", { error: { ...error, status_code: 400 } }])],
  ];

  test.each(steps)("%s: the model is asked once more", async (_name, refusal) => {
    await using server = await startLlmServer([refusal, answer("Hello")]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming: true })).toMatchObject({ message: { content: "Hello" }, attempts: 2 });
  });

  test.each(steps)("%s, twice: the second is final, and its text is not shown", async (_name, refusal) => {
    await using server = await startLlmServer([refusal, refusal]);
    await using ends = clientOf(server);
    const failed = await ends.fails({ streaming: true });
    expect(failed).toMatchObject({ kind: "tool_generation_failed", status: 400, attempts: 2, retryable: false });
    expect(failed.message).not.toContain("function=f");
  });

  test("with max_retries 0 no request is repeated", async () => {
    await using server = await startLlmServer([failure(400, { body: { error } })]);
    await using ends = clientOf(server, { maxRetries: 0 });
    expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "tool_generation_failed", attempts: 1 });
  });
});

describe("an error body is read, and never shown as JSON", () => {
  const inner = { error: { message: "out of luck", type: "invalid_request_error" } };
  const python = "{'error': {'message': 'out of luck', 'type': None}}";
  test.each<[string, unknown, string]>([
    ["JSON as the message", { error: { message: JSON.stringify(inner) } }, ": out of luck"],
    ["JSON as the error", { error: JSON.stringify(inner) }, ": out of luck"],
    [
      "JSON behind words",
      { error: { message: `Upstream error: ${JSON.stringify(inner)}` } },
      ": Upstream error: out of luck",
    ],
    ["JSON in a list behind words", { error: { message: `400 ${JSON.stringify([inner])}` } }, ": 400 out of luck"],
    ["JSON within JSON", { error: { message: JSON.stringify({ message: JSON.stringify(inner) }) } }, ": out of luck"],
    ["JSON without a message", { error: { message: 'Bad: {"code":7}' } }, ": Bad: …"],
    ["what Python writes", { error: { message: `Error code: 400 - ${python}` } }, ": Error code: 400 - out of luck"],
    [
      "what OpenRouter passes on",
      {
        error: {
          message: "Provider returned error",
          metadata: { raw: `Sorry. Upstream error: ${JSON.stringify(inner)}` },
        },
      },
      ": Provider returned error: Sorry. Upstream error: out of luck",
    ],
    ["an event of a stream", `data: ${JSON.stringify(inner)}\n\n`, ": out of luck"],
    ["an event with a name", `event: error\ndata: ${JSON.stringify(inner)}\n\n`, ": out of luck"],
    ["llama.cpp's field", `error: ${JSON.stringify(inner.error)}\n\n`, ": out of luck"],
    ["JSON and [DONE]", `${JSON.stringify(inner)}\n\ndata: [DONE]\n\n`, ": out of luck"],
    ["a list over several lines", JSON.stringify([inner], undefined, 2), ": out of luck"],
    ["JSON that is cut", JSON.stringify(inner).slice(0, -20), ": out of luck"],
    ["JSON that is cut before it says anything", '{"error":{"type":"x","mess', ""],
    ["JSON that says nothing", { reason: { deep: 1 } }, ""],
    ["words with braces", { error: { message: "use {name} instead of {}" } }, ": use {name} instead of {}"],
  ])("%s", async (_name, body, said) => {
    await using server = await startLlmServer([failure(400, { body })]);
    await using ends = clientOf(server);
    expect((await ends.fails({ streaming: true })).message).toBe(`test/m1: error 400${said}`);
  });
});
