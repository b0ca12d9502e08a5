import { asObject, type JsonObject } from "../../../core/json.js";
import type { CompletionRequest, OutputFormat, ToolDefinition } from "../../../core/messages.js";
import type { Quirks } from "../../providers/presets.js";
import { merged } from "../shared/merged.js";
import { fullSchema, plainSchema } from "../shared/tool-schemas.js";
import type { Target } from "../wire.js";
import { wireMessages } from "./chat-messages.js";

/** Builds the body of `POST …/chat/completions`. `JSON.stringify` leaves out undefined members. */
export function requestBody(request: CompletionRequest, target: Target<Quirks>): JsonObject {
  const { provider, model, streaming, quirks } = target;
  const { tools, toolChoice } = request;
  const hasTools = tools.length > 0 && (quirks.forbidsTools || toolChoice !== "none");
  const body = {
    model,
    messages: wireMessages(request.messages, target),
    tools: hasTools ? tools.map((tool) => wireTool(tool, quirks)) : undefined,
    temperature: quirks.temperature ? (request.temperature ?? provider.temperature) : undefined,
    top_p: quirks.temperature ? provider.topP : undefined,
    [quirks.tokenLimitKey]: request.maxTokens ?? provider.maxTokens,
    response_format: request.output && quirks.jsonSchemas ? responseFormat(request.output) : undefined,
    stream: streaming,
    stream_options: streaming && quirks.streamUsage ? { include_usage: true } : undefined,
    ...wireReasoning(provider.reasoning, quirks),
  };
  const { extraBody = {} } = provider;
  const extra = { ...extraBody, ...wireToolUse(request) };
  return merged(body, wireExtra(extra, hasTools || "tools" in extraBody, quirks));
}

function responseFormat({ jsonSchema: schema, name = "answer", strict = false }: OutputFormat): JsonObject {
  return { type: "json_schema", json_schema: { name, schema, strict } };
}

/** Returns the parameters for the use of tools. Leaves out `parallel_tool_calls: true`, the default of every provider. */
function wireToolUse({ toolChoice, parallelToolCalls }: CompletionRequest): JsonObject {
  const choice = typeof toolChoice === "object" ? { type: "function", function: toolChoice } : toolChoice;
  return {
    ...(choice === undefined ? {} : { tool_choice: choice }),
    ...(parallelToolCalls === false ? { parallel_tool_calls: false } : {}),
  };
}

/** Drops the parameters that concern tools if the request has no tools, since providers would refuse them. */
function wireExtra(extra: Record<string, unknown>, hasTools: boolean, quirks: Quirks): JsonObject {
  const { tool_choice, parallel_tool_calls, ...rest } = extra;
  if (!hasTools) return rest;
  return {
    ...rest,
    ...(tool_choice === undefined ? {} : { tool_choice }),
    ...(parallel_tool_calls === undefined || !quirks.parallelToolCalls ? {} : { parallel_tool_calls }),
  };
}

/**
 * Converts the configured reasoning. OpenRouter takes the whole object (`reasoning: { effort, max_tokens, … }`), most other providers only
 * the effort (`reasoning_effort`).
 */
function wireReasoning(reasoning: Record<string, unknown> | undefined, { reasoningKey }: Quirks): JsonObject {
  if (reasoningKey === "none") return {};
  const byEffort = reasoningKey === "reasoning_effort" && typeof reasoning?.effort === "string";
  return byEffort ? { reasoning_effort: reasoning.effort } : { reasoning };
}

function wireTool({ name, description, inputSchema }: ToolDefinition, quirks: Quirks): JsonObject {
  const parameters = wireSchema(asObject(inputSchema) ?? {}, quirks);
  return { type: "function", function: { name, description: description || undefined, parameters } };
}

function wireSchema(schema: JsonObject, { toolSchemas, emptyProperties }: Quirks): JsonObject {
  if (toolSchemas === "full") return fullSchema(schema);
  const plain = plainSchema(schema);
  return emptyProperties && !plain.properties ? { ...plain, properties: {} } : plain;
}
