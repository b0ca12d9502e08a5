import { expect, test } from "@jest/globals";
import { kindOf, parseErrorBody } from "../../src/llm/provider-error.js";

const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "45s" };
const perDay = {
  "@type": "…QuotaFailure",
  violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }],
};
const quota = "You exceeded your current quota, please check your plan and billing details.";

/** What providers were seen to answer, as status and `error` (or the whole body where it has none). */
test.each<[string, number, unknown, string]>([
  [
    "OpenAI, no money",
    429,
    { error: { message: quota, type: "insufficient_quota", code: "insufficient_quota" } },
    "quota",
  ],
  [
    "OpenAI, too fast",
    429,
    {
      error: {
        message: "Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000",
        type: "tokens",
        code: "rate_limit_exceeded",
      },
    },
    "rate_limit",
  ],
  [
    "OpenAI, wrong key",
    401,
    { error: { message: "Incorrect API key provided", type: "invalid_request_error", code: "invalid_api_key" } },
    "auth",
  ],
  [
    "OpenAI, too long",
    400,
    {
      error: {
        message: "This model's maximum context length is 8192 tokens.",
        type: "invalid_request_error",
        code: "context_length_exceeded",
      },
    },
    "context_length",
  ],
  [
    "OpenAI, no such model",
    404,
    { error: { message: "The model `gpt-9` does not exist", code: "model_not_found" } },
    "model_gone",
  ],
  [
    "Gemini, in a list, per minute",
    429,
    [{ error: { code: 429, status: "RESOURCE_EXHAUSTED", message: quota, details: [retryInfo] } }],
    "rate_limit",
  ],
  [
    "Gemini, per day",
    429,
    [{ error: { code: 429, status: "RESOURCE_EXHAUSTED", message: quota, details: [perDay, retryInfo] } }],
    "quota",
  ],
  [
    "Gemini, busy",
    503,
    { error: { code: 503, status: "UNAVAILABLE", message: "The model is overloaded." } },
    "overloaded",
  ],
  [
    "Anthropic, no money",
    400,
    { type: "error", error: { type: "invalid_request_error", message: "Your credit balance is too low" } },
    "quota",
  ],
  ["Anthropic, busy", 529, { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }, "overloaded"],
  [
    "Anthropic, too long",
    400,
    {
      type: "error",
      error: { type: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum" },
    },
    "context_length",
  ],
  [
    "Azure, filtered",
    400,
    { error: { code: "content_filter", message: "filtered", innererror: { code: "ResponsibleAIPolicyViolation" } } },
    "content_filter",
  ],
  [
    "Azure, no deployment",
    404,
    { error: { code: "DeploymentNotFound", message: "The API deployment for this resource does not exist." } },
    "model_gone",
  ],
  [
    "DeepSeek, no money",
    402,
    { error: { message: "Insufficient Balance", type: "unknown_error", code: "invalid_request_error" } },
    "quota",
  ],
  [
    "Groq, unusable tool call",
    400,
    { error: { message: "Failed to call a function.", type: "invalid_request_error", code: "tool_use_failed" } },
    "tool_generation_failed",
  ],
  [
    "Groq, request too large",
    413,
    { error: { message: "Request too large for model", code: "rate_limit_exceeded" } },
    "context_length",
  ],
  [
    "llama.cpp, too long",
    400,
    {
      error: {
        code: 400,
        message: "the request exceeds the available context size",
        type: "exceed_context_size_error",
        n_ctx: 512,
      },
    },
    "context_length",
  ],
  [
    "llama.cpp, loading",
    503,
    { error: { code: 503, message: "Loading model", type: "unavailable_error" } },
    "overloaded",
  ],
  [
    "llama.cpp, poisoned history",
    500,
    {
      error: {
        code: 500,
        message: "Failed to parse tool call arguments as JSON: number overflow",
        type: "server_error",
      },
    },
    "tool_generation_failed",
  ],
  ["Ollama, loading", 500, { error: "llm server loading model" }, "overloaded"],
  [
    "Ollama, no such model",
    404,
    { error: { message: 'model "x" not found, try pulling it first', type: "api_error" } },
    "model_gone",
  ],
  [
    "vLLM, too long",
    400,
    {
      object: "error",
      message: "This model's maximum context length is 4096 tokens. However, you requested 5000",
      type: "BadRequestError",
      code: 400,
    },
    "context_length",
  ],
  [
    "TensorRT, too long",
    500,
    { error: { message: "Prompt length (9000) exceeds maximum input length (8192)" } },
    "context_length",
  ],
  [
    "OpenRouter, upstream",
    429,
    {
      error: { code: 429, message: "Provider returned error", metadata: { raw: "temporarily rate-limited upstream" } },
    },
    "rate_limit",
  ],
  ["Portkey, upstream gone", 500, { "html-message": "Message: fetch failed" }, "server"],
  ["FastAPI, wrong field", 422, { detail: [{ loc: ["body", "tools"], msg: "field required" }] }, "bad_request"],
  ["a timeout of a gateway", 408, { error: { type: "timeout_error", message: "Request timed out" } }, "timeout"],
  ["a proxy's page", 502, "<html><title>502 Bad Gateway</title></html>", "server"],
  ["a page where the API should be", 404, "<!DOCTYPE html><h1>Not Found</h1>", "html"],
  ["a proxy's limit", 429, "<html><title>429</title></html>", "rate_limit"],
  ["nothing", 500, "", "server"],
  ["Go's text", 404, "404 page not found", "model_gone"],
])("%s", (_name, status, body, kind) => {
  expect(kindOf(parseErrorBody(typeof body === "string" ? body : JSON.stringify(body), status))).toBe(kind);
});

test("only what is meant as a message is taken from an error body", () => {
  const detail = [{ loc: ["body", "tools", 0], msg: "field required", input: "the secret prompt" }];
  expect(parseErrorBody(JSON.stringify({ detail }), 422).message).toBe("body.tools.0: field required");
});

test("what the model's provider said comes with OpenRouter's own words", () => {
  const { message } = parseErrorBody(
    JSON.stringify({
      error: {
        message: "Provider returned error",
        metadata: { raw: '{"error":{"message":"upstream says no"},"input":"prompt"}' },
      },
    }),
    400,
  );
  expect(message).toBe("Provider returned error: upstream says no");
});
