import { type ClaudeModel, claudeModel, claudeModelNames } from "./anthropic-models.js";
import { checkMessagesRequest, isThinking, mergedMessages, systemBlocks } from "./messages-request.js";
import { canonical, IssuedThoughts, withoutMarks } from "./messages-thinking.js";
import { type InputTokens, type Mark, type Segment, segmentOf, tokensOf } from "./prefix-cache.js";
import { isJson, type Json, listOf, Refusal, textOf } from "./refusal.js";
import type { Answer, End, Failure, FailureKind, Part } from "./script.js";
import {
  type Accepted,
  type HttpRequest,
  type MockWire,
  pieces,
  type Rendered,
  type Reply,
  retryHeaders,
  type Vendor,
  type WireEvent,
} from "./server.js";

/** Makes Anthropic's `POST /v1/messages`, `POST /v1/messages/count_tokens` and `GET /v1/models`. */
export function messagesWire(vendor: Vendor): MockWire {
  const issued = new IssuedThoughts();
  return {
    takes: ({ url }) => /^\/v1\/(messages(\/count_tokens)?|models)$/.test(url.pathname),
    refuse: ({ status, type, message, details }) => errorReply(status, type, message, vendor, details),
    fail: (failure) => failureReply(failure, vendor),
    receive: (request) => {
      const { body } = request;
      if (request.text.length > 32 * 1024 * 1024)
        throw new Refusal("Request exceeds the maximum size", { status: 413, type: "request_too_large" });
      const account = accountOf(request, vendor);
      const version = checkVersion(request);
      if (request.url.pathname === "/v1/models") return modelList();
      const model = claudeModel(body.model);
      const betas = textOf(request.headers["anthropic-beta"]).split(/\s*,\s*/);
      const isCount = request.url.pathname.endsWith("/count_tokens");
      checkMessagesRequest(isCount ? { max_tokens: 1, ...body } : body, model, betas);
      if (version === "2026-10-21") checkNewVersion(body);
      const { dropped, transformations, lost, binding } = issued.check(body, account, model);
      const input = inputTokens(vendor, account, model, body, dropped);
      const size = input.tokens.input;
      if (isCount) return { status: 200, reply: { input_tokens: size } };
      const window = vendor.contextWindow ?? model.window;
      if (size > window) throw new Refusal(`prompt is too long: ${size} tokens > ${window} maximum`);
      return {
        model: textOf(body.model),
        account,
        isStreamed: body.stream === true,
        seen: seenOf(body),
        input,
        lostReasoning: lost,
        warnings: warningsOf(body),
        headers: { "request-id": vendor.newId("req_") },
        errorEvent: (kind) => {
          const [, type, message] = failures[kind];
          return frame({ type: "error", error: { type, message }, request_id: vendor.newId("req_") });
        },
        render: (answer) => {
          const written = write(answer, body, model, vendor);
          issued.remember(body, account, written.blocks, binding);
          return render(answer, written, body, input.tokens, transformations, vendor);
        },
      } satisfies Accepted;
    },
  };
}

/** Returns the account of the key, which is in one of two headers. */
function accountOf({ headers }: HttpRequest, vendor: Vendor): string {
  const unauthorized = (message: string) => new Refusal(message, { status: 401, type: "authentication_error" });
  const key = headers["x-api-key"];
  const bearer = headers.authorization;
  if (key !== undefined && bearer !== undefined)
    throw unauthorized("only one of the x-api-key and authorization headers may be set");
  if (typeof key === "string" && key) return vendor.account(key, () => unauthorized("invalid x-api-key"));
  if (bearer?.startsWith("Bearer ")) return vendor.account(bearer.slice(7), () => unauthorized("invalid bearer token"));
  throw unauthorized("x-api-key header is required");
}

function checkVersion({ headers }: HttpRequest): string {
  const version = headers["anthropic-version"];
  if (typeof version !== "string") throw new Refusal("anthropic-version: header is required");
  if (version !== "2023-06-01" && version !== "2026-10-21")
    throw new Refusal(`anthropic-version: "${version}" is not a valid version`);
  return version;
}

/** Refuses features that version `2026-10-21` removed for every model. */
function checkNewVersion(body: Json): void {
  const sampling = ["temperature", "top_p", "top_k"].find((name) => body[name] !== undefined);
  if (sampling) throw new Refusal(`\`${sampling}\` is deprecated for this model.`);
  const isDocument = ({ role, content }: Json) =>
    role === "assistant" && listOf(content).some(({ type }) => type === "document");
  if (listOf(body.messages).some(isDocument))
    throw new Refusal("messages: `document` blocks are not permitted in `assistant` messages");
}

const modelList = (): Reply => ({
  status: 200,
  reply: {
    data: claudeModelNames.map((id) => ({ type: "model", id, display_name: id, created_at: "2026-09-01T00:00:00Z" })),
    has_more: false,
    first_id: claudeModelNames[0],
    last_id: claudeModelNames.at(-1),
  },
});

/** Status, type and text of each failure. */
const failures: Record<FailureKind, [status: number, type: string, message: string]> = {
  rate_limit: [429, "rate_limit_error", "This request would exceed your organization's rate limit."],
  quota: [429, "rate_limit_error", "You have reached your specified workspace API usage limits."],
  overloaded: [529, "overloaded_error", "Overloaded"],
  server: [500, "api_error", "Internal server error"],
  timeout: [504, "timeout_error", "Request timed out"],
  auth: [401, "authentication_error", "invalid x-api-key"],
  billing: [
    400,
    "invalid_request_error",
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
  ],
  forbidden: [403, "permission_error", "Your API key does not have permission to use the specified resource."],
  not_found: [404, "not_found_error", "model: unknown"],
  too_large: [413, "request_too_large", "Request exceeds the maximum size"],
  context_overflow: [400, "invalid_request_error", "prompt is too long: 1000321 tokens > 1000000 maximum"],
  html: [502, "", "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"],
};

function errorReply(status: number, type: string, message: string, vendor: Vendor, details?: Json): Reply {
  const id = vendor.newId("req_");
  return {
    status,
    headers: { "request-id": id },
    reply: { type: "error", error: { type, message, ...(details && { details }) }, request_id: id },
  };
}

function failureReply(failure: Failure, vendor: Vendor): Reply {
  const [status, type, message] = failures[failure.fails];
  if (failure.fails === "html") return { status, headers: retryHeaders(failure), reply: message };
  const details = failure.fails === "quota" ? { error_code: "workspace_spend_limit_reached" } : undefined;
  const reply = errorReply(status, type, message, vendor, details);
  return { ...reply, headers: { ...reply.headers, ...retryHeaders(failure) } };
}

const textOfContent = (content: unknown): string =>
  typeof content === "string"
    ? content
    : listOf(content)
        .map(({ text }) => textOf(text))
        .join("");

function seenOf(body: Json): Accepted["seen"] {
  const messages = mergedMessages(body);
  const isPrompt = ({ role, content }: (typeof messages)[number]) =>
    role === "user" && content.some(({ type }) => type === "text");
  return {
    model: textOf(body.model),
    userText: textOfContent(messages.findLast(isPrompt)?.content),
    results: (messages.at(-1)?.content ?? [])
      .filter(({ type }) => type === "tool_result")
      .map(({ content }) => textOfContent(content)),
  };
}

/**
 * Returns warnings about accepted messages that teach the model to call one tool at a time or to end its turn empty, by Anthropic's page on
 * stop reasons.
 */
function warningsOf(body: Json): string[] {
  const messages = listOf(body.messages);
  const hasResult = ({ role, content }: Json) =>
    role === "user" && listOf(content).some(({ type }) => type === "tool_result");
  const hasTextBehind = ({ content }: Json) => {
    const blocks = listOf(content);
    return blocks[0]?.type === "tool_result" && blocks.some(({ type }) => type === "text");
  };
  const hasCalls = messages.some(({ content }) => listOf(content).some(({ type }) => type === "tool_use"));
  return [
    ...messages.flatMap((message, index) => {
      const before = messages[index - 1];
      return hasResult(message) && before && hasResult(before)
        ? [`messages.${index}: the results of one hop stand in several messages`]
        : [];
    }),
    ...messages.flatMap((message, index) =>
      hasTextBehind(message) ? [`messages.${index}: text stands behind results`] : [],
    ),
    ...(hasCalls && listOf(body.tools).length === 0 ? ["there are calls in the messages, but no tools"] : []),
  ];
}

/** Accounts for the prompt by Anthropic's prompt-caching page (November 2026). */
function inputTokens(
  { cache, countsEachBlock }: Vendor,
  account: string,
  model: ClaudeModel,
  body: Json,
  dropped: ReadonlySet<Json>,
): Accepted["input"] {
  const segments: Segment[] = [];
  const marks: Mark[] = [];
  let position = -1;
  let run = "";
  let lastMarkable = -1;
  const add = (block: Json, bytes: string) => {
    const type = textOf(block.type);
    const isRun = !countsEachBlock && (type === "tool_use" || type === "tool_result");
    if (!isRun || run !== type) position++;
    run = isRun ? type : "";
    segments.push(segmentOf(bytes, position));
    const control = controlOf(block);
    if (control) marks.push(markAt(segments.length - 1, control));
    const isText = type === "text" && textOf(block.text) === "";
    if (!isText && type !== "thinking" && type !== "redacted_thinking") lastMarkable = segments.length - 1;
  };
  for (const tool of listOf(body.tools))
    if (tool.defer_loading !== true) add({ ...tool, type: "tool" }, JSON.stringify(withoutMarks(tool)));
  for (const block of systemBlocks(body)) add(block, canonical(block));
  const firstMessage = segments.length;
  const messages = mergedMessages(body);
  const lastPrompt = messages.findLastIndex(
    ({ role, content }) => role === "user" && content.some(({ type }) => type !== "tool_result"),
  );
  for (const [index, { role, content }] of messages.entries())
    for (const block of content) {
      const isThought = block.type === "thinking" || block.type === "redacted_thinking";
      const isForgotten = isThought && !model.keepsOldThinking && index < lastPrompt;
      if (!dropped.has(block) && !isForgotten) add(block, `${role} ${canonical(block)}`);
    }
  if (isJson(body.cache_control) && lastMarkable !== -1) marks.push(markAt(lastMarkable, body.cache_control));
  const reachable = marks.flatMap(({ segment }) => {
    const at = segments[segment]?.position ?? 0;
    return segments.flatMap((one, index) => (index <= segment && one.position > at - 20 ? [index] : []));
  });
  const thinking = isJson(body.thinking) ? [body.thinking.type, body.thinking.budget_tokens] : [];
  const effort = isJson(body.output_config) ? body.output_config.effort : undefined;
  const hasImages = messages.some(({ content }) =>
    content.some((block) => [block, ...listOf(block.content)].some(({ type }) => type === "image")),
  );
  const salt = JSON.stringify([body.tool_choice, thinking, effort, hasImages]);
  const scope = JSON.stringify([account, body.model]);
  return cache.account(scope, segments, marks, reachable, model.cacheMinimum, { [firstMessage]: salt });
}

const markAt = (segment: number, control: Json): Mark => ({
  segment,
  lifeMs: control.ttl === "1h" ? 3_600_000 : 300_000,
});

const controlOf = (block: Json): Json | undefined =>
  [block, ...listOf(block.content)].map(({ cache_control }) => cache_control).find(isJson);

interface Written {
  blocks: Json[];
  /** Text of each call's arguments, also if it is broken JSON. */
  texts: Map<Json, string>;
  reasoning: number;
  output: number;
}

/** Makes the content blocks of an answer. */
function write(answer: Answer, body: Json, model: ClaudeModel, vendor: Vendor): Written {
  const isOn = isThinking(body, model);
  const isEmpty = answer.end === "empty" || answer.end === "prompt_blocked";
  const parts = isEmpty ? [] : answer.parts.filter(({ kind }) => kind !== "thinks" || isOn);
  const texts = new Map<Json, string>();
  const display = isJson(body.thinking) ? body.thinking.display : undefined;
  const isShown = display === undefined ? !model.isOmitted : display === "summarized";
  const blocks = parts.map((part) => {
    const block = blockOf(part, isShown, vendor);
    if (part.kind === "calls") texts.set(block, part.arguments);
    return block;
  });
  // The service pauses in a call of its own tool.
  if (answer.end === "pause")
    blocks.push({ type: "server_tool_use", id: vendor.newId("srvtoolu_"), name: "web_search", input: { query: "x" } });
  return {
    blocks,
    texts,
    reasoning: parts.reduce((sum, part) => sum + (part.kind === "thinks" ? tokensOf(part.text) : 0), 0),
    output: parts.reduce((sum, part) => sum + tokensOf(part.kind === "calls" ? part.arguments : part.text), 0),
  };
}

function blockOf(part: Part, isShown: boolean, vendor: Vendor): Json {
  if (part.kind === "says") return { type: "text", text: part.text };
  if (part.kind === "calls")
    return {
      type: "tool_use",
      id: vendor.newId("toolu_"),
      name: part.name,
      input: inputOf(part.arguments),
      caller: direct,
    };
  if (part.isRedacted) return { type: "redacted_thinking", data: vendor.newSeal("EmwKAhgB") };
  return { type: "thinking", thinking: isShown ? part.text : "", signature: vendor.newSeal("EqQBCgIY") };
}

/** A field of every call that the service recently added. It need not be sent back. */
const direct = { type: "direct" };

function inputOf(text: string): unknown {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return {};
  }
}

const stopReasons: Partial<Record<End, string>> = {
  length: "max_tokens",
  refusal: "refusal",
  content_filter: "refusal",
  prompt_blocked: "refusal",
  pause: "pause_turn",
  context_window: "model_context_window_exceeded",
};

const frame = (event: Json): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Makes the whole message and the events of the same message. */
function render(
  { end }: Answer,
  { blocks, texts, reasoning, output }: Written,
  body: Json,
  input: InputTokens,
  transformations: Json[],
  vendor: Vendor,
): Rendered {
  const hasCalls = blocks.some(({ type }) => type === "tool_use");
  const stopReason = (end && stopReasons[end]) ?? (hasCalls ? "tool_use" : "end_turn");
  const stopDetails =
    stopReason === "refusal" ? { type: "refusal", category: "cyber", explanation: "This request was declined." } : null;
  const inputUsage = {
    input_tokens: input.fresh,
    cache_creation_input_tokens: input.written,
    cache_read_input_tokens: input.read,
    cache_creation: {
      ephemeral_5m_input_tokens: input.written - input.written1h,
      ephemeral_1h_input_tokens: input.written1h,
    },
  };
  const outputUsage = { output_tokens: output, output_tokens_details: { thinking_tokens: reasoning } };
  const started = {
    id: vendor.newId("msg_"),
    type: "message",
    role: "assistant",
    model: body.model,
    content: [] as Json[],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    ...(transformations.length > 0 && { input_transformations: transformations }),
    usage: { ...inputUsage, output_tokens: 1, service_tier: "standard", inference_geo: "global" },
  };
  const whole = {
    ...started,
    content: blocks,
    stop_reason: stopReason,
    stop_details: stopDetails,
    usage: { ...started.usage, ...outputUsage },
  };
  const events: WireEvent[] = [];
  const add = (stage: WireEvent["stage"], event: Json) => events.push({ stage, text: frame(event) });
  add("frame", { type: "message_start", message: started });
  add("frame", { type: "ping" });
  // Services send events that no client knows yet.
  add("frame", { type: "unheard_of", detail: {} });
  for (const [index, block] of blocks.entries()) addBlock(block, index, texts.get(block), add);
  add("closing", {
    type: "message_delta",
    delta: { stop_reason: stopReason, stop_sequence: null, stop_details: stopDetails, container: null },
    usage: { input_tokens: null, cache_creation_input_tokens: null, cache_read_input_tokens: null, ...outputUsage },
  });
  add("closing", { type: "message_stop" });
  return { whole, events, output, reasoning };
}

function addBlock(
  block: Json,
  index: number,
  callText: string | undefined,
  add: (stage: WireEvent["stage"], event: Json) => void,
): void {
  const start = (stage: WireEvent["stage"], content_block: Json) =>
    add(stage, { type: "content_block_start", index, content_block });
  const delta = (stage: WireEvent["stage"], inner: Json) =>
    add(stage, { type: "content_block_delta", index, delta: inner });
  if (block.type === "thinking") {
    start("reasoning", { ...block, thinking: "", signature: "" });
    for (const thinking of pieces(textOf(block.thinking))) delta("reasoning", { type: "thinking_delta", thinking });
    delta("reasoning", { type: "signature_delta", signature: block.signature });
  } else if (block.type === "text") {
    start("frame", { ...block, text: "" });
    for (const text of pieces(textOf(block.text))) delta("text", { type: "text_delta", text });
  } else if (block.type === "tool_use") {
    start("frame", { ...block, input: {} });
    delta("frame", { type: "input_json_delta", partial_json: "" });
    const text = callText === "{}" ? "" : (callText ?? "");
    for (const partialJson of pieces(text, 6)) delta("call", { type: "input_json_delta", partial_json: partialJson });
  } else start("frame", block);
  add("frame", { type: "ping" });
  add("frame", { type: "content_block_stop", index });
}
