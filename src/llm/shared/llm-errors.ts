import { LlmError, type LlmErrorDetails, type LlmErrorKind, passingKinds } from "../../core/errors.js";
import { waitText } from "../../core/text/durations.js";
import type { Provider } from "../providers/providers.js";
import type { ProviderError } from "../wires/shared/provider-error.js";

export interface AskedModel {
  provider: Provider;
  model: string;
  /** Requests sent so far. */
  attempts: number;
  /** The provider's id of the last request, once it has response headers. */
  theirRequestId?: string;
}

const maxMessageLength = 500;
const maxIdLength = 100;

/** Creates an LlmError about a provider. The message names the model, has a limited length and holds no secret. */
export function failure(kind: LlmErrorKind, said: string, asked: AskedModel, details: LlmErrorDetails = {}): LlmError {
  const { provider, model, attempts, theirRequestId } = asked;
  const requestId = details.requestId ?? theirRequestId;
  const message = scrub(`${provider.name}/${model}: ${said}`, provider.secrets);
  return new LlmError(kind, message.length > maxMessageLength ? `${message.slice(0, maxMessageLength)}…` : message, {
    provider: provider.name,
    model,
    attempts,
    retryable: passingKinds.has(kind),
    hint: hintFor(kind, provider),
    ...details,
    requestId: requestId && scrub(requestId.slice(0, maxIdLength), provider.secrets),
  });
}

export function saidBy({ message }: LlmError, { provider, model }: AskedModel): string {
  return message.replace(`${provider.name}/${model}: `, "");
}

const statements = new WeakMap<LlmError, ProviderError>();

/** Remembers what the provider said about this error. It is stored outside of the error, because it may repeat the prompt. */
export function stating(error: LlmError, said: ProviderError): LlmError {
  statements.set(error, said);
  return error;
}

export function statedIn(error: LlmError): ProviderError | undefined {
  return statements.get(error);
}

/** Hides keys, and anything that looks like a key: providers often repeat a refused key. */
function scrub(text: string, secrets: readonly string[]): string {
  return secrets
    .reduce((scrubbed, secret) => scrubbed.replaceAll(secret, "***"), text)
    .replace(/\b((sk|gsk|xai)[-_][\w*.-]{4,}|AIza[\w-]{10,})/g, "***")
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{4,}/gi, "$1 ***")
    .replace(/([?&](?:api-?)?key=)[^&\s]+/gi, "$1***")
    .replace(/(https?:\/\/)[^/\s@]+@/gi, "$1***@");
}

type Limit = "connect_timeout" | "timeout" | "ttft_timeout" | "idle_timeout";

const limits = {
  connect_timeout: { field: "connectTimeoutMs", what: "no connection within" },
  timeout: { field: "timeoutMs", what: "no response within" },
  ttft_timeout: { field: "ttftTimeoutMs", what: "nothing of the answer within" },
  idle_timeout: { field: "idleTimeoutMs", what: "the answer stood still for" },
} as const;

/** Creates the error for a reached time limit. The message gives the limit and the setting that raises it. */
export function limitReached(kind: Limit, asked: AskedModel, detail = ""): LlmError {
  const { provider } = asked;
  const { field, what } = limits[kind];
  const key = provider[field] === undefined ? `llm.http.${kind}` : `llm.providers.${provider.name}.${kind}`;
  const said = `${what} ${waitText(provider.limits[field])} (${key})${detail && ` ${detail}`}`;
  return failure(kind, said, asked, {
    ...(kind === "connect_timeout"
      ? {}
      : { hint: `Try again, or raise llm.providers.${provider.name}.${kind} if this model needs longer.` }),
  });
}

function hintFor(kind: LlmErrorKind, { name, keyVariable }: Provider): string {
  switch (kind) {
    case "auth":
      return `Set ${keyVariable} (or llm.providers.${name}.api_key) to a key that ${name} accepts for this model.`;
    case "quota":
      return `Check plan and billing at ${name}, or use another provider (llm.active, or -m provider/model).`;
    case "rate_limit":
    case "overloaded":
      return "Wait and send it again, or use another provider (llm.active, or -m provider/model).";
    case "model_gone":
      return `Set llm.providers.${name}.model (or -m) to a model that this key may use, and check llm.providers.${name}.base_url.`;
    case "connect":
    case "connect_timeout":
      return `Is ${name} running and reachable? Check llm.providers.${name}.base_url and the network.`;
    case "html":
    case "redirect":
      return `Wrong base_url? llm.providers.${name}.base_url must be the API's URL, up to its version (/v1; Gemini: /v1beta).`;
    case "context_length":
      return "Start a new conversation, shorten the prompt, or use a model with a larger context window.";
    case "content_filter":
      return "Rephrase the request; the provider's content policy refused it.";
    case "bad_request":
    case "tool_generation_failed":
      return `Check llm.providers.${name} (model, parameters) and the tools' schemas against the provider's message. If it refuses each message of a conversation, take the last turn back (/rewind).`;
    default:
      return "Send it again. If tools have already run, ask the model to continue instead.";
  }
}
