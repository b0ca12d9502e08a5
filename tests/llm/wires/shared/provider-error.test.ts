import { expect, test } from "@jest/globals";
import { kindOf, parseErrorBody } from "../../../../src/llm/wires/shared/provider-error.js";

const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "45s" };
const perDay = {
  "@type": "…QuotaFailure",
  violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }],
};
const quota = "You exceeded your current quota, please check your plan and billing details.";

/** Error answers seen from providers, as status and `error` (or the whole body if there is no `error`). */
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
  ...[
    ["Requests per minute limit exceeded - too many requests sent.", "request_quota_exceeded"],
    ["Tokens per minute limit exceeded - too many tokens processed.", "token_quota_exceeded"],
  ].map(([message, code]): [string, number, unknown, string] => [
    `Cerebras, ${message}`,
    429,
    { message, type: "too_many_requests_error", param: "quota", code },
    "rate_limit",
  ]),
  [
    "Cerebras, no more today",
    429,
    { message: "Tokens per day limit exceeded - too many tokens processed.", code: "token_quota_exceeded" },
    "quota",
  ],
  [
    "OpenAI, more in one request than in a minute",
    429,
    {
      error: {
        message: "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 31538.",
        type: "tokens",
        code: "rate_limit_exceeded",
      },
    },
    "context_length",
  ],
  [
    "OpenAI, requests of a day that come back one by one",
    429,
    { error: { message: "Rate limit reached on requests per day (RPD): Limit 200", code: "rate_limit_exceeded" } },
    "rate_limit",
  ],
  [
    "TGI, too long",
    422,
    {
      error:
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 1000 `max_new_tokens`",
      error_type: "validation",
    },
    "context_length",
  ],
  ["Z.ai, no money", 429, { error: { code: "1113", message: "您的账户已欠费，请充值后重试" } }, "quota"],
  [
    "a number that means something else elsewhere",
    429,
    { message: "slow down", type: "rate_limited", code: "1301" },
    "rate_limit",
  ],
  [
    "a word on days in a schema that is refused",
    400,
    { error: { message: "Invalid schema for function 'f': 'meals per day' is bad" } },
    "bad_request",
  ],
  ["Z.ai, no money, without its number", 429, { error: { message: "余额不足或无可用资源包,请充值。" } }, "quota"],
  ["Z.ai, no more today", 429, { error: { code: "1304", message: "该 API 已达今日调用次数限额" } }, "quota"],
  ["Z.ai, too fast", 429, { error: { code: "1302", message: "您当前使用该 API 的并发数过高" } }, "rate_limit"],
  ["Z.ai, too long", 400, { error: { code: "1261", message: "Prompt 超长" } }, "context_length"],
  [
    "Z.ai, filtered",
    400,
    { error: { code: "1301", message: "系统检测到输入或生成内容可能包含不安全或敏感内容" } },
    "content_filter",
  ],
  [
    "Moonshot, no money",
    429,
    { error: { message: "Your account is suspended, please check your plan", type: "exceeded_current_quota_error" } },
    "quota",
  ],
  [
    "Anthropic, at the limit that the account has set",
    400,
    {
      error: {
        message: "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
      },
    },
    "quota",
  ],
  [
    "OpenAI, on the description of a tool",
    400,
    {
      error: {
        message:
          "Invalid 'tools[21].function.description': string too long. Expected a string with maximum length 1024",
        code: "string_above_max_length",
        param: "tools[21].function.description",
      },
    },
    "bad_request",
  ],
  [
    "OpenAI, on a text of the conversation",
    400,
    {
      error: {
        message: "Invalid 'messages[1].content': string too long. Expected a string with maximum length 10485760",
        code: "string_above_max_length",
        param: "messages[1].content",
      },
    },
    "context_length",
  ],
  ["DashScope, no money", 400, { error: { code: "Arrearage", message: "Access denied." } }, "quota"],
  [
    "MiniMax, a plan used up",
    429,
    {
      type: "error",
      error: { type: "usage_error", message: "usage limit exceeded, 5-hour usage limit reached for Token Plan (2056)" },
    },
    "quota",
  ],
  [
    "OpenRouter, no more free requests today",
    429,
    {
      error: {
        message: "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
        code: 429,
        metadata: { headers: { "X-RateLimit-Remaining": "0" } },
      },
    },
    "quota",
  ],
  [
    "OpenRouter, no more free requests this minute",
    429,
    { error: { message: "Rate limit exceeded: free-models-per-min.", code: 429 } },
    "rate_limit",
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

test.each([
  [JSON.stringify({ error: { message: "<400> InternalError.Algo: tool calls need results" } })],
  ["<400> InternalError.Algo: tool calls need results"],
])("a message that begins with its status in angle brackets is not taken for an HTML page: %s", (body) => {
  const error = parseErrorBody(body, 400);
  expect(error.message).toBe("<400> InternalError.Algo: tool calls need results");
  expect(kindOf(error)).toBe("bad_request");
});

test("only what is meant as a message is taken from an error body", () => {
  const detail = [{ loc: ["body", "tools", 0], msg: "field required", input: "the secret prompt" }];
  expect(parseErrorBody(JSON.stringify({ detail }), 422).message).toBe("body.tools.0: field required");
});

test("an error is found in four others, and a body of endless others ends the search", () => {
  const wrapped = (times: number): object => (times === 0 ? { message: "boom" } : { error: wrapped(times - 1) });
  expect(parseErrorBody(JSON.stringify(wrapped(4))).message).toBe("boom");
  expect(parseErrorBody(JSON.stringify(wrapped(3000))).message).toBe("");
});

test("OpenRouter's message is followed by that of the model's provider", () => {
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

const said = (message: string) => kindOf(parseErrorBody(JSON.stringify({ error: { message } }), 400));

test.each([
  "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens. Please reduce the length of the messages.",
  "Input tokens exceed the configured limit of 4096 tokens.",
  "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
  "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
  "Your input exceeds the context window of this model. Please adjust your input and try again.",
  "This model's maximum prompt length is 131072 but the request contains 150000 tokens.",
  "Range of input length should be [1, 30720]",
  "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]",
  "prompt token count of 140000 exceeds the limit of 128000",
  "Requested token count exceeds the model's maximum context length of 32768 tokens.",
  "Invalid request: Your request exceeded model token limit: 8192",
  "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
  "The prompt is too long: 5000, model maximum context length: 4096",
  "inputs tokens + max_new_tokens must be <= 4096",
  "`inputs` must have less than 4095 tokens. Given: 5000",
  "prompt is too long: 210000 tokens > 200000 maximum",
  "Input is too long for requested model.",
  "too many tokens: size limit exceeded by 500 tokens",
  "Please reduce the length of the messages or completion.",
  "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens",
  "The number of tokens to keep from the initial prompt is greater than the context length",
  "input_tokens (9000) + max_tokens (1000) exceeds model context",
  "Request too large for gpt-4o in organization on tokens per min (TPM): Limit 30000, Requested 40000.",
  "tokens in request more than max tokens allowed",
  "Conversation is too long to be processed",
  "prompt tokens 9000 exceed maximum of 8192",
  "Prompt length (9000) exceeds maximum input length (8192)",
  "The decoder prompt (length 9381) is longer than the maximum model length of 8192. Make sure that `max_model_len` is no smaller than the number of text tokens plus multimodal tokens. For image inputs, the number of image tokens depends on the number of images.",
  "max_tokens must be at least 1, got -400.",
  "Request payload size exceeds the limit: 20971520 bytes.",
  "Request size cannot exceed 8999999 bytes. Please shorten the request.",
  "Cannot truncate prompt with n_keep (4428) >= n_ctx (4096)",
])("too long, in other words: %s", (message) => expect(said(message)).toBe("context_length"));

test.each([
  "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model",
  "`max_completion_tokens` must be less than or equal to `8192`, the maximum value for `max_completion_tokens` is less than the `context_window` for this model",
  "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-sonnet-4-5-20250929",
  "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.",
])("a limit of the answer that is too high is not taken for a full window: %s", (message) =>
  expect(said(message)).toBe("bad_request"),
);

test.each([
  "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
  "Output data may contain inappropriate content.",
  "Your request was rejected as a result of our safety system.",
  "Content Exists Risk",
  "The prompt was blocked due to safety",
  "flagged by moderation",
  "Input data may contain inappropriate content.",
])("filtered, in other words: %s", (message) => expect(said(message)).toBe("content_filter"));

test.each([
  "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.",
  "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
  "max_tokens must be at most 4096",
  "Invalid 'tools': array too long. Expected an array with maximum length 128, but got 200",
  "string too long. Expected a string with maximum length 64, but got a string with length 70",
  "temperature must be less than or equal to maximum 2",
  "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40",
  "inputs must be a list of strings",
])("a parameter that is wrong: %s", (message) => expect(said(message)).toBe("bad_request"));
