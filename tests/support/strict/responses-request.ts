import { checkOpenAiForm, checkPicture, invalidType, invalidValue, missing, tooLong } from "./openai-form.js";
import { isJson, type Json, listOf, Refusal, textOf } from "./refusal.js";
import { fields, list, listOrText, type Shape } from "./shape.js";
import { checkOpenAiFormat, checkOpenAiTool } from "./tool-schemas.js";

/** Refuses a Responses request whose form OpenAI refuses. Items of earlier answers are not checked here. */
export function checkResponsesRequest(body: Json): void {
  const moved = Object.entries(movedFromChat).find(([name]) => name in body);
  if (moved)
    throw new Refusal(
      `Unsupported parameter: '${moved[0]}'. In the Responses API, this parameter has moved to '${moved[1]}'. Try again with the new parameter. See the API documentation for more information: https://platform.openai.com/docs/api-reference/responses/create.`,
      { code: "unsupported_parameter", param: moved[0] },
    );
  if (body.input === undefined) throw missing("input");
  if (typeof body.input !== "string" && !Array.isArray(body.input))
    throw invalidType("input", "one of an array of input items or a string", body.input);
  checkNumbers(body);
  checkTools(listOf(body.tools), "tools");
  if (listOf(body.tools).length > 128)
    throw new Refusal(
      `Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length ${listOf(body.tools).length} instead.`,
      { code: "array_above_max_length", param: "tools" },
    );
  for (const [index, item] of listOf(body.input).entries()) checkItem(item, index);
  checkChoice(body);
  checkFormat(body);
  checkOpenAiForm(body, requestShape);
}

const movedFromChat: Record<string, string> = {
  max_tokens: "max_output_tokens",
  max_completion_tokens: "max_output_tokens",
  messages: "input",
  response_format: "text.format",
  reasoning_effort: "reasoning.effort",
  verbosity: "text.verbosity",
};

function checkTools(tools: Json[], at: string): void {
  for (const [index, tool] of tools.entries()) {
    if (isJson(tool.function) || (tool.type === "function" && typeof tool.name !== "string"))
      throw missing(`${at}[${index}].name`);
    if (tool.type === "function") checkOpenAiTool(tool, index, tool.strict !== false, at, "parameters");
  }
}

function checkChoice({ tool_choice: choice, tools, input }: Json): void {
  if (typeof choice === "string" && !["none", "auto", "required"].includes(choice))
    throw invalidValue("tool_choice", choice, "'none', 'auto', and 'required'");
  if (!isJson(choice)) return;
  const late = listOf(input).flatMap((item) => listOf(item.tools));
  const known = [...listOf(tools), ...late].map(({ name }) => name);
  const named = choice.type === "allowed_tools" ? listOf(choice.tools) : choice.type === "function" ? [choice] : [];
  const unknown = named.find(({ name }) => !known.includes(name));
  if (choice.type === "function" && choice.name === undefined && !isJson(choice.function))
    throw missing("tool_choice.name");
  if (unknown && !isJson(choice.function))
    throw new Refusal(`Tool choice '${unknown.name}' not found in 'tools' parameter.`, { param: "tool_choice" });
}

function checkFormat({ text }: Json): void {
  const format = isJson(text) ? text.format : undefined;
  if (!isJson(format) || format.type !== "json_schema" || isJson(format.json_schema)) return;
  for (const name of ["name", "schema"]) if (format[name] === undefined) throw missing(`text.format.${name}`);
  checkOpenAiFormat(format, "text.format.schema");
}

function checkNumbers(body: Json): void {
  const { max_output_tokens: limit, prompt_cache_key: key, metadata } = body;
  if (typeof limit === "number" && limit < 16)
    throw new Refusal(
      `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got ${limit} instead.`,
      { code: "integer_below_min_value", param: "max_output_tokens" },
    );
  if (typeof key === "string" && key.length > 64) throw tooLong("prompt_cache_key", key, 64);
  if (isJson(metadata) && Object.keys(metadata).length > 16)
    throw new Refusal("Invalid 'metadata': too many properties. Expected an object with at most 16 properties.", {
      code: "object_above_max_properties",
      param: "metadata",
    });
}

const prefixes: Record<string, string> = { reasoning: "rs", function_call: "fc", message: "msg" };
const userParts = ["input_text", "input_image", "input_file"];
const assistantParts = ["output_text", "refusal"];

function checkItem(item: Json, index: number): void {
  const at = `input[${index}]`;
  const type = textOf(item.type) || "message";
  const prefix = prefixes[type];
  // A client's messages have no id of the service; an assistant's message has one.
  if (typeof item.id === "string" && prefix && !item.id.startsWith(`${prefix}_`))
    throw new Refusal(`Invalid '${at}.id': '${item.id}'. Expected an ID that begins with '${prefix}'.`, {
      code: "invalid_value",
      param: `${at}.id`,
    });
  if (type === "message") checkMessage(item, at);
  if (type === "function_call") {
    for (const name of ["call_id", "name"]) if (typeof item[name] !== "string") throw missing(`${at}.${name}`);
    if (typeof item.arguments !== "string") throw invalidType(`${at}.arguments`, "a string", item.arguments);
  }
  if (type === "function_call" || type === "function_call_output") {
    const callId = textOf(item.call_id);
    if (!callId) throw missing(`${at}.call_id`);
    if (callId.length > 64) throw tooLong(`${at}.call_id`, callId, 64);
  }
  if (type === "function_call_output") {
    if (item.output === undefined) throw missing(`${at}.output`);
    if (typeof item.output !== "string" && !Array.isArray(item.output))
      throw invalidType(`${at}.output`, "one of an array of objects or a string", item.output);
    checkParts(listOf(item.output), `${at}.output`, userParts);
  }
  if (type === "additional_tools") checkTools(listOf(item.tools), `${at}.tools`);
  if (type === "reasoning" && !Array.isArray(item.summary)) throw missing(`${at}.summary`);
}

function checkMessage(item: Json, at: string): void {
  const roles = ["assistant", "system", "developer", "user"];
  if (!roles.includes(textOf(item.role)))
    throw invalidValue(`${at}.role`, item.role, "'assistant', 'system', 'developer', and 'user'");
  if (typeof item.content === "string") return;
  if (!Array.isArray(item.content))
    throw invalidType(`${at}.content`, "one of an array of objects or a string", item.content);
  checkParts(listOf(item.content), `${at}.content`, item.role === "assistant" ? assistantParts : userParts);
}

function checkParts(parts: Json[], at: string, known: string[]): void {
  for (const [index, part] of parts.entries()) {
    if (!known.includes(textOf(part.type)))
      throw invalidValue(
        `${at}[${index}]`,
        part.type,
        known.map((name) => `'${name}'`).join(known.length > 2 ? ", " : " and "),
      );
    if (part.type === "input_image" && part.image_url !== undefined && typeof part.image_url !== "string")
      throw invalidType(`${at}[${index}].image_url`, "an image URL", part.image_url);
    checkPicture(textOf(part.image_url), `${at}[${index}].image_url`);
  }
}

const contentShape: Shape = listOrText({
  by: "type",
  of: {
    input_text: fields("type text!:string prompt_cache_breakpoint:object"),
    input_image: fields("type image_url file_id:string detail:string prompt_cache_breakpoint:object"),
    input_file: fields(
      "type filename:string file_data:string file_id:string file_url:string detail:string prompt_cache_breakpoint:object",
    ),
    output_text: fields("type text!:string annotations:list logprobs:list"),
    refusal: fields("type refusal!:string"),
  },
});

const itemShapes: Record<string, Shape> = {
  "": fields("role!:string phase:string id:string status:string", { content: contentShape }),
  message: fields("type role!:string phase:string id:string status:string", { content: contentShape }),
  reasoning: fields("type id:string encrypted_content:string status:string content:list", {
    summary: list(fields("type text!:string")),
  }),
  function_call: fields(
    "type id:string call_id:string name:string arguments status:string namespace:string caller:object",
  ),
  function_call_output: fields("type id:string call_id:string status:string caller:object", { output: contentShape }),
  additional_tools: fields("type id:string role!:string tools!:list"),
  tool_search_call: fields("type id call_id arguments execution status"),
  tool_search_output: fields("type id call_id execution status tools"),
  compaction: fields("type id:string encrypted_content!:string"),
  compaction_trigger: fields("type"),
  configuration_update: undefined,
  ...Object.fromEntries(
    "web_search_call file_search_call computer_call computer_call_output code_interpreter_call image_generation_call local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call apply_patch_call_output custom_tool_call custom_tool_call_output mcp_list_tools mcp_call mcp_approval_request mcp_approval_response program program_output"
      .split(" ")
      .map((name) => [name, undefined]),
  ),
  item_reference: fields("type id!:string"),
};

const requestShape: Shape = fields(
  "background:boolean conversation instructions:string max_output_tokens:number max_tool_calls:number metadata:object model:string moderation parallel_tool_calls:boolean previous_response_id:string prompt:object prompt_cache_key:string prompt_cache_retention:string safety_identifier:string service_tier:string store:boolean stream:boolean temperature:number top_logprobs:number top_p:number truncation:string user:string",
  {
    include: list("string"),
    input: listOrText({ by: "type", of: itemShapes }),
    context_management: list(fields("type compact_threshold")),
    prompt_cache_options: fields("mode:string ttl:string"),
    reasoning: fields("effort:string summary:string generate_summary:string context:string mode:string"),
    stream_options: fields("include_obfuscation:boolean"),
    text: fields("verbosity:string", {
      format: {
        by: "type",
        of: {
          text: fields("type"),
          json_object: fields("type"),
          json_schema: fields("type name:string schema:object strict:boolean description:string"),
        },
      },
    }),
    tool_choice: fields("type!:string name:string mode:string tools:list server_label:string", {}, true),
    tools: list({
      by: "type",
      of: {
        function: fields(
          "type name:string description:string parameters:object strict:boolean defer_loading:boolean output_schema:object allowed_callers:list",
        ),
        tool_search: fields("type execution description parameters"),
        custom: undefined,
        web_search: undefined,
        mcp: undefined,
        namespace: undefined,
      },
    }),
  },
);
