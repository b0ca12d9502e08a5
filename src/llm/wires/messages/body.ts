import { asObject, type JsonObject } from "../../../core/json.js";
import type { CompletionRequest, ToolDefinition } from "../../../core/messages.js";
import { merged } from "../shared/merged.js";
import { fullSchema, plainSchema } from "../shared/tool-schemas.js";
import type { Target } from "../wire.js";
import { markForCache } from "./cache-plan.js";
import { wireFormat } from "./output-format.js";
import { type MessagesQuirks, type Reasoning, reasoningOf } from "./quirks.js";
import { isThoughtOpen, lateTools, type MessagesTurn, wireConversation } from "./request-messages.js";

/** Default limits of an answer, in tokens. `longOutput` is the limit if the request asks for much thinking. */
const usualOutput = 32_000;
const longOutput = 64_000;
/**
 * Largest share of the context window that an answer may have: a self-hosted server reserves `max_tokens` of the window for the answer in
 * advance.
 */
const outputShare = 1 / 4;
const leastBudget = 1024;
/** Budget for thinking by effort, in tokens, for models that accept no effort. */
const budgets: Readonly<Record<string, number>> = { low: 2048, medium: 8192, high: 16_384, xhigh: 32_768, max: 49_152 };

/** Builds the body of `POST …/messages`. `JSON.stringify` leaves out undefined members. */
export function requestBody(request: CompletionRequest, target: Target<MessagesQuirks>): JsonObject {
  const { provider, model, streaming, quirks } = target;
  const names = new Set(request.tools.map(({ name }) => name));
  const late: ReadonlySet<string> = quirks.lateTools ? lateTools(request.messages, names) : new Set();
  const { system, messages } = wireConversation(request.messages, target, late);
  const tools = request.tools.map((tool) => wireTool(tool, quirks, late));
  const conversation = { system, tools, messages };
  if (quirks.cache) markForCache(conversation, provider.cache);
  const reasoning = reasoningOf(provider.reasoning);
  const maxTokens = maxTokensOf(request, target, reasoning);
  const toolChoice = wireToolChoice(request, quirks);
  const isForced = toolChoice?.type === "any" || toolChoice?.type === "tool";
  const thinking = wireThinking(reasoning, quirks, { maxTokens, messages, isForced });
  const isThinking = thinking ? thinking.type !== "disabled" : quirks.thinksUnasked;
  return merged(
    {
      model,
      max_tokens: maxTokens,
      system: system.length > 0 ? conversation.system : undefined,
      tools: tools.length > 0 ? conversation.tools : undefined,
      tool_choice: toolChoice,
      thinking,
      output_config: outputConfig(request, reasoning, quirks),
      ...wireSampling(request, target, isThinking),
      stream: streaming,
      messages: conversation.messages,
    },
    provider.extraBody,
  );
}

/**
 * Returns `max_tokens`, which the API requires. If the value were too small, thinking would use up all these tokens and the answer would be
 * empty.
 */
function maxTokensOf(
  { maxTokens }: CompletionRequest,
  { provider, quirks }: Target<MessagesQuirks>,
  { effort, budget = 0 }: Reasoning,
): number {
  const said = maxTokens ?? provider.maxTokens;
  if (said !== undefined) return Math.min(said, quirks.maxOutput);
  const isLong = effort === "xhigh" || effort === "max" || budget >= usualOutput / 2;
  const most = Math.min(quirks.maxOutput, isLong ? longOutput : usualOutput);
  return Math.max(1, Math.min(most, Math.floor(provider.contextWindow * outputShare)));
}

interface Thinkable {
  maxTokens: number;
  messages: readonly MessagesTurn[];
  isForced: boolean;
}

function wireThinking(reasoning: Reasoning, quirks: MessagesQuirks, to: Thinkable): JsonObject | undefined {
  const { wanted, isShown } = reasoning;
  if (quirks.thinking === "none") return undefined;
  if (wanted === "no") return quirks.thinksUnasked ? withoutThinking(quirks) : undefined;
  if (wanted === "unsaid" && !quirks.thinksUnasked) return undefined;
  if (quirks.thinking === "adaptive") {
    return { type: "adaptive", ...(quirks.wantsDisplay && isShown ? { display: "summarized" } : {}) };
  }
  // A model that thinks by budget cannot start to think between a tool call and its result, and cannot be forced to call a tool.
  const budget = budgetOf(reasoning, to.maxTokens);
  if (budget < leastBudget || to.isForced || !isThoughtOpen(to.messages)) return undefined;
  return { type: "enabled", budget_tokens: budget };
}

function withoutThinking({ stopsThinking }: MessagesQuirks): JsonObject | undefined {
  return stopsThinking === "none" ? undefined : { type: stopsThinking };
}

/** Returns the budget for thinking: at most half of `maxTokens`, so that the other half is left for the answer itself. */
function budgetOf(
  { effort = "medium", budget = budgets[effort] ?? leastBudget }: Reasoning,
  maxTokens: number,
): number {
  return Math.min(Math.max(budget, leastBudget), Math.floor(maxTokens / 2));
}

function wireEffort({ wanted, effort }: Reasoning, quirks: MessagesQuirks): JsonObject | undefined {
  if (!quirks.effort) return undefined;
  if (effort) return { effort };
  return wanted === "no" && quirks.thinksUnasked && quirks.stopsThinking === "none" ? { effort: "low" } : undefined;
}

function outputConfig(
  { output }: CompletionRequest,
  reasoning: Reasoning,
  quirks: MessagesQuirks,
): JsonObject | undefined {
  const effort = wireEffort(reasoning, quirks);
  const format = output && quirks.jsonSchemas ? wireFormat(output) : undefined;
  return effort || format ? { ...effort, ...(format && { format }) } : undefined;
}

/** Returns `temperature` and `top_p`. Leaves both out for a model that thinks, since such a model accepts only the temperature 1. */
function wireSampling(
  request: CompletionRequest,
  { provider, quirks }: Target<MessagesQuirks>,
  isThinking: boolean,
): JsonObject {
  if (quirks.sampling === "none" || isThinking) return {};
  const temperature = request.temperature ?? provider.temperature;
  const isOne = quirks.sampling === "one" && temperature !== undefined;
  return { temperature, top_p: isOne ? undefined : provider.topP };
}

function wireToolChoice(
  { tools, toolChoice, parallelToolCalls }: CompletionRequest,
  quirks: MessagesQuirks,
): JsonObject | undefined {
  if (tools.length === 0 || !quirks.toolChoice) return undefined;
  if (toolChoice === "none") return { type: "none" };
  const single = parallelToolCalls === false && quirks.parallelChoice ? { disable_parallel_tool_use: true } : undefined;
  if (toolChoice === undefined || !quirks.forcedTools) return single && { type: "auto", ...single };
  const forced = toolChoice === "required" ? { type: "any" } : { type: "tool", name: toolChoice.name };
  return { ...forced, ...single };
}

function wireTool(
  { name, description, inputSchema }: ToolDefinition,
  quirks: MessagesQuirks,
  late: ReadonlySet<string>,
): JsonObject {
  return {
    name,
    description: description || undefined,
    input_schema: wireSchema(asObject(inputSchema) ?? {}, quirks),
    ...(late.has(name) ? { defer_loading: true } : {}),
  };
}

/** Returns a tool's schema. If the schema has a choice at its root (`anyOf` and others), which the API refuses, it is reduced. */
function wireSchema(schema: JsonObject, { toolSchemas }: MessagesQuirks): JsonObject {
  const isChoice = ["oneOf", "anyOf", "allOf"].some((keyword) => keyword in schema);
  return toolSchemas === "plain" || isChoice ? plainSchema(schema) : fullSchema(schema);
}
