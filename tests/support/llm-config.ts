import type { HttpConfig, LlmConfig, ProviderConfig } from "../../src/core/config.js";

/** The defaults of `llm.http`, without pauses between attempts. */
export const httpConfig: HttpConfig = {
  timeoutMs: 30_000,
  connectTimeoutMs: 5_000,
  ttftTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  maxRetries: 3,
  initialRetryDelayMs: 1,
  maxRetryDelayMs: 16,
  retryMultiplier: 2,
  retryJitter: 0.1,
  retryJitterMode: "proportional",
  maxRetryAfterMs: 60_000,
  maxKeepaliveConnections: 20,
  maxConnections: 100,
  keepaliveExpiryMs: 30_000,
  queueTimeoutMs: 10_000,
  totalTimeoutMs: 300_000,
};

/** Returns a configuration with one provider `test` at that URL, active and with a key. */
export function llmConfig(baseUrl: string, http: Partial<HttpConfig> = {}, provider: ProviderConfig = {}): LlmConfig {
  return {
    active: "test",
    fallback: [],
    streamRecovery: "auto",
    http: { ...httpConfig, ...http },
    providers: { test: { baseUrl, model: "m1", apiKey: "sk-test-0123456789", ...provider } },
  };
}
