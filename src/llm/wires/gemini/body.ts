import { asObject, asText, type JsonObject } from "../../../core/json.js";
import type { CompletionRequest, OutputFormat, ToolChoice, ToolDefinition } from "../../../core/messages.js";
import { merged } from "../shared/merged.js";
import { fullSchema, plainSchema } from "../shared/tool-schemas.js";
import type { Target } from "../wire.js";
import { wireContents } from "./contents.js";
import type { GeminiQuirks } from "./gemini-models.js";
import { geminiName } from "./gemini-names.js";

/** Builds the body of `generateContent` and `streamGenerateContent`. `JSON.stringify` leaves out undefined members. */
export function requestBody(request: CompletionRequest, target: Target<GeminiQuirks>): JsonObject {
  const { provider, quirks } = target;
  const { systemInstruction, contents } = wireContents(request.messages, target);
  const hasTools = request.tools.length > 0;
  const takesSchema = quirks.jsonSchemas && (quirks.jsonWithTools || !hasTools);
  const body = {
    systemInstruction,
    contents,
    tools: hasTools ? [{ functionDeclarations: request.tools.map((tool) => declaration(tool, quirks)) }] : undefined,
    toolConfig: hasTools && request.toolChoice ? toolConfig(request.toolChoice) : undefined,
    generationConfig: {
      temperature: request.temperature ?? provider.temperature,
      topP: provider.topP,
      maxOutputTokens: request.maxTokens ?? provider.maxTokens,
      thinkingConfig: thinkingConfig(provider.reasoning, quirks),
      ...(request.output && takesSchema ? jsonOutput(request.output) : {}),
    },
  };
  return withOneDepth(merged(body, provider.extraBody), provider.extraBody);
}

function jsonOutput({ jsonSchema }: OutputFormat): JsonObject {
  return { responseMimeType: "application/json", responseJsonSchema: jsonSchema };
}

/**
 * Leaves only one setting for the depth of thinking, because Gemini refuses a body with both a level and a budget. If `extra_body` sets one
 * of the two, that setting stays.
 */
function withOneDepth(body: JsonObject, extra: JsonObject | undefined): JsonObject {
  const own = asObject(asObject(extra?.generationConfig)?.thinkingConfig);
  const generationConfig = asObject(body.generationConfig);
  const config = asObject(generationConfig?.thinkingConfig);
  if (!own || config?.thinkingBudget === undefined || config.thinkingLevel === undefined) return body;
  const dropped = own.thinkingLevel === undefined ? "thinkingLevel" : "thinkingBudget";
  return { ...body, generationConfig: { ...generationConfig, thinkingConfig: { ...config, [dropped]: undefined } } };
}

/** Converts the choice of tools. Ignores `parallelToolCalls`, because Gemini has no such setting. */
function toolConfig(choice: ToolChoice): JsonObject {
  if (choice === "none") return { functionCallingConfig: { mode: "NONE" } };
  const names = typeof choice === "object" ? { allowedFunctionNames: [geminiName(choice.name)] } : {};
  return { functionCallingConfig: { mode: "ANY", ...names } };
}

function declaration({ name, description, inputSchema }: ToolDefinition, { toolSchemas }: GeminiQuirks): JsonObject {
  const named = { name: geminiName(name), description: description || undefined };
  const schema = asObject(inputSchema) ?? {};
  if (toolSchemas === "json") return { ...named, parametersJsonSchema: fullSchema(schema) };
  // Gemini refuses an object without properties here, so a tool without parameters gets no `parameters`.
  const plain = plainSchema(schema);
  return { ...named, parameters: plain.properties ? plain : undefined };
}

/** Efforts common to all wires, the lowest first. */
const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/**
 * Budget for thinking, in tokens, keyed by effort. Source: Google's own translation of `reasoning_effort`
 * (ai.google.dev/gemini-api/docs/openai, 2026-11).
 */
const budgets: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};

/**
 * Converts the configured `reasoning: { effort, summary }`. If the model lacks the effort, the next higher effort is sent, or the model's
 * highest if there is no higher one. An unknown effort is sent unchanged, so that the provider refuses it. Asks for thoughts unless
 * `summary` is `none`.
 */
function thinkingConfig(
  reasoning: Readonly<Record<string, unknown>> | undefined,
  quirks: GeminiQuirks,
): JsonObject | undefined {
  if (quirks.thinking === "none") return undefined;
  const effort = asText(reasoning?.effort);
  const depth = effort === undefined ? {} : depthOf(effort, quirks);
  const isThinking = effort === undefined ? quirks.thinksUnasked : depth.thinkingBudget !== 0;
  const includeThoughts = quirks.showsThoughts && isThinking && reasoning?.summary !== "none";
  const config = { ...(includeThoughts ? { includeThoughts } : {}), ...depth };
  return Object.keys(config).length > 0 ? config : undefined;
}

function depthOf(effort: string, { thinking, levels, leastBudget }: GeminiQuirks): JsonObject {
  const wanted = efforts.indexOf(effort);
  if (thinking === "budget") {
    const budget = budgets[effort];
    return { thinkingBudget: budget === undefined ? effort : Math.max(budget, leastBudget) };
  }
  const level = wanted < 0 ? effort : (levels.find((one) => efforts.indexOf(one) >= wanted) ?? levels.at(-1));
  return { thinkingLevel: level };
}
