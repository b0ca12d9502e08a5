import { type Json, Refusal } from "./refusal.js";
import type { Failure, FailureKind } from "./script.js";
import { type HttpRequest, type Reply, retryHeaders, type Vendor } from "./server.js";

/** Properties of an OpenAI model that both wires share. */
export interface OpenAiModel {
  /** Efforts that the model accepts; empty if it does not reason. */
  efforts: readonly string[];
  /** Rule for function tools on /v1/chat/completions. */
  chatTools: "fine" | "without_effort" | "explicit_none" | "never" | "no_chat";
  /** True if the model marks and bills cache writes (GPT-5.6 and later). */
  hasMarks: boolean;
  hasPhase: boolean;
  window: number;
}

const upToHigh = ["low", "medium", "high"];
const upToXhigh = [...upToHigh, "xhigh"];
const model = (efforts: readonly string[], chatTools: OpenAiModel["chatTools"]): OpenAiModel => ({
  efforts,
  chatTools,
  hasMarks: chatTools === "explicit_none" || chatTools === "never",
  hasPhase: chatTools !== "fine",
  window: 400_000,
});

/** Returns the version in a model's name: `gpt-5.6-sol` and `gpt-5.6-luna` are one family, `gpt-5.5` is another. */
const familyOf = (name: string) => /^[a-z]+-?\d+(\.\d+)?/.exec(name)?.[0] ?? name;

/**
 * Models by pattern; the first match wins. Sources: the models page and the reasoning guide of OpenAI, and its refusals as quoted in issues
 * of other clients (November 2026).
 */
const models: [RegExp, OpenAiModel][] = [
  [/^gpt-5\.5-pro|^gpt-5\.4-pro|^gpt-5\.3-codex/, model(upToXhigh, "no_chat")],
  [/^gpt-6-astra|^gpt-6\.1/, model([...upToXhigh, "max"], "never")],
  [/^gpt-6-(sol|luna)/, model(["none", ...upToXhigh, "max"], "explicit_none")],
  [/^gpt-5\.6-(sol|terra|luna)/, model(["none", ...upToXhigh, "max"], "explicit_none")],
  [/^gpt-5\.[45]/, model(["none", ...upToXhigh], "without_effort")],
  [/^gpt-5\.2/, model(["none", ...upToXhigh], "fine")],
  [/^gpt-5\.1/, model(["none", ...upToHigh], "fine")],
  [/^gpt-5/, model(["minimal", ...upToHigh], "fine")],
  [/^o3|^o4-mini/, model(upToHigh, "fine")],
  [/^gpt-4\.1|^gpt-4o|-chat-latest$/, { ...model([], "fine"), window: 128_000 }],
];

/** Returns the properties of a model. `family`: models of one family can read each other's encrypted reasoning. */
export function openAiModel(name: unknown): OpenAiModel & { family: string } {
  if (typeof name !== "string" || name === "") throw new Refusal("you must provide a model parameter", { code: null });
  const found = models.find(([pattern]) => pattern.test(name));
  if (!found)
    throw new Refusal(`The model \`${name}\` does not exist or you do not have access to it.`, {
      status: 404,
      code: "model_not_found",
    });
  const family = familyOf(name);
  return { ...found[1], family, ...(/-chat-latest$/.test(name) && { efforts: [] }) };
}

/** Returns the account of the bearer key. */
export function openAiAccount(request: HttpRequest, vendor: Vendor): string {
  const given = request.headers.authorization;
  const unauthorized = (message: string, code: string | null = null) => new Refusal(message, { status: 401, code });
  if (!given?.startsWith("Bearer "))
    throw unauthorized(
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    );
  return vendor.account(given.slice(7), () => unauthorized("Incorrect API key provided.", "invalid_api_key"));
}

export const openAiModels = (): Reply => ({
  status: 200,
  reply: {
    object: "list",
    data: ["gpt-5.6-sol", "gpt-5.6-luna", "gpt-6-astra", "gpt-6-sol", "gpt-5.5", "gpt-5.4", "gpt-5", "gpt-4.1"].map(
      (id) => ({ id, object: "model", created: 1_790_000_000, owned_by: "openai" }),
    ),
  },
});

export const openAiError = ({ status, message, type, param, code }: Refusal, vendor: Vendor): Reply => ({
  status,
  headers: { "x-request-id": vendor.newId("req_") },
  reply: { error: { message, type, param, code } },
});

/** Status, type, code and text of each failure. */
const failures: Record<FailureKind, [status: number, type: string, code: string | null, message: string]> = {
  rate_limit: [
    429,
    "tokens",
    "rate_limit_exceeded",
    "Rate limit reached for this model in organization org-mock on tokens per min (TPM).",
  ],
  quota: [
    429,
    "insufficient_quota",
    "insufficient_quota",
    "You exceeded your current quota, please check your plan and billing details.",
  ],
  overloaded: [
    503,
    "server_error",
    "server_is_overloaded",
    "Our servers are currently overloaded. Please try again later.",
  ],
  server: [
    500,
    "server_error",
    "server_error",
    "The server had an error processing your request. Sorry about that! You can retry your request.",
  ],
  timeout: [504, "server_error", null, "Gateway timeout"],
  auth: [401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."],
  billing: [429, "insufficient_quota", "billing_hard_limit_reached", "Billing hard limit has been reached."],
  forbidden: [403, "invalid_request_error", null, "You have insufficient permissions for this operation."],
  not_found: [
    404,
    "invalid_request_error",
    "model_not_found",
    "The model does not exist or you do not have access to it.",
  ],
  too_large: [413, "invalid_request_error", null, "Request too large"],
  context_overflow: [
    400,
    "invalid_request_error",
    "context_length_exceeded",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
  ],
  html: [502, "", null, "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"],
};

export function openAiFailure(failure: Failure, vendor: Vendor): Reply {
  const [status, type, code, message] = failures[failure.fails];
  const headers = { "x-request-id": vendor.newId("req_"), ...retryHeaders(failure) };
  if (failure.fails === "html") return { status, headers, reply: message };
  const param = failure.fails === "context_overflow" ? "input" : null;
  return { status, headers, reply: { error: { message, type, param, code } } };
}

/** Returns code and message of an error inside a stream. */
export const streamError = (kind: FailureKind): { code: string | null; message: string } => {
  const [, , code, message] = failures[kind];
  return { code, message };
};

export const effortOf = (body: Json): unknown => (body.reasoning as Json | undefined)?.effort;

/** Refuses an effort that the model does not support. */
export function checkEffort(name: string, { efforts }: OpenAiModel, effort: unknown, param: string): void {
  if (effort === undefined || effort === null) return;
  if (efforts.length === 0)
    throw new Refusal(`Unsupported parameter: '${param}' is not supported with this model.`, {
      code: "unsupported_parameter",
      param,
    });
  if (efforts.includes(String(effort))) return;
  const last = efforts.at(-1);
  const rest = efforts.slice(0, -1).map((one) => `'${one}'`);
  throw new Refusal(
    `Unsupported value: '${effort}' is not supported with the '${name}' model. Supported values are: ${rest.join(", ")}, and '${last}'.`,
    { code: "unsupported_value", param },
  );
}
