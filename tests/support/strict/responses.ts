import {
  checkEffort,
  effortOf,
  type OpenAiModel,
  openAiAccount,
  openAiError,
  openAiFailure,
  openAiModel,
  streamError,
} from "./openai.js";
import { type InputTokens, type Mark, type Segment, segmentOf, tokensOf } from "./prefix-cache.js";
import { isJson, type Json, listOf, Refusal, textOf } from "./refusal.js";
import { IssuedReasoning } from "./responses-reasoning.js";
import { checkResponsesRequest } from "./responses-request.js";
import type { Answer, End, Part } from "./script.js";
import { type Accepted, type MockWire, pieces, type Rendered, type Vendor, type WireEvent } from "./server.js";

const halfAnHour = 30 * 60_000;
const minimum = 1024;

/** Makes OpenAI's `POST /v1/responses`. */
export function responsesWire(vendor: Vendor): MockWire {
  const issued = new IssuedReasoning();
  return {
    takes: ({ method, url }) => method === "POST" && url.pathname === "/v1/responses",
    refuse: (refusal) => openAiError(refusal, vendor),
    fail: (failure) => openAiFailure(failure, vendor),
    receive: (request) => {
      const { body } = request;
      const account = openAiAccount(request, vendor);
      const name = textOf(body.model);
      const model = openAiModel(body.model);
      checkResponsesRequest(body);
      checkModel(name, model, body);
      const items = itemsOf(body);
      const input = inputTokens(vendor, account, name, model, body, items);
      issued.check(items, account, model.family);
      if (input.tokens.input > (vendor.contextWindow ?? model.window))
        throw new Refusal(
          "Your input exceeds the context window of this model. Please adjust your input and try again.",
          { code: "context_length_exceeded", param: "input" },
        );
      return {
        model: name,
        account,
        isStreamed: body.stream === true,
        seen: seenOf(name, items),
        input,
        lostReasoning: issued.lost(items, account, model.family),
        warnings: [...issued.lostPhases(items), ...missingTools(body, items)],
        headers: { "x-request-id": vendor.newId("req_"), "openai-processing-ms": "12" },
        errorEvent: (kind, how) => {
          const error = streamError(kind);
          const response = { ...resource(body, vendor), status: "failed", error };
          return how === "failed"
            ? frame({ type: "response.failed", response, sequence_number: 99 })
            : frame({ type: "error", ...error, param: null, sequence_number: 99 });
        },
        render: (answer) => {
          const written = write(answer, body, model, vendor);
          issued.remember({ account, family: model.family, items: written.items });
          return render(answer, written, body, input.tokens, vendor);
        },
      } satisfies Accepted;
    },
  };
}

const missingTools = (body: Json, items: Json[]): string[] =>
  listOf(body.tools).length === 0 && items.some(({ type }) => type === "function_call")
    ? ["there are calls in the input, but no tools"]
    : [];

const itemsOf = (body: Json): Json[] =>
  typeof body.input === "string" ? [{ role: "user", content: body.input }] : listOf(body.input);

/** Refuses parameters that this model does not accept. */
function checkModel(name: string, model: OpenAiModel, body: Json): void {
  const isReasoning = model.efforts.length > 0;
  checkEffort(name, model, effortOf(body), "reasoning.effort");
  const include = Array.isArray(body.include) ? body.include : [];
  if (!isReasoning && include.includes("reasoning.encrypted_content"))
    throw new Refusal("Encrypted content is not supported with this model.", { param: "include" });
  for (const param of ["temperature", "top_p"])
    if (isReasoning && body[param] !== undefined && effortOf(body) !== "none")
      throw new Refusal(`Unsupported parameter: '${param}' is not supported with this model.`, { param });
  if (model.hasMarks && body.prompt_cache_retention === "in_memory")
    throw new Refusal("This model is compatible only with 24h extended prompt caching", {
      param: "prompt_cache_retention",
    });
  if (typeof body.previous_response_id === "string")
    throw new Refusal(`Previous response with id '${body.previous_response_id}' not found.`, {
      code: "previous_response_not_found",
      param: "previous_response_id",
    });
}

function seenOf(model: string, items: Json[]): Accepted["seen"] {
  const lastNotOutput = items.findLastIndex(({ type }) => type !== "function_call_output");
  return {
    model,
    userText: textOfContent(items.findLast(({ role }) => role === "user")?.content),
    results: items.slice(lastNotOutput + 1).map(({ output }) => textOfContent(output)),
  };
}

const textOfContent = (content: unknown): string =>
  typeof content === "string"
    ? content
    : listOf(content)
        .map(({ text }) => textOf(text))
        .join("");

/** Accounts for the prompt by OpenAI's prompt-caching guide (September 2026). */
function inputTokens(
  { cache }: Vendor,
  account: string,
  name: string,
  model: OpenAiModel,
  body: Json,
  items: Json[],
): Accepted["input"] {
  const { verbosity, format } = (isJson(body.text) ? body.text : {}) as Json;
  const scope = JSON.stringify([account, name, body.prompt_cache_key, effortOf(body), verbosity, format]);
  const start = [...listOf(body.tools), ...(body.instructions ? [body.instructions] : [])];
  const segments: Segment[] = [...start, ...items].map((value, index) => segmentOf(withoutBreakpoints(value), index));
  if (!model.hasMarks)
    return cache.automatic(scope, segments, minimum, 128, body.prompt_cache_retention === "24h" ? 24 * 3.6e6 : 6e5);
  const isExplicit = isJson(body.prompt_cache_options) && body.prompt_cache_options.mode === "explicit";
  const offset = (index: number) => start.length + index;
  const eligible = eligibleEnds(items).map(offset);
  const explicit = items.flatMap((item, index) => (hasBreakpoint(item) ? [offset(index)] : []));
  const marks = [...new Set([...explicit.slice(-4), ...(isExplicit ? [] : eligible.slice(-1))])].slice(-4);
  const firstDevelopers = items.findIndex(({ role }) => role !== "developer" && role !== "system");
  const candidates = [
    ...explicit.slice(0, 2),
    ...explicit.slice(-50),
    ...(isExplicit ? [] : eligible.slice(-21)),
    ...(firstDevelopers > 0 && !isExplicit ? [offset(firstDevelopers - 1)] : []),
  ];
  const written: Mark[] = marks.sort((a, b) => a - b).map((segment) => ({ segment, lifeMs: halfAnHour }));
  return cache.account(scope, segments, written, candidates, minimum);
}

const withoutBreakpoints = (value: unknown): string =>
  JSON.stringify(value, (key, inner: unknown) => (key === "prompt_cache_breakpoint" ? undefined : inner));

const hasBreakpoint = (item: Json): boolean =>
  [...listOf(item.content), ...listOf(item.output)].some((part) => part.prompt_cache_breakpoint !== undefined);

/**
 * Returns the items after which the service may put its cache mark: user messages, the last of a run of outputs, and the last developer
 * message at the start.
 */
function eligibleEnds(items: Json[]): number[] {
  const isDeveloper = (item: Json | undefined) => item?.role === "developer" || item?.role === "system";
  return items.flatMap((item, index) => {
    const next = items[index + 1];
    const isFirstGroup = items.slice(0, index + 1).every(isDeveloper);
    const isEligible =
      item.role === "user" ||
      (item.type === "function_call_output" && next?.type !== "function_call_output") ||
      (isDeveloper(item) && isFirstGroup && !isDeveloper(next));
    return isEligible ? [index] : [];
  });
}

interface Written {
  items: Json[];
  /** Tokens of the reasoning in all items, for the bill. */
  reasoning: number;
  output: number;
  isRefusal: boolean;
}

/** Makes the output items of an answer. */
function write(answer: Answer, body: Json, model: OpenAiModel, vendor: Vendor): Written {
  const isThinking = model.efforts.length > 0 && effortOf(body) !== "none";
  const isEmpty = answer.end === "empty" || answer.end === "prompt_blocked";
  const parts = isEmpty ? [] : answer.parts.filter(({ kind }) => kind !== "thinks" || isThinking);
  const hasCalls = parts.some(({ kind }) => kind === "calls");
  const items = parts.map((part) => itemOf(part, body, model, vendor, hasCalls, answer.end));
  const last = items.at(-1);
  if (last && (answer.end === "length" || answer.end === "context_window" || answer.end === "content_filter"))
    last.status = "incomplete";
  const reasoning = parts.reduce((sum, part) => sum + (part.kind === "thinks" ? tokensOf(part.text) : 0), 0);
  const output = parts.reduce((sum, part) => sum + tokensOf(part.kind === "calls" ? part.arguments : part.text), 0);
  return { items, reasoning, output, isRefusal: answer.end === "refusal" };
}

function itemOf(
  part: Part,
  body: Json,
  model: OpenAiModel,
  vendor: Vendor,
  hasCalls: boolean,
  end: End | undefined,
): Json {
  if (part.kind === "thinks") {
    const hasSummary = isJson(body.reasoning) && typeof body.reasoning.summary === "string";
    return {
      id: vendor.newId("rs_", 48),
      type: "reasoning",
      summary: hasSummary && !part.isRedacted ? [{ type: "summary_text", text: part.text }] : [],
      encrypted_content: vendor.newSeal("gAAAAABp"),
    };
  }
  if (part.kind === "calls")
    return {
      id: vendor.newId("fc_", 48),
      type: "function_call",
      status: "completed",
      arguments: part.arguments,
      call_id: vendor.newId("call_"),
      name: part.name,
    };
  const phase = part.phase ?? (hasCalls ? "commentary" : "final_answer");
  const content =
    end === "refusal"
      ? { type: "refusal", refusal: part.text }
      : { type: "output_text", annotations: [], logprobs: [], text: part.text };
  return {
    id: vendor.newId("msg_", 48),
    type: "message",
    status: "completed",
    content: [content],
    ...(model.hasPhase && { phase }),
    role: "assistant",
  };
}

/** Ends of an answer that are failures on this wire. */
const failedEnds: Partial<Record<End, { code: string; message: string }>> = {
  malformed_call: { code: "server_error", message: "The model produced an invalid tool call." },
  prompt_blocked: { code: "invalid_prompt", message: "Invalid prompt: your prompt was flagged." },
};

const frame = (event: Json): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Makes the whole response and the events of the same response. */
function render(answer: Answer, written: Written, body: Json, input: InputTokens, vendor: Vendor): Rendered {
  const { items, reasoning, output } = written;
  const started = resource(body, vendor);
  const isLength = answer.end === "length" || answer.end === "context_window";
  const reason = isLength ? "max_output_tokens" : answer.end === "content_filter" ? "content_filter" : undefined;
  const failure = answer.end ? failedEnds[answer.end] : undefined;
  const status = failure ? "failed" : reason ? "incomplete" : "completed";
  const whole = {
    ...started,
    status,
    output: items,
    ...(reason && { incomplete_details: { reason } }),
    ...(failure && { error: failure }),
    usage: {
      input_tokens: input.input,
      input_tokens_details: { cached_tokens: input.read, cache_write_tokens: input.written },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: input.input + output,
    },
  };
  let sequence = 0;
  const events: WireEvent[] = [];
  const isPadded = !(isJson(body.stream_options) && body.stream_options.include_obfuscation === false);
  const add = (stage: WireEvent["stage"], event: Json) => {
    const padding = isPadded && textOf(event.type).endsWith(".delta") ? { obfuscation: "x7Yt2" } : {};
    events.push({ stage, text: frame({ ...event, sequence_number: sequence++, ...padding }) });
  };
  add("frame", { type: "response.created", response: started });
  add("frame", { type: "response.in_progress", response: started });
  events.push({ stage: "frame", text: ": keep-alive\n\n" });
  // Services send events that no client knows yet.
  add("frame", { type: "keepalive" });
  for (const group of groupsOf(items)) addItems(group, add, vendor);
  add("closing", { type: `response.${status}`, response: whole });
  return { whole, events, output, reasoning };
}

/** Groups adjacent calls, whose deltas interleave. */
function groupsOf(items: Json[]): { item: Json; index: number }[][] {
  const groups: { item: Json; index: number }[][] = [];
  for (const [index, item] of items.entries()) {
    const last = groups.at(-1);
    if (last && item.type === "function_call" && last[0]?.item.type === "function_call") last.push({ item, index });
    else groups.push([{ item, index }]);
  }
  return groups;
}

type Add = (stage: WireEvent["stage"], event: Json) => void;

function addItems(group: { item: Json; index: number }[], add: Add, vendor: Vendor): void {
  const stage =
    group[0]?.item.type === "function_call" ? "call" : group[0]?.item.type === "message" ? "text" : "reasoning";
  for (const { item, index } of group)
    add(stage === "reasoning" ? "reasoning" : "frame", {
      type: "response.output_item.added",
      output_index: index,
      item: opened(item, vendor),
    });
  if (stage === "call") addCallDeltas(group, add);
  else for (const { item, index } of group) addDeltas(item, index, add);
  for (const { item, index } of group)
    add(stage === "reasoning" ? "reasoning" : "frame", {
      type: "response.output_item.done",
      output_index: index,
      item,
    });
}

/** Returns the item as it is announced: empty, and with encrypted content that is not final. */
function opened(item: Json, vendor: Vendor): Json {
  if (item.type === "reasoning") return { ...item, summary: [], encrypted_content: vendor.newSeal("gAAAAABp") };
  if (item.type === "function_call") return { ...item, status: "in_progress", arguments: "" };
  return { ...item, status: "in_progress", content: [] };
}

function addCallDeltas(group: { item: Json; index: number }[], add: Add): void {
  const open = group.map(({ item, index }) => ({ item, index, left: pieces(textOf(item.arguments), 6) }));
  const longest = Math.max(...open.map(({ left }) => left.length));
  for (let turn = 0; turn < longest; turn++)
    for (const { item, index, left } of open) {
      const delta = left[turn];
      if (delta !== undefined)
        add("call", { type: "response.function_call_arguments.delta", item_id: item.id, output_index: index, delta });
    }
  for (const { item, index } of open)
    add("frame", {
      type: "response.function_call_arguments.done",
      item_id: item.id,
      output_index: index,
      arguments: item.arguments,
      name: item.name,
    });
}

function addDeltas(item: Json, index: number, add: Add): void {
  const at = { item_id: item.id, output_index: index };
  if (item.type === "reasoning") {
    for (const [summaryIndex, { text }] of listOf(item.summary).entries()) {
      const part = { ...at, summary_index: summaryIndex };
      const whole = { type: "summary_text", text };
      add("reasoning", { type: "response.reasoning_summary_part.added", ...part, part: { ...whole, text: "" } });
      for (const delta of pieces(textOf(text)))
        add("reasoning", { type: "response.reasoning_summary_text.delta", ...part, delta });
      add("reasoning", { type: "response.reasoning_summary_text.done", ...part, text });
      add("reasoning", { type: "response.reasoning_summary_part.done", ...part, part: whole });
    }
    return;
  }
  for (const [contentIndex, part] of listOf(item.content).entries()) {
    const here = { ...at, content_index: contentIndex };
    const isRefusal = part.type === "refusal";
    const text = textOf(isRefusal ? part.refusal : part.text);
    const empty = isRefusal ? { ...part, refusal: "" } : { ...part, text: "" };
    const name = isRefusal ? "response.refusal" : "response.output_text";
    add("frame", { type: "response.content_part.added", ...here, part: empty });
    for (const delta of pieces(text))
      add("text", { type: `${name}.delta`, ...here, delta, ...(!isRefusal && { logprobs: [] }) });
    add("frame", { type: `${name}.done`, ...here, ...(isRefusal ? { refusal: text } : { text, logprobs: [] }) });
    add("frame", { type: "response.content_part.done", ...here, part });
  }
}

/** Returns the response object at the start of the answer, with every field that the service sends. */
function resource(body: Json, vendor: Vendor): Json {
  const reasoning = isJson(body.reasoning) ? body.reasoning : {};
  return {
    id: vendor.newId("resp_", 48),
    object: "response",
    created_at: Math.floor(vendor.now() / 1000),
    status: "in_progress",
    background: false,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    model: body.model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    prompt_cache_retention: body.prompt_cache_retention ?? null,
    reasoning: { effort: reasoning.effort ?? "medium", summary: reasoning.summary ?? null },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: "default",
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: body.text ?? { format: { type: "text" }, verbosity: "medium" },
    tool_choice: body.tool_choice ?? "auto",
    tools: body.tools ?? [],
    top_logprobs: 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? "disabled",
    usage: null,
    user: null,
    metadata: body.metadata ?? {},
  };
}
