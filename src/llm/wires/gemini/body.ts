import type { CompletionRequest, OutputFormat, ToolChoice, ToolDefinition } from "../../../core/chat.js";
import { asObject, type JsonObject } from "../../json.js";
import { merged } from "../shared/merged.js";
import { fullSchema, plainSchema } from "../shared/tool-schemas.js";
import type { Target } from "../wire.js";
import { wireContents } from "./contents.js";
import type { GeminiQuirks } from "./models.js";
import { geminiName } from "./names.js";
import { thinkingConfig } from "./thinking.js";

/** The body of `generateContent` and `streamGenerateContent`. What is undefined is left out by JSON. */
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

/** Gemini refuses a level beside a budget: of two, the one in `extra_body` counts. */
function withOneDepth(body: JsonObject, extra: JsonObject | undefined): JsonObject {
  const own = asObject(asObject(extra?.generationConfig)?.thinkingConfig);
  const generationConfig = asObject(body.generationConfig);
  const config = asObject(generationConfig?.thinkingConfig);
  if (!own || config?.thinkingBudget === undefined || config.thinkingLevel === undefined) return body;
  const dropped = own.thinkingLevel === undefined ? "thinkingLevel" : "thinkingBudget";
  return { ...body, generationConfig: { ...generationConfig, thinkingConfig: { ...config, [dropped]: undefined } } };
}

/** There is no switch for one call at a time. */
function toolConfig(choice: ToolChoice): JsonObject {
  if (choice === "none") return { functionCallingConfig: { mode: "NONE" } };
  const names = typeof choice === "object" ? { allowedFunctionNames: [geminiName(choice.name)] } : {};
  return { functionCallingConfig: { mode: "ANY", ...names } };
}

function declaration({ name, description, inputSchema }: ToolDefinition, { toolSchemas }: GeminiQuirks): JsonObject {
  const named = { name: geminiName(name), description: description || undefined };
  const schema = asObject(inputSchema) ?? {};
  if (toolSchemas === "json") return { ...named, parametersJsonSchema: fullSchema(schema) };
  // An object without properties is refused here, and what has no parameters needs none.
  const plain = plainSchema(schema);
  return { ...named, parameters: plain.properties ? plain : undefined };
}
