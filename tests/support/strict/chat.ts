import { checkChatRequest } from "./chat-request.js";
import {
  checkEffort,
  openAiAccount,
  openAiError,
  openAiFailure,
  openAiModel,
  openAiModels,
  streamError,
} from "./openai.js";
import { type InputTokens, segmentOf, tokensOf } from "./prefix-cache.js";
import { isJson, type Json, listOf, Refusal, textOf } from "./refusal.js";
import type { Answer } from "./script.js";
import { type Accepted, type MockWire, pieces, type Rendered, type Vendor, type WireEvent } from "./server.js";

/** Makes OpenAI's `POST /v1/chat/completions`, which refuses the tools of current models, and `GET /v1/models`. */
export const chatWire = (vendor: Vendor): MockWire =>
  wireOf(vendor, {
    serves: () => true,
    messageFields: "",
    check: checkModel,
    windowOf: (name) => openAiModel(name).window,
    thoughts: undefined,
  });

/** Makes DeepSeek's `POST /v1/chat/completions`: a model that thinks wants its `reasoning_content` back with its calls. */
export const deepSeekWire = (vendor: Vendor): MockWire =>
  wireOf(vendor, {
    serves: (name) => name.startsWith("deepseek-"),
    messageFields: "reasoning_content:string prefix:boolean",
    check: checkDeepSeek,
    windowOf: () => 1_000_000,
    thoughts: new Map(),
  });

/** Differences between vendors of Chat Completions. */
interface ChatVendor {
  /** Returns whether this vendor serves the model; a mock with two vendors chooses by it. */
  serves(name: string): boolean;
  /** Fields of an assistant message that OpenAI does not know. */
  messageFields: string;
  check(name: string, body: Json): void;
  windowOf(name: string): number;
  /** Thoughts that were given out with calls, by the id of the first call. Undefined if the vendor gives out no thoughts. */
  thoughts: Map<string, string> | undefined;
}

function wireOf(vendor: Vendor, { serves, messageFields, check, windowOf, thoughts }: ChatVendor): MockWire {
  return {
    takes: ({ url, body }) =>
      (url.pathname === "/v1/chat/completions" && serves(textOf(body.model))) || url.pathname.startsWith("/v1/models"),
    refuse: (refusal) => openAiError(refusal, vendor),
    fail: (failure) => openAiFailure(failure, vendor),
    receive: (request) => {
      const { body } = request;
      const account = openAiAccount(request, vendor);
      if (request.method === "GET") return openAiModels();
      const name = textOf(body.model);
      const ownWindow = windowOf(name);
      checkChatRequest(body, messageFields);
      check(name, body);
      const messages = listOf(body.messages);
      const segments = [...listOf(body.tools), ...messages].map((value, index) => segmentOf(value, index));
      const scope = JSON.stringify(["chat", account, name, body.prompt_cache_key]);
      const input = vendor.cache.automatic(scope, segments, 1024, 128, 600_000);
      const window = vendor.contextWindow ?? ownWindow;
      const size = input.tokens.input;
      if (size > window)
        throw new Refusal(
          `This model's maximum context length is ${window} tokens. However, your messages resulted in ${size} tokens. Please reduce the length of the messages.`,
          { code: "context_length_exceeded", param: "messages" },
        );
      const lastNotTool = messages.findLastIndex(({ role }) => role !== "tool");
      return {
        model: name,
        account,
        isStreamed: body.stream === true,
        seen: {
          model: name,
          userText: textOfContent(messages.findLast(({ role }) => role === "user")?.content),
          results: messages.slice(lastNotTool + 1).map(({ content }) => textOfContent(content)),
        },
        input,
        lostReasoning: thoughts ? lostThoughts(messages, thoughts) : [],
        warnings: [],
        headers: { "x-request-id": vendor.newId("req_") },
        errorEvent: (kind) => `data: ${JSON.stringify({ error: { ...streamError(kind), type: "server_error" } })}\n\n`,
        render: (answer) => render(answer, body, input.tokens, vendor, thoughts),
      } satisfies Accepted;
    },
  };
}

const textOfContent = (content: unknown): string =>
  typeof content === "string"
    ? content
    : listOf(content)
        .map(({ text }) => textOf(text))
        .join("");

/** Returns the first call of each answer that comes back with another thought than it was given out with. */
const lostThoughts = (messages: Json[], thoughts: ReadonlyMap<string, string>): string[] =>
  messages.flatMap(({ tool_calls, reasoning_content }) => {
    const id = textOf(listOf(tool_calls)[0]?.id);
    return thoughts.has(id) && thoughts.get(id) !== reasoning_content ? [id] : [];
  });

/** Refuses what DeepSeek refuses. Sources: the thinking-mode guide of DeepSeek's documentation, Kilo-Org/kilocode#9501. */
function checkDeepSeek(_name: string, body: Json): void {
  const refused = (message: string) => new Refusal(message, { code: "invalid_request_error" });
  const messages = listOf(body.messages);
  if (
    messages.some(
      ({ tool_calls, reasoning_content }) => listOf(tool_calls).length > 0 && reasoning_content === undefined,
    )
  )
    throw refused("The `reasoning_content` in the thinking mode must be passed back to the API.");
  if (messages.some(({ content }) => listOf(content).some(({ type }) => type !== "text")))
    throw refused(
      "Failed to deserialize the JSON body into the target type: messages: unknown variant `image_url`, expected `text`",
    );
  if (isJson(body.response_format) && body.response_format.type === "json_schema")
    throw refused("This response_format type is unavailable now");
}

/** Refuses parameters that this model does not accept. */
function checkModel(name: string, body: Json): void {
  const model = openAiModel(body.model);
  const effort = body.reasoning_effort;
  const hasTools = listOf(body.tools).length > 0;
  if (model.chatTools === "no_chat")
    throw new Refusal("This model is only supported in v1/responses and not in v1/chat/completions.", {
      status: 404,
      param: "model",
    });
  const noTools = (rest: string) =>
    new Refusal(`Function tools with reasoning_effort are not supported for ${name} in /v1/chat/completions. ${rest}`, {
      param: "reasoning_effort",
    });
  if (hasTools && model.chatTools === "without_effort" && effort !== undefined && effort !== "none")
    throw noTools("Please use /v1/responses instead.");
  if (hasTools && model.chatTools === "explicit_none" && effort !== "none")
    throw noTools("To use function tools, use /v1/responses or set reasoning_effort to 'none'.");
  checkEffort(name, model, effort, "reasoning_effort");
  if (hasTools && model.chatTools === "never") throw noTools("Please use /v1/responses instead.");
  if (model.efforts.length > 0 && body.max_tokens !== undefined)
    throw new Refusal(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      { code: "unsupported_parameter", param: "max_tokens" },
    );
  for (const param of ["temperature", "top_p"])
    if (model.efforts.length > 0 && body[param] !== undefined && body[param] !== 1 && effort !== "none")
      throw new Refusal(`Unsupported parameter: '${param}' is not supported with this model.`, {
        code: "unsupported_parameter",
        param,
      });
}

function render(
  { parts, end }: Answer,
  body: Json,
  input: InputTokens,
  vendor: Vendor,
  thoughts: Map<string, string> | undefined,
): Rendered {
  const thought = thoughts && parts.flatMap((part) => (part.kind === "thinks" ? [part.text] : [])).join("");
  const text = parts.flatMap((part) => (part.kind === "says" ? [part.text] : [])).join("");
  const calls = parts.flatMap((part) =>
    part.kind === "calls"
      ? [{ id: vendor.newId("call_"), type: "function", function: { name: part.name, arguments: part.arguments } }]
      : [],
  );
  const spoken = end === "empty" || end === "prompt_blocked" ? "" : text;
  const finish =
    end === "length" || end === "context_window"
      ? "length"
      : end === "content_filter" || end === "prompt_blocked"
        ? "content_filter"
        : calls.length > 0
          ? "tool_calls"
          : "stop";
  const output = parts.reduce((sum, part) => sum + tokensOf(part.kind === "calls" ? part.arguments : part.text), 0);
  const reasoning = parts.reduce((sum, part) => sum + (part.kind === "thinks" ? tokensOf(part.text) : 0), 0);
  const usage = {
    prompt_tokens: input.input,
    completion_tokens: output,
    total_tokens: input.input + output,
    prompt_tokens_details: { cached_tokens: input.read },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
  const said = end === "refusal" ? { content: null, refusal: spoken } : { content: spoken || null, refusal: null };
  const base = { id: vendor.newId("chatcmpl-"), created: Math.floor(vendor.now() / 1000), model: body.model };
  if (calls[0] && thoughts) thoughts.set(calls[0].id, thought ?? "");
  const message = {
    role: "assistant",
    ...said,
    ...(thought && { reasoning_content: thought }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  const whole = {
    ...base,
    object: "chat.completion",
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
    usage,
  };
  const events: WireEvent[] = [];
  const add = (stage: WireEvent["stage"], delta: Json, finish_reason: string | null = null) => {
    const chunk = { ...base, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] };
    events.push({ stage, text: `data: ${JSON.stringify(chunk)}\n\n` });
  };
  add("frame", { role: "assistant", content: "" });
  for (const piece of pieces(thought ?? "")) add("reasoning", { reasoning_content: piece });
  const key = end === "refusal" ? "refusal" : "content";
  for (const piece of pieces(spoken)) add("text", { [key]: piece });
  for (const [index, call] of calls.entries()) {
    add("frame", { tool_calls: [{ index, ...call, function: { ...call.function, arguments: "" } }] });
    for (const piece of pieces(call.function.arguments, 6))
      add("call", { tool_calls: [{ index, function: { arguments: piece } }] });
  }
  add("closing", {}, finish);
  const usageChunk = { ...base, object: "chat.completion.chunk", choices: [], usage };
  if (isJson(body.stream_options) && body.stream_options.include_usage === true)
    events.push({ stage: "closing", text: `data: ${JSON.stringify(usageChunk)}\n\n` });
  events.push({ stage: "closing", text: "data: [DONE]\n\n" });
  return { whole, events, output, reasoning };
}
