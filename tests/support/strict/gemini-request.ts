import { schemaProblem } from "../schemas/json-schema.js";
import { isTooLarge } from "./pictures.js";
import { isJson, type Json, listOf, Refusal, textOf } from "./refusal.js";
import { bracketPath, fields, firstFault, list, type Shape } from "./shape.js";

export interface GeminiModel {
  /** True for Gemini 3 and later: signatures are checked, thinking has levels instead of budgets, results may contain pictures. */
  isThree: boolean;
  canStopThinking: boolean;
  cacheMinimum: number;
  window: number;
}

/** Models by pattern; the first match wins. */
const models: [RegExp, GeminiModel][] = [
  [/^gemini-[34]/, { isThree: true, canStopThinking: false, cacheMinimum: 4096, window: 1_048_576 }],
  [/^gemini-2\.5-flash/, { isThree: false, canStopThinking: true, cacheMinimum: 2048, window: 1_048_576 }],
  [/^gemini-2\.5-pro/, { isThree: false, canStopThinking: false, cacheMinimum: 2048, window: 1_048_576 }],
];

export const geminiModelNames = ["gemini-3.5-pro", "gemini-3.5-flash", "gemini-3-pro-preview", "gemini-2.5-flash"];

export const invalid = (message: string): Refusal => new Refusal(message, { type: "INVALID_ARGUMENT" });

export function geminiModel(name: string): GeminiModel {
  const found = models.find(([pattern]) => pattern.test(name));
  if (!found)
    throw new Refusal(
      `models/${name} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`,
      { status: 404, type: "NOT_FOUND" },
    );
  return found[1];
}

/** Refuses a request whose form Gemini refuses. Signatures of earlier answers are not checked here. */
export function checkGeminiRequest(body: Json, model: GeminiModel): void {
  const found = firstFault(body, requestShape);
  if (found?.fault === "unknown") {
    const parent = found.path.slice(0, -1);
    const at = parent.length === 0 ? "" : ` at '${snake(bracketPath(parent))}'`;
    throw invalid(`Invalid JSON payload received. Unknown name "${found.path.at(-1)}"${at}: Cannot find field.`);
  }
  if (found)
    throw invalid(
      `Invalid value at '${snake(bracketPath(found.path))}' (${protoKinds[found.expected ?? "object"]}), ${JSON.stringify(found.value)}`,
    );
  const contents = listOf(body.contents);
  if (contents.length === 0) throw invalid("* GenerateContentRequest.contents: contents is not specified");
  for (const [index, content] of contents.entries()) checkContent(content, `contents[${index}]`, model);
  checkTools(body);
  checkConfig(body, model);
  checkTurns(mergedContents(body));
}

/** Returns the contents as the service reads them. Adjacent contents of one role are one turn, as the SDK's chats send streamed chunks. */
export function mergedContents(body: Json): Json[] {
  const merged: Json[] = [];
  for (const { role = "user", parts } of listOf(body.contents)) {
    const last = merged.at(-1);
    if (last && last.role === role) last.parts = [...listOf(last.parts), ...listOf(parts)];
    else merged.push({ role, parts: listOf(parts) });
  }
  return merged;
}

const protoKinds = {
  string: "TYPE_STRING",
  number: "TYPE_DOUBLE",
  boolean: "TYPE_BOOL",
  list: "repeated field",
  object: "TYPE_MESSAGE",
};

const snake = (path: string) => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const dataFields = ["text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode"];
const mimeTypes =
  /^(image\/(png|jpeg|webp|heic|heif)|audio\/(wav|mp3|mpeg|aac|ogg|flac|aiff)|application\/pdf|text\/.+|video\/.+)$/;

function checkContent(content: Json, at: string, model: GeminiModel): void {
  if (content.role !== undefined && content.role !== "user" && content.role !== "model")
    throw invalid("Please use a valid role: user, model.");
  const parts = listOf(content.parts);
  if (parts.length === 0) throw invalid(`* GenerateContentRequest.${at}.parts: contents.parts must not be empty.`);
  for (const [index, part] of parts.entries()) {
    const where = `${at}.parts[${index}]`;
    const [first, second] = dataFields.filter((name) => part[name] !== undefined);
    if (!first)
      throw invalid(
        `* GenerateContentRequest.${where}.data: required oneof field 'data' must have one initialized field`,
      );
    if (second)
      throw invalid(`Invalid value at '${where}' (oneof), oneof field 'data' is already set. Cannot set '${second}'`);
    if (isJson(part.inlineData)) checkMedia(part.inlineData);
    if (isJson(part.functionCall)) checkObject(part.functionCall.args, `${where}.function_call.args`);
    if (isJson(part.functionResponse)) checkResponse(part.functionResponse, where, model);
  }
}

function checkMedia({ mimeType, data }: Json): void {
  if (!mimeTypes.test(textOf(mimeType))) throw invalid(`Unsupported MIME type: ${mimeType}`);
  if (isTooLarge(textOf(data)))
    throw invalid(
      "Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
    );
}

function checkObject(value: unknown, at: string): void {
  if (value === undefined || isJson(value)) return;
  throw invalid(`Invalid value at '${at}' (type.googleapis.com/google.protobuf.Struct), ${JSON.stringify(value)}`);
}

function checkResponse(response: Json, where: string, model: GeminiModel): void {
  const at = `${where}.function_response`;
  checkObject(response.response, `${at}.response`);
  if (!textOf(response.name)) throw invalid(`* GenerateContentRequest.${at}.name: Name cannot be empty.`);
  if (response.response === undefined)
    throw invalid(`* GenerateContentRequest.${at}.response: required field is not set.`);
  if (response.parts === undefined) return;
  if (!model.isThree) throw invalid("Multimodal function responses are not supported by this model.");
  for (const part of listOf(response.parts)) if (isJson(part.inlineData)) checkMedia(part.inlineData);
}

function checkTools(body: Json): void {
  const names: string[] = [];
  for (const [index, tool] of listOf(body.tools).entries())
    for (const [inner, declaration] of listOf(tool.functionDeclarations).entries()) {
      const at = `tools[${index}].function_declarations[${inner}]`;
      const name = textOf(declaration.name);
      if (!/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/.test(name))
        throw invalid(
          `* GenerateContentRequest.${at}.name: Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.`,
        );
      if (names.includes(name)) throw invalid(`Duplicate function declaration found: ${name}`);
      names.push(name);
      if (declaration.parameters !== undefined && declaration.parametersJsonSchema !== undefined)
        throw invalid(`* GenerateContentRequest.${at}: parameters and parameters_json_schema are mutually exclusive.`);
      if (isJson(declaration.parameters)) checkOpenApi(declaration.parameters, `${at}.parameters`);
      if (isJson(declaration.parametersJsonSchema))
        checkJsonSchema(declaration.parametersJsonSchema, `${at}.parameters_json_schema`);
    }
  const config = isJson(body.toolConfig) ? body.toolConfig.functionCallingConfig : undefined;
  if (!isJson(config) || !Array.isArray(config.allowedFunctionNames)) return;
  if (config.mode !== "ANY" && config.mode !== "VALIDATED")
    throw invalid(
      "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: allowed_function_names should only be set when function calling mode is ANY.",
    );
  const missing = config.allowedFunctionNames.find((name) => !names.includes(String(name)));
  if (missing !== undefined)
    throw invalid(
      `* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: unknown function name: ${missing}`,
    );
}

const openApiKeys =
  "type format title description nullable enum maxItems minItems properties required minProperties maxProperties minLength maxLength pattern example anyOf propertyOrdering default items minimum maximum".split(
    " ",
  );

/** Checks the part of OpenAPI 3 that `parameters` accepts. */
function checkOpenApi(schema: Json, at: string): void {
  const unknown = Object.keys(schema).find((key) => !openApiKeys.includes(key));
  if (unknown) throw invalid(`Invalid JSON payload received. Unknown name "${unknown}" at '${at}': Cannot find field.`);
  if (schema.type !== undefined && typeof schema.type !== "string" && !Array.isArray(schema.type))
    throw invalid(
      `Invalid value at '${at}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), ${schema.type}`,
    );
  if (Array.isArray(schema.type))
    throw invalid(
      `Invalid JSON payload received. Unknown name "type" at '${at}': Proto field is not repeating, cannot start list.`,
    );
  for (const [index, value] of (Array.isArray(schema.enum) ? schema.enum : []).entries())
    if (typeof value !== "string") throw invalid(`Invalid value at '${at}.enum[${index}]' (TYPE_STRING), ${value}`);
  if (textOf(schema.type).toLowerCase() === "array" && !isJson(schema.items))
    throw invalid(`* GenerateContentRequest.${at}.items: missing field.`);
  for (const [name, value] of Object.entries(isJson(schema.properties) ? schema.properties : {}))
    if (isJson(value)) checkOpenApi(value, `${at}.properties[${name}]`);
  if (isJson(schema.items)) checkOpenApi(schema.items, `${at}.items`);
  for (const [index, value] of listOf(schema.anyOf).entries()) checkOpenApi(value, `${at}.any_of[${index}]`);
}

function checkJsonSchema(schema: Json, at: string): void {
  if (schema.type !== "object")
    throw invalid(`* GenerateContentRequest.${at}: parameters schema should be of type OBJECT.`);
  const problem = schemaProblem(schema);
  if (problem) throw invalid(`* GenerateContentRequest.${at}${problem}`);
}

function checkConfig(body: Json, model: GeminiModel): void {
  const config = isJson(body.generationConfig) ? body.generationConfig : {};
  const thinking = isJson(config.thinkingConfig) ? config.thinkingConfig : {};
  const { thinkingBudget: budget, thinkingLevel: level } = thinking;
  if (budget !== undefined && level !== undefined)
    throw invalid("You can only set only one of thinking budget and thinking level.");
  if (level !== undefined && !model.isThree) throw invalid("Thinking level is not supported for this model.");
  if (level !== undefined && !["minimal", "low", "medium", "high"].includes(String(level).toLowerCase()))
    throw invalid(
      `Invalid value at 'generation_config.thinking_config.thinking_level' (type.googleapis.com/google.ai.generativelanguage.v1beta.ThinkingConfig.ThinkingLevel), "${level}"`,
    );
  if (budget === 0 && !model.canStopThinking)
    throw invalid("Budget 0 is invalid. This model only works in thinking mode.");
  if (config.responseSchema !== undefined && config.responseJsonSchema !== undefined)
    throw invalid("response_schema and response_json_schema are mutually exclusive.");
  const hasSchema = config.responseSchema !== undefined || config.responseJsonSchema !== undefined;
  if (hasSchema && config.responseMimeType !== "application/json")
    throw invalid("response_schema is only supported with response mime type: 'application/json'");
  const hasTools = listOf(body.tools).length > 0;
  if (config.responseMimeType === "application/json" && hasTools && !model.isThree)
    throw invalid("Function calling with a response mime type: 'application/json' is unsupported");
  if (isJson(config.responseSchema)) checkOpenApi(config.responseSchema, "generation_config.response_schema");
  if (
    body.cachedContent !== undefined &&
    (hasTools || body.systemInstruction !== undefined || body.toolConfig !== undefined)
  )
    throw invalid(
      "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.",
    );
}

const callsOf = ({ parts }: Json) =>
  listOf(parts).flatMap(({ functionCall }) => (isJson(functionCall) ? [functionCall] : []));
const responsesOf = ({ parts }: Json) =>
  listOf(parts).flatMap(({ functionResponse }) => (isJson(functionResponse) ? [functionResponse] : []));

/** Refuses results that do not match the calls of the content before them. */
function checkTurns(contents: Json[]): void {
  for (const [index, content] of contents.entries()) {
    const before = contents[index - 1];
    const next = contents[index + 1];
    const calls = callsOf(content);
    const responses = responsesOf(content);
    if (calls.length > 0 && (index === 0 || before?.role === "model"))
      throw invalid(
        "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
      );
    if (responses.length > 0 && (!before || callsOf(before).length === 0))
      throw invalid("Please ensure that function response turn comes immediately after a function call turn.");
    if (calls.length > 0 && (!next || responsesOf(next).length !== calls.length))
      throw invalid(
        "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
      );
    if (before && responses.length > 0) checkPairs(callsOf(before), responses);
  }
}

/** Refuses results with wrong ids or names. The vendor's words for this are not known. */
function checkPairs(calls: Json[], responses: Json[]): void {
  for (const [index, response] of responses.entries()) {
    const call = response.id === undefined ? calls[index] : calls.find(({ id }) => id === response.id);
    if (!call || (call.id !== undefined && response.id === undefined))
      throw invalid(
        `Please ensure that function response ids match the ids of the function call turn: ${response.id}.`,
      );
    if (call.name !== response.name)
      throw invalid(`Please ensure that function response names match the function call turn: ${response.name}.`);
  }
}

const blobShape = fields("mimeType:string data:string displayName:string");
const fileShape = fields("mimeType:string fileUri:string displayName:string");
const partShape = fields(
  "text:string thought:boolean thoughtSignature:string toolCall toolResponse executableCode codeExecutionResult videoMetadata partMetadata mediaResolution mediaProcessing",
  {
    inlineData: blobShape,
    fileData: fileShape,
    functionCall: fields("id:string name:string args"),
    functionResponse: fields("id:string name:string response willContinue:boolean scheduling:string", {
      parts: list(fields("mediaProcessing", { inlineData: blobShape, fileData: fileShape })),
    }),
  },
);
const contentShape = fields("role:string", { parts: list(partShape) });
const requestShape: Shape = fields(
  "model:string cachedContent:string safetySettings:list labels:object store:boolean serviceTier:string",
  {
    contents: list(contentShape),
    systemInstruction: contentShape,
    tools: list(
      fields("googleSearch codeExecution urlContext googleMaps computerUse fileSearch", {
        functionDeclarations: list(
          fields(
            "name:string description:string parameters:object parametersJsonSchema behavior response responseJsonSchema",
          ),
        ),
      }),
    ),
    toolConfig: fields("retrievalConfig includeServerSideToolInvocations", {
      functionCallingConfig: fields("mode:string allowedFunctionNames:list streamFunctionCallArguments:boolean"),
    }),
    generationConfig: fields(
      "temperature:number topP:number topK:number candidateCount:number maxOutputTokens:number stopSequences:list seed:number responseMimeType:string responseSchema:object responseJsonSchema responseModalities presencePenalty frequencyPenalty responseLogprobs logprobs mediaResolution speechConfig imageConfig responseFormat",
      { thinkingConfig: fields("includeThoughts:boolean thinkingBudget:number thinkingLevel:string") },
    ),
  },
);
