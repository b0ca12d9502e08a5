import { createHash } from "node:crypto";
import { asObject, type JsonObject } from "../../../core/json.js";
import type { CompletionRequest, Message, OutputFormat, ToolDefinition } from "../../../core/messages.js";
import { merged } from "../shared/merged.js";
import { fullSchema, plainSchema } from "../shared/tool-schemas.js";
import type { Target } from "../wire.js";
import type { ResponsesQuirks } from "./quirks.js";
import { inputItems } from "./request-input.js";

/** Minimum value of `max_output_tokens` that the API accepts. */
const leastOutputTokens = 16;

/** Builds the body of `POST …/responses`. `JSON.stringify` leaves out undefined members. */
export function requestBody(request: CompletionRequest, target: Target<ResponsesQuirks>): JsonObject {
  const { provider, model, streaming, quirks } = target;
  const { tools, toolChoice, parallelToolCalls, conversation } = request;
  const hasTools = tools.length > 0 && (quirks.forbidsTools || toolChoice !== "none");
  const { first, after } = toolPositions(request, hasTools && quirks.lateTools);
  const wireTools = (some: readonly ToolDefinition[]) => some.map((tool) => wireTool(tool, quirks));
  const maxTokens = request.maxTokens ?? provider.maxTokens;
  const body = {
    model,
    input: inputItems(request.messages, target, (message) => wireTools(after.get(message) ?? [])),
    tools: hasTools && first.length > 0 ? wireTools(first) : undefined,
    temperature: quirks.sampling ? (request.temperature ?? provider.temperature) : undefined,
    top_p: quirks.sampling ? provider.topP : undefined,
    max_output_tokens:
      quirks.tokenLimit && maxTokens !== undefined ? Math.max(leastOutputTokens, maxTokens) : undefined,
    text: request.output && quirks.jsonSchemas ? { format: formatOf(request.output) } : undefined,
    reasoning: reasoningOf(provider.reasoning, quirks),
    include: quirks.encryptedReasoning ? ["reasoning.encrypted_content"] : undefined,
    store: quirks.store ? false : undefined,
    prompt_cache_key: quirks.cacheKey && conversation ? cacheKeyOf(conversation) : undefined,
    stream: streaming,
    stream_options: streaming && quirks.obfuscates ? { include_obfuscation: false } : undefined,
  };
  const { tool_choice, parallel_tool_calls, ...extra } = provider.extraBody ?? {};
  // The user's list is joined with the list in the body, because the user's list alone would leave out the reasoning.
  if (Array.isArray(extra.include)) extra.include = [...new Set([...(body.include ?? []), ...extra.include])];
  const choice = typeof toolChoice === "object" ? { type: "function", ...toolChoice } : (toolChoice ?? tool_choice);
  const isParallel = parallelToolCalls === false ? false : parallel_tool_calls;
  const use = {
    ...(choice === undefined ? {} : { tool_choice: choice }),
    ...(isParallel === undefined || !quirks.parallelToolCalls ? {} : { parallel_tool_calls: isParallel }),
  };
  // In a request without tools, the API refuses the parameters for tools.
  return merged(body, hasTools || "tools" in extra ? { ...extra, ...use } : extra);
}

function formatOf({ jsonSchema: schema, name = "answer", strict = false }: OutputFormat): JsonObject {
  return { type: "json_schema", name, schema, strict };
}

/**
 * Returns the cache key, which is the conversation's id. The API refuses keys of more than 64 characters, so a longer id is hashed.
 * Requests with the same key share a cache.
 */
function cacheKeyOf(conversation: string): string {
  return conversation.length <= 64 ? conversation : createHash("sha256").update(conversation).digest("hex");
}

/** Returns the configured reasoning. Unless `summary` is `none`, adds a request for a summary if the model's quirks say so. */
function reasoningOf(configured: JsonObject | undefined, { reasoning, summaries }: ResponsesQuirks): unknown {
  if (!reasoning) return undefined;
  const isAsked = summaries === "asked" && configured?.effort !== "none";
  const { summary = isAsked ? "auto" : undefined, ...rest } = configured ?? {};
  const isLeftOut = !summary || summary === "none" || summaries === "refused";
  const sent = isLeftOut ? rest : { ...rest, summary };
  return Object.keys(sent).length > 0 ? sent : undefined;
}

/** Writes a tool with `strict: false`. Strict mode, the default, has requirements that the schemas of MCP servers may not meet. */
function wireTool({ name, description, inputSchema }: ToolDefinition, quirks: ResponsesQuirks): JsonObject {
  const schema = asObject(inputSchema) ?? {};
  const isPlain = quirks.toolSchemas === "plain" || refusedAtRoot.some((key) => key in schema);
  return {
    type: "function",
    name,
    description: description || undefined,
    parameters: isPlain ? { properties: {}, ...plainSchema(schema) } : fullSchema(schema),
    strict: quirks.strict ? false : undefined,
  };
}

/**
 * Keywords that the API refuses at the root of a schema: "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not'
 * at the top level"
 */
const refusedAtRoot = ["oneOf", "anyOf", "allOf", "enum", "not"];

/** Where the request contains its tools: some before the conversation, others after the tool result that offers them to the model. */
interface ToolPositions {
  first: readonly ToolDefinition[];
  /** Tools to send after a message, keyed by the message with the result that offers them. Each tool occurs only once. */
  after: ReadonlyMap<Message, readonly ToolDefinition[]>;
}

function toolPositions({ messages, tools }: CompletionRequest, takesLate: boolean): ToolPositions {
  const after = new Map<Message, readonly ToolDefinition[]>();
  if (!takesLate) return { first: tools, after };
  const left = new Map(tools.map((tool) => [tool.name, tool]));
  for (const message of messages) {
    if (message.role !== "tool" || !message.found) continue;
    const fresh = message.found.flatMap((name) => left.get(name) ?? []);
    for (const { name } of fresh) left.delete(name);
    if (fresh.length > 0) after.set(message, fresh);
  }
  return { first: after.size === 0 ? tools : [...left.values()], after };
}
