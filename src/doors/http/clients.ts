/**
 * Clients made for the APIs of OpenAI and Anthropic that do something which these APIs do not say. Each has a row. `npm run
 * clients:third-party` drives them; `tried` is the version that it was last run with.
 */

interface ForeignClient {
  tried: string;
  /** Where the difference can be seen. */
  source: string;
  /** Matches the client's user agent. Left out if the client does not say who it is: then all callers are treated alike. */
  userAgent?: RegExp;
  /** True if it repeats a call whose connection was lost and does not count its attempts in the header `attemptHeader`. */
  retriesUncounted?: true;
  /** True if it refuses an answer that holds calls of servers' tools (`mcp_call`, `mcp_tool_use`), after the turn was paid. */
  refusesServerCalls?: true;
  /** A difference that the host makes for all callers, because this client needs it. */
  forAll?: string;
}

/** Header in which the SDKs of OpenAI and Anthropic send the number of earlier attempts. Stainless generates these SDKs. */
const attemptHeader = "x-stainless-retry-count";

/** The first row whose `userAgent` matches counts. */
const foreignClients: Readonly<Record<string, ForeignClient>> = {
  "AI SDK 5": {
    tried: "ai@5.0.277, @ai-sdk/openai@2.0.131, @ai-sdk/anthropic@2.0.112",
    source: "its zod schema of output items, seen in the packages",
    userAgent: /\bai-sdk\/provider-utils\/3\./, // …ai-sdk/provider-utils/3.0.40 runtime/node.js/20
    retriesUncounted: true,
    refusesServerCalls: true,
  },
  "AI SDK 6 and 7": {
    tried: "ai@7.0.173, @ai-sdk/openai@4.0.118, @ai-sdk/anthropic@4.0.105",
    source: "vercel/ai, packages/ai/src/util/retry-with-exponential-backoff.ts",
    userAgent: /\bai-sdk[/-]/, // `ai-sdk/` in version 6, `ai-sdk-` in version 7
    retriesUncounted: true,
    forAll: "sent-results.ts: over /v1/responses it sends the question again before the results of its tools",
  },
  "LangChain.js": {
    tried: "@langchain/openai@1.6.0. Not ChatAnthropic: it has the user agent of Anthropic's SDK",
    source: "@langchain/openai/dist/chat_models/base.js: OpenAI's SDK has `maxRetries: 0` and always counts 0",
    userAgent: /^langchainjs-/,
    retriesUncounted: true,
  },
  "SDKs of OpenAI and Anthropic": {
    tried: "openai@7.59.0, @anthropic-ai/sdk@1.14.0",
    source: "openai/client.mjs, buildHeaders",
    forAll: "repeated-calls.ts: an attempt that counts itself is a repetition from count 1 on",
  },
  "Claude Code": {
    tried: "2.1.332, of @anthropic-ai/claude-agent-sdk@0.3.332",
    source: "its requests, recorded",
    forAll:
      "anthropic/: the billing line of the system text is left out; files beside the results of tools come from tools; a full context is `prompt is too long`",
  },
  "Codex CLI": {
    tried: "@openai/codex@0.171.0",
    source: "openai/codex, codex-rs/codex-api/src/sse/responses.rs",
    forAll: "failure.ts: of a failed response it retries every code but a few, such as `invalid_prompt`",
  },
  opencode: {
    tried: "opencode-ai@1.18.33",
    source: "opencode, packages/opencode/src/session/retry.ts",
    forAll: "failure.ts: it retries by words of the text, such as `500` or `rate limit`, whatever the status says",
  },
};

/** Returns the value of a header, or undefined if the call has none of this name. */
export type ReadHeader = (name: string) => string | undefined;

/** Returns what is known of the client that sent these headers. Undefined if its user agent is in no row. */
export function foreignClient(header: ReadHeader): ForeignClient | undefined {
  const userAgent = header("user-agent");
  if (userAgent === undefined) return undefined;
  return Object.values(foreignClients).find((client) => client.userAgent?.test(userAgent));
}

/** Returns the number of earlier attempts of this call. Undefined if the client does not count them. */
export function earlierAttempts(header: ReadHeader): number | undefined {
  const count = header(attemptHeader);
  return count === undefined ? undefined : Number(count);
}

/**
 * Returns true for the line that Claude Code puts at the start of the system text for Anthropic's billing. It differs in each call, so
 * without it the prompts of all calls begin alike, as prompt caches need it.
 */
export function isBillingLine(text: string): boolean {
  return text.startsWith("x-anthropic-billing-header:");
}
