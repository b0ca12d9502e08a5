/** A transport for models and servers that records their traffic, or answers in their place. */
import type { LlmConfig, WireName } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import type { ModelTransport, ServerTransport } from "../core/transports.js";
import type { ModelChoice } from "../llm/providers/choose-provider.js";
import { presetOf } from "../llm/providers/presets.js";
import { keysOf, providerNames } from "../llm/providers/providers.js";

/** If there is no recorded answer to a request, the request rejects with LlmError or McpError of kind `cassette`. */
export interface Tape extends ModelTransport, ServerTransport {
  /** True if the tape answers all model requests. Neither keys nor addresses are then needed. */
  readonly playsModels: boolean;
  /** Returns the wire of the requests to which the tape has this provider's answers. If undefined, the configured wire is used. */
  wireOf?(provider: string): WireName | undefined;
  /** Registers secrets that must not appear in the recording. */
  conceal(secrets: readonly string[]): void;
  /**
   * Chooses the model. Called only if `llm.active` is unset. Resolves with undefined if the tape does not know the model; then every request
   * must name one, with its provider.
   */
  choose(choose: () => Promise<ModelChoice>): Promise<ModelChoice | undefined>;
  /** Receives the model that is in effect, whether it was chosen or configured. A tape that records keeps it for `choose`. */
  inEffect?(choice: ModelChoice): void;
}

/** An address to which nothing is sent. */
const nowhere = "http://127.0.0.1";
/** Stands for a key that is not sent. It is too short to count as a secret. */
const noKey = "-";

/** Returns the settings for this tape: the wires of its answers. If it plays models, every provider also gets the key and address that it lacks. */
export function withTape(llm: LlmConfig, tape: Tape, env: Environment): LlmConfig {
  const isPlayed = tape.playsModels;
  const providers = { ...llm.providers };
  for (const name of providerNames(llm)) {
    const given = llm.providers[name];
    const wire = tape.wireOf?.(name) ?? given?.wire;
    const lacksKey = isPlayed && keysOf(llm, env, name).length === 0;
    const lacksAddress = isPlayed && given?.baseUrl === undefined && presetOf(name)?.baseUrl === undefined;
    providers[name] = {
      ...given,
      ...(wire && { wire }),
      ...(lacksKey && { apiKey: noKey }),
      ...(lacksAddress && { baseUrl: nowhere }),
    };
  }
  const http = isPlayed ? { ...llm.http, initialRetryDelayMs: 0, maxRetryDelayMs: 0 } : llm.http;
  return { ...llm, providers, http };
}
