import { configuredSecrets } from "../config/reading/secrets.js";
import type { Config, StorageConfig, TelemetryConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { clearing } from "../core/text/redaction.js";

export class RunningConfig {
  readonly #env: Environment;
  #config: Config;
  #clear: (text: string) => string;

  constructor(config: Config, env: Environment) {
    this.#env = env;
    this.#config = config;
    this.#clear = this.#clearing(config);
  }

  get config(): Config {
    return this.#config;
  }

  /** Returns the text without the secrets of the current configuration and without anything that looks like a secret. */
  readonly clear = (text: string): string => this.#clear(text);

  /**
   * Replaces the configuration. Keeps the parts that cannot change while the host runs: the location of its log, its front doors and its
   * telemetry.
   */
  change(next: Config): void {
    this.#clear = this.#clearing(next);
    this.#config = withFixed(next, this.#config);
  }

  #clearing(config: Config): (text: string) => string {
    return clearing(configuredSecrets(config, this.#env));
  }
}

function withFixed(next: Config, { chat: { storage }, serve, mcpServe, telemetry }: Config): Config {
  const { maxAgeMs: _, maxConversations: __, ...location } = storage;
  const { maxAgeMs, maxConversations } = next.chat.storage;
  const rules = { ...(maxAgeMs && { maxAgeMs }), ...(maxConversations && { maxConversations }) };
  return {
    ...next,
    serve,
    mcpServe,
    telemetry,
    chat: { ...next.chat, storage: { ...location, ...rules } as StorageConfig },
  };
}

/**
 * Returns true if spans or metrics are to be sent to a collector. This is decided by the configuration or by OpenTelemetry's standard
 * variables.
 */
export function wantsCollector(
  { enabled, endpoint }: Pick<TelemetryConfig, "enabled" | "endpoint">,
  env: Environment,
): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return false;
  const named = ["", "TRACES_", "METRICS_"].some((signal) => env[`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`]);
  return enabled ?? (named || endpoint !== undefined);
}
