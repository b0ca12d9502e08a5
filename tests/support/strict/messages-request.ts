import { schemaProblem } from "../schemas/json-schema.js";
import type { ClaudeModel } from "./anthropic-models.js";
import { isTooLarge, pictureTypes, realType } from "./pictures.js";
import { isJson, type Json, listOf, Refusal, textOf } from "./refusal.js";
import { type Fault, fields, firstFault, list, listOrText, type Shape } from "./shape.js";

/** Refuses a Messages request whose form Anthropic refuses. `betas` are those of the header. */
export function checkMessagesRequest(body: Json, model: ClaudeModel, betas: readonly string[]): void {
  checkRequired(body, model);
  const found = firstFault(body, shapeFor(betas));
  if (found) throw new Refusal(faultText(found));
  // The mock holds no conversations; SDKs continue without a thread if a server says so.
  if (isJson(body.thread))
    throw new Refusal("thread: this request cannot be threaded", {
      details: { error_code: "thread_unsupported_request", unsupported: ["thread"] },
    });
  checkTools(body);
  checkRoles(body, model);
  for (const [index, message] of listOf(body.messages).entries())
    for (const [inner, block] of listOf(message.content).entries())
      checkBlock(block, `messages.${index}.content.${inner}`, textOf(message.role));
  checkEmptyText(body);
  checkMarks(body);
  checkThinkingMode(body, model);
  checkSampling(body, model);
  checkToolPairs(mergedMessages(body));
  checkToolChanges(body, betas);
}

const kindTexts = {
  string: "Input should be a valid string",
  number: "Input should be a valid number",
  boolean: "Input should be a valid boolean",
  list: "Input should be a valid list",
  object: "Input should be an object",
};

function faultText({ fault, path, taggedPath, value, expected = "object" }: Fault): string {
  const at = taggedPath.filter((key) => key !== "").join(".");
  if (fault === "unknown") return `${at}: Extra inputs are not permitted`;
  if (fault === "missing") return `${at}: Field required`;
  if (fault === "type") return `${at}: ${kindTexts[expected]}`;
  return `${path.slice(0, -1).join(".")}: Input tag '${value}' found using 'type' does not match any of the expected tags`;
}

export interface Message {
  role: string;
  content: Json[];
  /** Index of the first client message that it is made of. */
  index: number;
}

/** Returns the messages as the service reads them: text becomes a block, adjacent messages of one role become one. */
export function mergedMessages(body: Json): Message[] {
  const merged: Message[] = [];
  for (const [index, { role, content }] of listOf(body.messages).entries()) {
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : listOf(content);
    const last = merged.at(-1);
    if (last && last.role === role) last.content.push(...blocks);
    else merged.push({ role: textOf(role), content: [...blocks], index });
  }
  return merged;
}

/** Returns the blocks of `system`. */
export const systemBlocks = ({ system }: Json): Json[] =>
  typeof system === "string" ? [{ type: "text", text: system }] : listOf(system);

function checkRequired(body: Json, model: ClaudeModel): void {
  const limit = body.max_tokens;
  if (limit === undefined) throw new Refusal("max_tokens: Field required");
  if (typeof limit !== "number" || !Number.isInteger(limit))
    throw new Refusal("max_tokens: Input should be a valid integer");
  if (limit < 1 && body.stream === true) throw new Refusal("max_tokens: Input should be greater than or equal to 1");
  if (limit > model.maximumOutput)
    throw new Refusal(
      `max_tokens: ${limit} > ${model.maximumOutput}, which is the maximum allowed number of output tokens for ${body.model}`,
    );
  if (!Array.isArray(body.messages)) throw new Refusal("messages: Field required");
  if (body.messages.length === 0) throw new Refusal("messages: at least one message is required");
}

function checkRoles(body: Json, model: ClaudeModel): void {
  const messages = listOf(body.messages);
  for (const [index, { role }] of messages.entries()) {
    if (role === "user" || role === "assistant") continue;
    if (role !== "system") throw new Refusal(`messages.${index}.role: Input should be 'user', 'assistant' or 'system'`);
    if (!model.hasSystemMessages) throw new Refusal("role 'system' is not supported on this model");
    const next = messages[index + 1]?.role;
    if (messages[index - 1]?.role !== "user" || (next !== undefined && next !== "assistant"))
      throw new Refusal(
        `messages.${index}: a system message must directly follow a user message and be last or be followed by an assistant message`,
      );
  }
  if (messages[0]?.role !== "user") throw new Refusal('messages: first message must use the "user" role');
  const last = messages.at(-1);
  if (last?.role !== "assistant" || isPaused(last)) return;
  if (!model.hasPrefill)
    throw new Refusal(
      "This model does not support assistant message prefill. The conversation must end with a user message.",
    );
  const text = typeof last.content === "string" ? last.content : textOf(listOf(last.content).at(-1)?.text);
  if (/\s$/.test(text)) throw new Refusal("messages: final assistant content cannot end with trailing whitespace");
}

/** Returns whether the service paused the answer: it ends with the use of a tool of the service, and is sent back as the last message. */
const isPaused = ({ content }: Json) => listOf(content).at(-1)?.type === "server_tool_use";

const isId = (value: unknown) => typeof value === "string" && /^[a-zA-Z0-9_-]+$/.test(value);

function checkBlock(block: Json, at: string, role: string): void {
  const type = textOf(block.type);
  const allowed =
    role === "assistant"
      ? assistantBlocks
      : role === "system"
        ? ["text", ...Object.keys(toolChangeShapes)]
        : userBlocks;
  if (!allowed.includes(type)) throw new Refusal(`${at}: \`${type}\` blocks are not permitted in \`${role}\` messages`);
  if (type === "tool_use") {
    if (!isId(block.id)) throw new Refusal(`${at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`);
    if (!isJson(block.input)) throw new Refusal(`${at}.tool_use.input: Input should be a valid dictionary`);
    if (typeof block.name !== "string") throw new Refusal(`${at}.tool_use.name: Field required`);
  }
  if (type === "thinking")
    for (const name of ["thinking", "signature"])
      if (typeof block[name] !== "string") throw new Refusal(`${at}.thinking.${name}: Field required`);
  if (type === "image") checkImage(block, `${at}.image`);
  if (type !== "tool_result") return;
  if (!isId(block.tool_use_id))
    throw new Refusal(`${at}.tool_result.tool_use_id: String should match pattern '^[a-zA-Z0-9_-]+$'`);
  const content = listOf(block.content);
  if (block.is_error === true && content.some((part) => part.type !== "text"))
    throw new Refusal(`${at}.tool_result: all content must be type \`text\` if \`is_error\` is true`);
  for (const [index, part] of content.entries())
    if (part.type === "image") checkImage(part, `${at}.tool_result.content.${index}.image`);
}

function checkImage({ source }: Json, at: string): void {
  if (!isJson(source)) throw new Refusal(`${at}.source: Field required`);
  if (source.type !== "base64") return;
  const [mediaType, data] = [textOf(source.media_type), textOf(source.data)];
  if (!pictureTypes.includes(mediaType))
    throw new Refusal(
      `${at}.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'`,
    );
  if (data.length > 5 * 1024 * 1024)
    throw new Refusal(`${at}.source.base64: image exceeds 5 MB maximum: ${data.length} bytes > 5242880 bytes`);
  const real = realType(data) ?? mediaType;
  if (real !== mediaType)
    throw new Refusal(
      `${at}.source.base64.data: The image was specified using the ${mediaType} media type, but the image appears to be a ${real} image`,
    );
  if (isTooLarge(data))
    throw new Refusal(
      `${at}.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels`,
    );
}

/** Refuses text blocks without text, also as the plain text of a message or of a result. */
function checkEmptyText(body: Json): void {
  const isEmpty = (block: Json) => block.type === "text" && textOf(block.text) === "";
  if (listOf(body.system).some(isEmpty)) throw new Refusal("system: text content blocks must be non-empty");
  const messages = listOf(body.messages);
  for (const [index, { role, content }] of messages.entries()) {
    const isLastAssistant = index === messages.length - 1 && role === "assistant";
    const isVoid = content === undefined || content === "" || (Array.isArray(content) && content.length === 0);
    if (isVoid && !isLastAssistant)
      throw new Refusal(
        `messages.${index}: all messages must have non-empty content except for the optional final assistant message`,
      );
    const blocks = listOf(content).flatMap((block) => [block, ...listOf(block.content)]);
    if (blocks.some(isEmpty)) throw new Refusal("messages: text content blocks must be non-empty");
    if (blocks.some((block) => block.type === "text" && textOf(block.text).trim() === ""))
      throw new Refusal("messages: text content blocks must contain non-whitespace text");
  }
}

interface Marked {
  block: Json;
  at: string;
}

/** Returns everything that can have a cache mark, in the order of the prompt. */
function markable(body: Json): Marked[] {
  const inList = (blocks: Json[], at: string): Marked[] =>
    blocks.map((block, index) => ({ block, at: `${at}.${index}` }));
  return [
    ...inList(listOf(body.tools), "tools"),
    ...inList(listOf(body.system), "system"),
    ...listOf(body.messages).flatMap(({ content }, index) =>
      inList(listOf(content), `messages.${index}.content`).flatMap((marked) => [
        ...inList(listOf(marked.block.content), `${marked.at}.content`),
        marked,
      ]),
    ),
  ];
}

function checkMarks(body: Json): void {
  const marked = markable(body).filter(({ block }) => isJson(block.cache_control));
  for (const { block, at } of marked)
    if (block.type === "text" && textOf(block.text) === "")
      throw new Refusal(`${at}.text: cache_control cannot be set for empty text blocks`);
  const controls = marked.map(({ block, at }) => ({ control: block.cache_control as Json, at }));
  const automatic = isJson(body.cache_control) ? [{ control: body.cache_control, at: "" }] : [];
  const found = controls.length + automatic.length;
  if (found > 4) throw new Refusal(`A maximum of 4 blocks with cache_control may be provided. Found ${found}.`);
  for (const { control, at } of [...controls, ...automatic]) {
    if (control.type !== "ephemeral")
      throw new Refusal(
        `${at}.cache_control: Input tag '${control.type}' found using 'type' does not match any of the expected tags: 'ephemeral'`,
      );
    if (control.ttl !== undefined && control.ttl !== "5m" && control.ttl !== "1h")
      throw new Refusal(`${at}.cache_control.ephemeral.ttl: Input should be '5m' or '1h'`);
  }
  const firstShort = controls.findIndex(({ control }) => control.ttl !== "1h");
  const late = controls.find(({ control }, index) => control.ttl === "1h" && firstShort !== -1 && index > firstShort);
  if (late)
    throw new Refusal(
      `${late.at}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: \`tools\`, \`system\`, \`messages\`.`,
    );
}

function checkTools(body: Json): void {
  const tools = listOf(body.tools);
  for (const [index, tool] of tools.entries()) {
    if (tool.type !== undefined && tool.type !== "custom") continue;
    const at = `tools.${index}.custom`;
    if (typeof tool.name !== "string") throw new Refusal(`${at}.name: Field required`);
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(tool.name))
      throw new Refusal(`${at}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    checkSchema(tool, at);
  }
  const names = tools.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new Refusal("tools: Tool names must be unique.");
  if (tools.length > 0 && tools.every(({ defer_loading }) => defer_loading === true))
    throw new Refusal("At least one tool must have defer_loading=false.");
  if (body.tool_choice !== undefined && tools.length === 0)
    throw new Refusal("tool_choice: tool_choice may only be specified while providing tools.");
  if (isJson(body.tool_choice) && body.tool_choice.type === "tool" && !names.includes(body.tool_choice.name))
    throw new Refusal(`tool_choice.tool.name: Tool '${body.tool_choice.name}' not found in provided tools`);
}

function checkSchema({ input_schema: schema, strict }: Json, at: string): void {
  if (!isJson(schema)) throw new Refusal(`${at}.input_schema: Field required`);
  if (schema.type === undefined) throw new Refusal(`${at}.input_schema.type: Field required`);
  if (schema.type !== "object") throw new Refusal(`${at}.input_schema.type: Input should be 'object'`);
  if (["oneOf", "allOf", "anyOf"].some((keyword) => keyword in schema))
    throw new Refusal(`${at}.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level`);
  if (strict === true) checkClosed(schema, `${at}.input_schema`);
  if (schemaProblem(schema))
    throw new Refusal(
      `${at}.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at https://docs.claude.com/en/docs/tool-use.`,
    );
}

const limits = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"];

/** Checks the rules for structured output and strict tools: closed objects, no limits. */
function checkClosed(schema: Json, at: string): void {
  if (schema.type === "object" && schema.additionalProperties !== false)
    throw new Refusal(`${at}: For 'object' type, 'additionalProperties' must be explicitly set to false`);
  const found = limits.filter((name) => name in schema);
  if (found.length > 0)
    throw new Refusal(`${at}: For '${schema.type}' type, properties ${found.join(", ")} are not supported`);
  const inner = [
    ...Object.values(isJson(schema.properties) ? schema.properties : {}),
    ...Object.values(isJson(schema.$defs) ? schema.$defs : {}),
    schema.items,
    ...listOf(schema.anyOf),
  ];
  for (const value of inner) if (isJson(value)) checkClosed(value, at);
}

/** Returns whether the model thinks in this request. */
export function isThinking(body: Json, model: ClaudeModel): boolean {
  const type = isJson(body.thinking) ? body.thinking.type : undefined;
  return type === undefined ? model.thinksByDefault : type !== "disabled";
}

function checkThinkingMode(body: Json, model: ClaudeModel): void {
  const thinking = isJson(body.thinking) ? body.thinking : {};
  const effort = isJson(body.output_config) ? body.output_config.effort : undefined;
  if (effort !== undefined && !model.hasEffort) throw new Refusal("This model does not support the effort parameter.");
  if (effort !== undefined && !["low", "medium", "high", "xhigh", "max"].includes(String(effort)))
    throw new Refusal("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'");
  if (thinking.type === "enabled") {
    if (model.thinking === "adaptive")
      throw new Refusal(
        '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
      );
    const budget = Number(thinking.budget_tokens);
    if (budget < 1024)
      throw new Refusal("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024");
    if (budget >= Number(body.max_tokens))
      throw new Refusal("`max_tokens` must be greater than `thinking.budget_tokens`.");
  }
  if (thinking.type === "adaptive" && model.thinking === "manual")
    throw new Refusal("adaptive thinking is not supported on this model");
  if (thinking.type === "between_tools" && model.disabled !== "between_tools")
    throw new Refusal('"thinking.type.between_tools" is not supported for this model.');
  if (thinking.type === "disabled") {
    const isHigh = effort === "xhigh" || effort === "max";
    if (model.disabled === "no" || model.disabled === "between_tools" || (model.disabled === "up_to_high" && isHigh))
      throw new Refusal('"thinking.type.disabled" is not supported for this model.');
  }
  const choice = isJson(body.tool_choice) ? body.tool_choice.type : undefined;
  if ((choice === "any" || choice === "tool") && (model.refusesForcedTools || thinking.type === "enabled"))
    throw new Refusal("Thinking may not be enabled when tool_choice forces tool use.");
  const format = isJson(body.output_config) ? body.output_config.format : undefined;
  if (isJson(format) && isJson(format.schema)) checkClosed(format.schema, "output_config.format.schema");
  if (format !== undefined && listOf(body.messages).at(-1)?.role === "assistant")
    throw new Refusal("output_config.format: structured output is not compatible with message prefilling");
}

function checkSampling(body: Json, model: ClaudeModel): void {
  const given = ["temperature", "top_p", "top_k"].filter((name) => body[name] !== undefined);
  if (model.sampling === "none" && given[0]) throw new Refusal(`\`${given[0]}\` is deprecated for this model.`);
  if (given.includes("temperature") && given.includes("top_p"))
    throw new Refusal("`temperature` and `top_p` cannot both be specified for this model. Please use only one.");
  if (isThinking(body, model) && body.temperature !== undefined && body.temperature !== 1)
    throw new Refusal("`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.");
}

/** Refuses references to undeclared tools, in results and in tool changes. */
function checkToolChanges(body: Json, betas: readonly string[]): void {
  const known = new Set(listOf(body.tools).map(({ name }) => name));
  for (const [index, message] of listOf(body.messages).entries())
    for (const [inner, block] of listOf(message.content).entries()) {
      const at = `messages.${index}.content.${inner}`;
      const definition =
        isJson(block.tool) && block.tool.type === "tool_definition" ? block.tool.definition : undefined;
      if (isJson(definition)) {
        if (!betas.includes("inline-tools-2026-09-15"))
          throw new Refusal(`${at}.${block.type}.tool: inline tool definitions are not enabled`);
        checkSchema(definition, `${at}.${block.type}.tool.definition`);
        known.add(definition.name);
      }
      const referred = [
        ...listOf(block.content)
          .filter(({ type }) => type === "tool_reference")
          .map(({ tool_name }) => tool_name),
        ...(isJson(block.tool) && block.tool.type === "tool_reference" ? [block.tool.name] : []),
      ];
      const missing = referred.find((name) => !known.has(name));
      if (missing !== undefined) throw new Refusal(`${at}: Tool reference '${missing}' not found in available tools`);
    }
}

/** Refuses calls whose results do not come before the next user message, and results without a call. */
function checkToolPairs(messages: readonly Message[]): void {
  for (const [index, { role, content, index: at }] of messages.entries()) {
    if (role === "assistant") {
      const next = messages[index + 1];
      const ids = idsOf(content, "tool_use", "id");
      if (ids.length === 0) continue;
      const leading = next?.content ?? [];
      const firstOther = leading.findIndex(({ type }) => type !== "tool_result");
      const answered = idsOf(firstOther === -1 ? leading : leading.slice(0, firstOther), "tool_result", "tool_use_id");
      const open = ids.filter((id) => !answered.includes(id));
      if (open.length > 0)
        throw new Refusal(
          `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
        );
      if (new Set(ids).size < ids.length) throw new Refusal(`messages: \`tool_use\` ids must be unique`);
    }
    if (role === "user") {
      const before = messages[index - 1];
      const known = before?.role === "assistant" ? idsOf(before.content, "tool_use", "id") : [];
      const inner = content.findIndex(
        ({ type, tool_use_id }) => type === "tool_result" && !known.includes(textOf(tool_use_id)),
      );
      if (inner !== -1)
        throw new Refusal(
          `messages.${at}.content.${inner}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${content[inner]?.tool_use_id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
        );
      const results = idsOf(content, "tool_result", "tool_use_id");
      const twice = results.find((id, position) => results.indexOf(id) !== position);
      if (twice)
        throw new Refusal(
          `messages.${at}.content: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${twice}`,
        );
    }
  }
}

const idsOf = (blocks: readonly Json[], type: string, key: string): string[] =>
  blocks.filter((block) => block.type === type).map((block) => textOf(block[key]));

const userBlocks = ["text", "image", "document", "tool_result", "search_result"];
const assistantBlocks = [
  "text",
  "tool_use",
  "thinking",
  "redacted_thinking",
  "server_tool_use",
  "web_search_tool_result",
];

const cacheControl = { cache_control: fields("type!:string ttl:string") };
const textShape = fields("type text!:string citations:list", cacheControl);
const imageShape = fields("type transformations", {
  ...cacheControl,
  source: {
    by: "type",
    of: {
      base64: fields("type media_type!:string data!:string"),
      url: fields("type url!:string"),
      file: fields("type file_id!:string"),
    },
  },
});
const documentShape = fields("type source title context citations", cacheControl);
const blockShapes: Record<string, Shape> = {
  text: textShape,
  image: imageShape,
  document: documentShape,
  search_result: fields("type source title content citations", cacheControl),
  tool_use: fields("type id name input caller toolset_name", cacheControl),
  tool_result: fields("type tool_use_id!:string is_error:boolean toolset_name:string", {
    ...cacheControl,
    content: listOrText({
      by: "type",
      of: {
        text: textShape,
        image: imageShape,
        document: documentShape,
        search_result: undefined,
        tool_reference: fields("type tool_name!:string", cacheControl),
      },
    }),
  }),
  thinking: fields("type thinking!:string signature!:string"),
  redacted_thinking: fields("type data!:string"),
  server_tool_use: fields("type id name input caller toolset_name", cacheControl),
  web_search_tool_result: fields("type tool_use_id content caller", cacheControl),
};
/** Blocks of a system message inside the conversation that offer a tool or withdraw it. */
const toolChangeShapes: Record<string, Shape> = {
  tool_addition: fields("type tool!:object", cacheControl),
  tool_removal: fields("type tool!:object", cacheControl),
};
const customTool = fields(
  "type name description input_schema strict defer_loading eager_input_streaming input_examples allowed_callers",
  cacheControl,
);

/** Beta fields, each with a part of the name of the beta that enables it. */
const betaFields: Record<string, string> = {
  context_management: "context-management",
  fallbacks: "fallback",
  mcp_servers: "mcp-client",
  compaction: "compact",
  thread: "message-threads",
};

const toolChangeBetas = ["mid-conversation-tool-changes-2026-07-01", "inline-tools-2026-09-15"];

function shapeFor(betas: readonly string[]): Shape {
  const open = Object.entries(betaFields).filter(([, beta]) => betas.some((name) => name.includes(beta)));
  const hasToolChanges = betas.some((name) => toolChangeBetas.includes(name));
  const blocks: Shape = { by: "type", of: { ...blockShapes, ...(hasToolChanges && toolChangeShapes) } };
  const hasBinding = betas.includes("thinking-binding-controls-2026-08-01");
  const shown = `type display:string${hasBinding ? " block_binding:object" : ""}`;
  return fields(
    [
      "model:string max_tokens:number stop_sequences:list stream:boolean service_tier:string container inference_geo:string diagnostics speed:string user_profile_id:string workspace_id:string temperature:number top_p:number top_k:number",
      ...open.map(([name]) => name),
    ].join(" "),
    {
      ...cacheControl,
      metadata: fields("user_id:string"),
      messages: list(fields("role!:string", { content: listOrText(blocks) })),
      system: listOrText({ by: "type", of: { text: textShape } }),
      tools: list({ by: "type", of: { "": customTool, custom: customTool, web_search_20250305: undefined } }),
      tool_choice: {
        by: "type",
        of: {
          auto: fields("type disable_parallel_tool_use:boolean"),
          any: fields("type disable_parallel_tool_use:boolean"),
          tool: fields("type name!:string disable_parallel_tool_use:boolean"),
          none: fields("type"),
        },
      },
      thinking: {
        by: "type",
        of: {
          adaptive: fields(shown),
          enabled: fields(`${shown} budget_tokens!:number`),
          disabled: fields("type"),
          between_tools: fields("type"),
        },
      },
      output_config: fields("effort:string", { format: fields("type!:string schema!:object") }),
    },
  );
}
