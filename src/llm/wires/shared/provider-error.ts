import type { LlmErrorKind } from "../../../core/errors.js";
import { asNumber, asObject, asObjects, asText, type JsonObject, parseJson } from "../../../core/json.js";

export interface ProviderError {
  /** Set if the wire is certain of the kind. Otherwise code, message and status decide; see `kindOf`. */
  kind?: LlmErrorKind;
  /** True if exactly one retry makes sense, whatever the kind of the error. */
  isRetriedOnce?: boolean;
  retryAfterMs?: number;
  /** Status of the HTTP response, or the status stated by an error inside a response with status 200. */
  status?: number;
  /** The provider's `code`, `type` and `status`, reduced to lower-case letters and digits. */
  code: string;
  message: string;
  /** Name of the wrong parameter, if the error names it in a separate field; otherwise "". */
  param: string;
  isHtml: boolean;
  /** Details of Gemini's errors: delays and exceeded quotas. */
  details: readonly JsonObject[];
  /** Response headers of the model's provider, as OpenRouter repeats them in the body. Names are in lower case. */
  headers: JsonObject;
}

/** Reads an error body: JSON of any known shape (also wrapped in a list, or as the event of a stream), HTML, or text. */
export function parseErrorBody(text: string, status?: number): ProviderError {
  const body = jsonAt(text.replace(/^(\s*event:.*\n)?\s*(data|error):/, ""));
  if (body) return providerError(body, status);
  const isHtml = isPage(text);
  return {
    status,
    code: "",
    message: isHtml ? titleOf(text) : inWords(text.trim().slice(0, maxTextLength)).slice(0, 300),
    param: "",
    isHtml,
    details: [],
    headers: {},
  };
}

const maxTextLength = 4096;

/** Parses a JSON object, or the first object of a list. Ignores text after the last brace (`data: [DONE]`). */
function jsonAt(text: string): JsonObject | undefined {
  const parsed = parseJson(text) ?? parseJson(text.slice(0, text.lastIndexOf("}") + 1));
  return asObject(Array.isArray(parsed) ? parsed[0] : parsed);
}

/**
 * Returns a message in a form that people can read. Gateways put another provider's error into the message as JSON; that JSON is replaced
 * by the message in it. JSON that is cut off or in Python's notation is searched for a message. JSON without a message is left out.
 */
export function inWords(message: string, depth = 0): string {
  const start = message.search(/(\[\s*)?\{\s*["']/);
  if (start < 0) return message;
  const before = message.slice(0, start).trim();
  const rest = message.slice(start);
  const json = jsonAt(rest);
  const within = json ? providerError(json).message : (/(["'])message\1\s*:\s*(["'])(.+?)\2/.exec(rest)?.[3] ?? "");
  const said = depth < maxWrappings ? inWords(within, depth + 1) : "";
  return [before, said || (before ? "…" : "")].filter(Boolean).join(" ");
}

/**
 * Maximum depth of errors inside errors that is read. Real errors are nested up to three deep; a hostile body could be nested without end.
 */
const maxWrappings = 4;

export function providerError(body: unknown, status?: number): ProviderError {
  const outer = asObject(body) ?? {};
  const error = innermost(outer);
  const inner = asObject(error.innererror)?.code;
  const words = [error.code, error.type, error.status, outer.code, outer.type, codeWord(outer.error), inner];
  const code = words.map((word) => (asText(word) ?? "").toLowerCase().replace(/[^a-z0-9]/g, "")).join(" ");
  return {
    status: status ?? statusOf(error, code) ?? statusOf(outer, code),
    code,
    message: messageOf(error, asText(error.error) ?? asText(outer.error) ?? asText(body)),
    param: asText(error.param) ?? "",
    isHtml: false,
    details: asObjects(error.details),
    headers: lowerCased(asObject(asObject(error.metadata)?.headers) ?? {}),
  };
}

/**
 * Adds the waiting time that the message states. OpenAI and its imitators put the time into the message, because an error within a stream
 * has no headers.
 */
export function withStatedWait(error: ProviderError): ProviderError {
  const [, amount, unit] = /try again in (\d+(?:\.\d+)?)\s?(ms|s)\b/i.exec(error.message) ?? [];
  return amount === undefined ? error : { ...error, retryAfterMs: Number(amount) * (unit === "ms" ? 1 : 1000) };
}

function lowerCased(headers: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Returns the innermost error, because providers and gateways wrap errors into other errors. Unwraps at most `maxWrappings` of them. */
function innermost(body: JsonObject, depth = 0): JsonObject {
  const inner =
    asObject(body.error) ??
    asObjects(body.error)[0] ??
    (asText(body.message)
      ? undefined
      : (asObject(body.detail) ?? asObject(body.message) ?? asObjects(body.errors)[0] ?? asObject(body.base_resp)));
  return inner && depth < maxWrappings ? innermost(inner, depth + 1) : body;
}

function codeWord(error: unknown): string | undefined {
  return asText(error)?.match(/^\w+$/)?.[0];
}

/** Returns true if the value reports an error. `error: {}` and `errors: []` do not, since successful answers may hold them. */
export function isSaid(error: unknown): boolean {
  return typeof error === "object" && error !== null ? Object.keys(error).length > 0 : Boolean(error);
}

/** Decides the kind of an error: by its codes, else by phrases in its message, else by the HTTP status. */
export function kindOf(error: ProviderError): LlmErrorKind {
  const { status, code, message, details } = error;
  if (error.kind) return error.kind;
  if (status !== undefined && status >= 300 && status < 400) return "redirect";
  if (error.isHtml && !htmlFromProxy.has(status ?? 200)) return "html";
  if (details.some((detail) => /perday/i.test(JSON.stringify(detail.violations ?? "")))) return "quota";
  if (status === 413 || /^request too large\b/i.test(message)) return "context_length";
  if (status === 429 && perMinute.test(message)) return "rate_limit";
  if (tooLong.test(code) && besideText.test(`${error.param} ${message}`)) return "bad_request";
  const byCode = codes.find(([words]) => words.test(code));
  if (byCode) return byCode[1];
  if (status === 429 && perDay.test(message)) return "quota";
  if (isRefusedRequest(status, message)) return "bad_request";
  const byMessage = phrases.find(([words, kind]) => words.test(message) && isPlausible(kind, status));
  return byMessage?.[1] ?? kindOfStatus(status);
}

/**
 * Returns true if the request itself is refused, whatever the status. llama.cpp and Ollama send 500 if their prompt template refuses the messages or
 * their model takes no pictures, OpenRouter 404, and LM Studio an event without a status. Sources: llama.cpp#19851, #15377, jan#6254, open-webui#13077.
 */
function isRefusedRequest(status: number | undefined, message: string): boolean {
  return (status === undefined || status === 404 || status === 500) && refusedRequest.test(message);
}

const refusedRequest =
  /jinja exception|roles must alternate|(image|audio) input is not supported|support (image|audio)(s\b| input)|required for image input|image: unknown format|failed to load image/i;

/** Statuses with which a proxy in front of the provider may send its own HTML page. For these, the status decides the kind of error. */
const htmlFromProxy = new Set([401, 403, 407, 408, 413, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]);

/** Matches rate limits. The message decides, because Cerebras calls a limit per minute a quota. */
const perMinute = /\bper[- ]?(second|min(ute)?|hour)\b|\b[RT]P[MS]\b/i;
/**
 * Matches limits per day. They count as a quota (OpenRouter's `free-models-per-day`), unless the error's code says that the limit refills
 * gradually (OpenAI, Groq).
 */
const perDay = /\bper[- ]day\b|\bdaily\b.{0,20}\b(limit|quota)/i;

/** Matches OpenAI's code for a string that is too long: a text of the conversation, or one of the fields that `besideText` matches. */
const tooLong = /stringabovemax/;
/** Matches fields of a request that do not get shorter with the conversation: of a tool's definition, ids, and names. */
const besideText = /\btools\b|\b(call_)?id\b|\bname\b/i;

const codes: readonly (readonly [RegExp, LlmErrorKind])[] = [
  [
    /insufficientquota|quotaexceeded|exceededcurrentquota|billing|insufficient(balance|credit|fund)|paymentrequired|arrearage/,
    "quota",
  ],
  // Z.ai and Zhipu send a number as text, and no type. Their message is Chinese or English, depending on the account.
  [/^(1113|1304|1308|1309|1310) *$/, "quota"],
  [/^1261 *$/, "context_length"],
  [/^1301 *$/, "content_filter"],
  [/^1211 *$/, "model_gone"],
  [/context(length|size|window)|stringabovemax|requesttoolarge|prompttoolong/, "context_length"],
  [/contentfilter|contentpolicy|responsibleai|datainspection/, "content_filter"],
  [/toolusefailed/, "tool_generation_failed"],
  [/model(not|deprecated|decommissioned|unavailable|retired)|deploymentnotfound|nosuchmodel/, "model_gone"],
  [/apikey|authenticat|unauthorized|permission|accessdenied|forbidden/, "auth"],
  [/ratelimit|toomanyrequests|throttl|resourceexhausted/, "rate_limit"],
  [/overloaded|unavailable|capacity/, "overloaded"],
];

const phrases: readonly (readonly [RegExp, LlmErrorKind])[] = [
  // Anthropic and Groq, if the request's limit of the answer is more than the model can write
  [/\bmax_(completion_)?tokens\W{1,3}(\d+ > \d+, which|must be less than or equal to)/i, "bad_request"],
  [/insufficient.{0,3}(quota|balance|credit|fund)|current quota|credit balance|out of credits/i, "quota"],
  // Anthropic and xAI, at the limit that the account has set itself
  [/reached your (\w+ ){0,2}usage limits|used all available credits|monthly spending limit/i, "quota"],
  [/balance is (insufficient|not enough)|usage limit (exceeded|reached)|余额不足|欠费|请充值/i, "quota"],
  [/rate.?limit|too many requests/i, "rate_limit"],
  [/context.{0,3}(length|window|size|limit)|exceed\w* (the )?(model|context)\b/i, "context_length"],
  [
    /(prompt|input|conversation|request|messages?) (is |are )?too (long|large)|too many (input )?tokens/i,
    "context_length",
  ],
  // vLLM, also for a request that leaves no token to the answer, and LM Studio
  [
    /longer than the maximum model length|max_tokens must be at least 1, got -|n_keep\b.{0,20}>= n_ctx/i,
    "context_length",
  ],
  // Google and Databricks, if the body has too many bytes
  [/\b(request|payload)( payload| body)? (size\b.{0,20}\bexceed|(is )?too large\b)/i, "context_length"],
  [/\binputs?\W{1,3}tokens\b.{0,40}must be/i, "context_length"],
  [/(prompt|inputs?)[ _](length|tokens?)\b.{0,40}(exceed|should be|must be|maximum)/i, "context_length"],
  [/maximum (prompt|input) length|inputs\W+must have less/i, "context_length"],
  [/reduce the length|(max(imum)?|exceed\w*)\W+(\w+\W+){0,4}(tokens|(token|input|sequence) l)/i, "context_length"],
  [/content.{0,3}(\w+ )?(policy|filter)|responsible ?ai/i, "content_filter"],
  [
    /inappropriate content|content exists risk|moderation|\b(our|to) safety\b|(prompt|request|response|content) (was|is) (blocked|flagged)/i,
    "content_filter",
  ],
  [/failed to (call a function|parse tool call)/i, "tool_generation_failed"],
  [/no such model|(model|deployment)\b.{0,120}(not (be )?found|not exist|decommissioned|no longer)/i, "model_gone"],
  [/(invalid|incorrect|missing|wrong|expired).{0,20}(api.?key|\btoken\b|credential)|unauthori[sz]ed/i, "auth"],
  [/overloaded|at capacity|no (available )?capacity|loading (the )?model/i, "overloaded"],
];

/**
 * Returns false if the kind contradicts the status: a 429 is about limits and a 5xx about the server, whatever else the message mentions.
 */
function isPlausible(kind: LlmErrorKind, status = 400): boolean {
  if (status === 429) return kind === "quota";
  return status < 500 || ["context_length", "tool_generation_failed", "rate_limit", "overloaded"].includes(kind);
}

function kindOfStatus(status: number | undefined): LlmErrorKind {
  if (status === undefined) return "server";
  if (status === 503 || status === 529) return "overloaded";
  if (status >= 500 || status === 409 || status === 425) return "server";
  if (status === 429) return "rate_limit";
  if (status === 401 || status === 403 || status === 407) return "auth";
  if (status === 402) return "quota";
  if (status === 404 || status === 410) return "model_gone";
  if (status === 408) return "timeout";
  return "bad_request";
}

/** Returns the status that corresponds to an error's code or type. Used for errors inside a response with status 200. */
function statusOf(error: JsonObject, code: string): number | undefined {
  const numbers = [error.code, error.status, error.status_code, error.statusCode].map(asNumber);
  const number = numbers.find((candidate = 0) => candidate >= 400 && candidate <= 599);
  if (number !== undefined) return number;
  return typeStatus.find(([word]) => code.includes(word))?.[1];
}

const typeStatus: readonly (readonly [string, number])[] = [
  ["overloaded", 529],
  ["ratelimit", 429],
  ["authentication", 401],
  ["permission", 403],
  ["notfound", 404],
  ["invalidrequest", 400],
  ["timeout", 408],
  ["servererror", 500],
  ["apierror", 500],
];

/**
 * Returns the text of those fields that hold a message; other fields may repeat the prompt. OpenRouter's own message is meaningless, so the
 * message in `metadata.raw`, which is from the model's provider, is added.
 */
function messageOf(error: JsonObject, whole: string | undefined): string {
  const texts = [error.message, error["html-message"], error.detail, error.msg, error.error_msg, error.status_msg];
  const said = texts.map(asText).find((text) => text !== undefined) ?? asText(error.error_description) ?? whole;
  // Mistral's message is an object with the details that FastAPI writes.
  const detail = error.detail ?? asObject(error.message)?.detail;
  const fields = asObjects(detail).map(({ loc, msg }) => `${[loc].flat().map(word).join(".")}: ${word(msg)}`);
  const raw = asText(asObject(error.metadata)?.raw);
  return [said && isPage(said) ? titleOf(said) : (said ?? fields.join(", ")), raw && parseErrorBody(raw).message]
    .filter(Boolean)
    .join(": ");
}

/** Returns the value as text; "" for an object, since converting it could throw. */
function word(value: unknown): string {
  return asText(value) ?? String(asNumber(value) ?? "");
}

/** Returns true for HTML and XML. A text can begin with `<` too: DashScope's messages begin with the status, as in `<400> InternalError`. */
function isPage(text: string): boolean {
  return /^\s*<[a-z!?]/i.test(text);
}

function titleOf(html: string): string {
  const title = /<title[^>]*>([^<]*)/i.exec(html)?.[1] ?? /<h1[^>]*>([^<]*)/i.exec(html)?.[1];
  return `an HTML page${title ? ` (${title.trim()})` : ""}`;
}
