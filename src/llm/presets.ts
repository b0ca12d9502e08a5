import type { ProviderConfig } from "../core/config.js";

/** What providers disagree on, so that the same request must look different. */
export interface Quirks {
  tokenLimitKey: "max_tokens" | "max_completion_tokens";
  /** `content` of a message that only calls tools: null as OpenAI has it, else "" (Ollama rejects null). */
  nullContent: boolean;
  /** Understands `stream_options: { include_usage: true }`. */
  streamUsage: boolean;
  /** Wants what it attached to a tool call back (`extra_content`); strict APIs answer 400 to unknown keys. */
  echoesOpaque: boolean;
  /** Header of the key. `authorization` carries it as a bearer token. */
  keyHeader: "authorization" | "api-key";
  needsKey: boolean;
}

interface Preset extends ProviderConfig {
  quirks?: Partial<Quirks>;
}

/** For a provider that is only known by its `base_url`: most likely a gateway or a server of one's own. */
export const DEFAULT_QUIRKS: Quirks = {
  tokenLimitKey: "max_tokens",
  nullContent: true,
  streamUsage: true,
  echoesOpaque: true,
  keyHeader: "authorization",
  needsKey: false,
};

const CLOUD = { needsKey: true, echoesOpaque: false };
/** A local model is loaded before it answers, and reads a long prompt at the speed of the machine: headers come late. */
const LOCAL = { contextWindow: 32_768, timeoutMs: 300_000, ttftTimeoutMs: 300_000 };

/** `llm.providers` before anything is configured. The order is the order of preference on a first run. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  openai: {
    baseUrl: "https://api.openai.com/v1",
    model: "gpt-5.4-mini",
    contextWindow: 400_000,
    quirks: { ...CLOUD, tokenLimitKey: "max_completion_tokens" },
  },
  groq: {
    baseUrl: "https://api.groq.com/openai/v1",
    model: "llama-3.3-70b-versatile",
    contextWindow: 131_072,
    quirks: { ...CLOUD, tokenLimitKey: "max_completion_tokens" },
  },
  openrouter: {
    baseUrl: "https://openrouter.ai/api/v1",
    model: "openai/gpt-5.4-mini",
    contextWindow: 400_000,
    quirks: { needsKey: true },
  },
  azure: { quirks: { ...CLOUD, tokenLimitKey: "max_completion_tokens", keyHeader: "api-key" } },
  anthropic: {
    baseUrl: "https://api.anthropic.com/v1",
    model: "claude-haiku-4-5",
    contextWindow: 200_000,
    quirks: CLOUD,
  },
  gemini: {
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    model: "gemini-2.5-flash",
    contextWindow: 1_000_000,
    quirks: { needsKey: true },
  },
  mistral: {
    baseUrl: "https://api.mistral.ai/v1",
    model: "mistral-small-latest",
    contextWindow: 128_000,
    quirks: { ...CLOUD, nullContent: false, streamUsage: false },
  },
  deepseek: {
    baseUrl: "https://api.deepseek.com/v1",
    model: "deepseek-chat",
    contextWindow: 128_000,
    quirks: CLOUD,
  },
  ollama: {
    ...LOCAL,
    baseUrl: "http://127.0.0.1:11434/v1",
    model: "qwen3",
    quirks: { nullContent: false },
  },
  lmstudio: { ...LOCAL, baseUrl: "http://127.0.0.1:1234/v1", quirks: { nullContent: false } },
  llamacpp: { ...LOCAL, baseUrl: "http://127.0.0.1:8080/v1", model: "default" },
  vllm: { ...LOCAL, baseUrl: "http://127.0.0.1:8000/v1" },
  /** `app.ts` starts it on a free port and adds its `base_url`. */
  demo: { model: "demo", contextWindow: 32_768 },
};
