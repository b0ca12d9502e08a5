import type { ProviderConfig, QuirksConfig } from "../../core/config.js";

/** Differences between providers that affect how a request is written. */
export interface Quirks extends QuirksConfig {
  /**
   * True if the provider wants its own additions to tool calls sent back (`extra_content`, `reasoning_details`). Strict APIs answer 400 to
   * unknown keys.
   */
  echoesOpaque: boolean;
  /** True if the provider wants an assistant message between a tool's result and a user's message (Mistral: 400 without it). */
  bridgesResults: boolean;
  /**
   * True if the provider accepts a tool whose `properties` are an empty object. OpenAI requires `properties` even then, Gemini refuses it.
   */
  emptyProperties: boolean;
  /**
   * True if the provider obeys `tool_choice: none`. Otherwise a request that forbids tools is sent without any tools; it then begins
   * differently, so the prompt cache does not match.
   */
  forbidsTools: boolean;
  /** True if the provider accepts `response_format: json_schema`. Otherwise only the prompt describes the schema, in words. */
  jsonSchemas: boolean;
  cutsPrompts: boolean;
  /** Name of the request's parameter for the configured `reasoning`. `reasoning_effort` holds only the `effort`. */
  reasoningKey: "reasoning" | "reasoning_effort" | "none";
  needsKey: boolean;
}

interface Preset extends ProviderConfig {
  quirks?: Partial<Quirks>;
  /** Set if the provider's Chat Completions have another base URL than the preset's wire. */
  chatBaseUrl?: string;
  /** Name of the provider in the conventions of OpenTelemetry, if it differs. */
  telemetryName?: string;
}

/** Quirks of a provider of which only the `base_url` is known. Such a provider is most likely a gateway or a self-hosted server. */
export const defaultQuirks: Quirks = {
  tokenLimitKey: "max_tokens",
  nullContent: true,
  streamUsage: true,
  temperature: true,
  parallelToolCalls: true,
  developerRole: false,
  echoReasoning: false,
  thinkTags: false,
  toolIds: "any",
  toolSchemas: "full",
  maxTools: 128,
  images: true,
  audio: true,
  files: false,
  echoesOpaque: true,
  bridgesResults: false,
  emptyProperties: true,
  forbidsTools: true,
  jsonSchemas: true,
  cutsPrompts: false,
  reasoningKey: "reasoning",
  needsKey: false,
};

const cloud: Partial<Quirks> = { needsKey: true, echoesOpaque: false, reasoningKey: "reasoning_effort" };
/**
 * Settings for local servers. A local server loads the model before it answers, and reads a long prompt slowly, so its headers come late.
 */
const local = { contextWindow: 32_768, timeoutMs: 300_000, ttftTimeoutMs: 300_000 };
const localQuirks: Partial<Quirks> = { toolSchemas: "plain", reasoningKey: "reasoning_effort" };

/**
 * The built-in `llm.providers`, in the order of preference on a first run. Models, windows and addresses were checked on 2026-11-28 against
 * the lists in @earendil-works/pi-ai@1.6.0, which is also the source of prices.json.
 */
export const presets: Readonly<Record<string, Preset>> = {
  openai: {
    baseUrl: "https://api.openai.com/v1",
    wire: "responses",
    model: "gpt-6-luna",
    // Longer requests cost twice as much per token.
    contextWindow: 272_000,
    quirks: { ...cloud, tokenLimitKey: "max_completion_tokens", files: true },
  },
  groq: {
    baseUrl: "https://api.groq.com/openai/v1",
    model: "llama-3.3-70b-versatile",
    contextWindow: 131_072,
    quirks: { ...cloud, tokenLimitKey: "max_completion_tokens" },
  },
  openrouter: {
    baseUrl: "https://openrouter.ai/api/v1",
    model: "openai/gpt-6-luna",
    // Longer requests cost twice as much per token.
    contextWindow: 272_000,
    headers: { "X-Title": "MCP-Platform" },
    quirks: { needsKey: true, files: true },
  },
  azure: {
    wire: "responses",
    telemetryName: "azure.ai.openai",
    quirks: { ...cloud, tokenLimitKey: "max_completion_tokens", files: true },
  },
  anthropic: {
    baseUrl: "https://api.anthropic.com/v1",
    wire: "messages",
    model: "claude-haiku-5-5",
    // All Claude models get this size, and their default `max_tokens` is at most a quarter of it. Haiku 5.5 costs five times as much per
    // token in requests with more than 100,000 input tokens.
    contextWindow: 200_000,
    quirks: { ...cloud, files: true },
  },
  gemini: {
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    chatBaseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    wire: "gemini",
    telemetryName: "gcp.gemini",
    model: "gemini-3.8-flash",
    contextWindow: 1_048_576,
    quirks: { ...cloud, echoesOpaque: true, toolSchemas: "plain", emptyProperties: false, files: true },
  },
  mistral: {
    baseUrl: "https://api.mistral.ai/v1",
    telemetryName: "mistral_ai",
    model: "mistral-small-latest",
    contextWindow: 262_144,
    // Mistral sends usage without being asked.
    quirks: { ...cloud, nullContent: false, streamUsage: false, toolIds: "nine_alphanumeric", bridgesResults: true },
  },
  deepseek: {
    baseUrl: "https://api.deepseek.com/v1",
    model: "deepseek-flash",
    contextWindow: 1_000_000,
    quirks: { ...cloud, echoReasoning: true, images: false, audio: false },
  },
  xai: {
    baseUrl: "https://api.x.ai/v1",
    wire: "responses",
    model: "grok-4.7",
    // Longer requests cost twice as much per token.
    contextWindow: 200_000,
    quirks: { ...cloud, audio: false },
  },
  moonshot: {
    baseUrl: "https://api.moonshot.ai/v1",
    model: "kimi-k3.1-pro",
    contextWindow: 1_048_576,
    quirks: { ...cloud, echoReasoning: true, audio: false },
  },
  zai: {
    baseUrl: "https://api.z.ai/api/paas/v4",
    model: "glm-5.3-flash",
    contextWindow: 1_000_000,
    quirks: { ...cloud, audio: false },
  },
  ollama: {
    ...local,
    baseUrl: "http://127.0.0.1:11434/v1",
    model: "qwen3",
    quirks: { ...localQuirks, nullContent: false, forbidsTools: false, cutsPrompts: true },
  },
  lmstudio: { ...local, baseUrl: "http://127.0.0.1:1234/v1", quirks: { ...localQuirks, nullContent: false } },
  llamacpp: { ...local, baseUrl: "http://127.0.0.1:8080/v1", model: "default", quirks: localQuirks },
  vllm: { ...local, baseUrl: "http://127.0.0.1:8000/v1", quirks: { reasoningKey: "reasoning_effort" } },
  /** The demo model: `app.ts` starts its server on a free port and adds the `base_url`. */
  demo: { model: "demo", contextWindow: 32_768 },
};

export function presetOf(name: string): Preset | undefined {
  return Object.hasOwn(presets, name) ? presets[name] : undefined;
}

/**
 * Returns the quirks of OpenAI's reasoning models, at any provider: `o1`, `o3-mini`, `o4-mini`, `gpt-5`, `gpt-5.4-mini`,
 * `openai/gpt-6-luna`, but not `gpt-5-chat-latest`. Reasoning models need other parameters than chat models. For all other models, the host
 * learns what is refused from answers with status 400.
 */
export function modelQuirks(model: string): Partial<Quirks> {
  const name = model.slice(model.lastIndexOf("/") + 1);
  const isO = /^o\d(-|$)/.test(name);
  if (!isO && !/^gpt-[5-9](?!.*chat)/.test(name)) return {};
  return { tokenLimitKey: "max_completion_tokens", temperature: false, ...(isO ? { parallelToolCalls: false } : {}) };
}

export function keyVariableOf(name: string): string {
  return `${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}_API_KEY`;
}
