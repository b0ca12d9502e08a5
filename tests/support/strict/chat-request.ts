import { checkOpenAiForm, checkPicture, invalidType, invalidValue, missing, tooLong } from "./openai-form.js";
import { isJson, type Json, listOf, Refusal, textOf } from "./refusal.js";
import { fields, list, listOrText, type Shape } from "./shape.js";
import { checkOpenAiFormat, checkOpenAiTool } from "./tool-schemas.js";

/** Refuses a Chat Completions request whose form OpenAI refuses. `messageFields`: further message fields of another vendor. */
export function checkChatRequest(body: Json, messageFields = ""): void {
  if (!Array.isArray(body.messages)) throw missing("messages");
  if (listOf(body.messages).length === 0)
    throw new Refusal(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      {
        code: "empty_array",
        param: "messages",
      },
    );
  checkOpenAiForm(body, requestShape(messageFields));
  checkTools(body);
  checkChoice(body);
  checkFormat(body);
  for (const [index, message] of listOf(body.messages).entries()) checkMessage(message, `messages[${index}]`);
  checkToolPairs(listOf(body.messages));
}

function checkTools({ tools, tool_choice, parallel_tool_calls }: Json): void {
  const all = listOf(tools);
  if (Array.isArray(tools) && all.length === 0)
    throw new Refusal(
      "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      {
        code: "empty_array",
        param: "tools",
      },
    );
  if (all.length > 128)
    throw new Refusal(
      `Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length ${all.length} instead.`,
      { code: "array_above_max_length", param: "tools" },
    );
  for (const [param, value] of Object.entries({ tool_choice, parallel_tool_calls }))
    if (value !== undefined && all.length === 0)
      throw new Refusal(`Invalid value for '${param}': '${param}' is only allowed when 'tools' are specified.`, {
        param,
      });
  for (const [index, tool] of all.entries()) {
    if (tool.type !== "function") continue;
    if (!isJson(tool.function)) throw missing(`tools[${index}].function`);
    checkOpenAiTool(tool.function, index, tool.function.strict === true, "tools", "function.parameters");
  }
}

function checkChoice({ tool_choice: choice, tools }: Json): void {
  if (typeof choice === "string" && !["none", "auto", "required"].includes(choice))
    throw invalidValue("tool_choice", choice, "'none', 'auto', and 'required'");
  if (!isJson(choice) || choice.type !== "function" || !isJson(choice.function)) return;
  const { name } = choice.function;
  const names = listOf(tools).map((tool) => isJson(tool.function) && tool.function.name);
  if (!names.includes(textOf(name)))
    throw new Refusal(`Tool choice '${name}' not found in 'tools' parameter.`, { param: "tool_choice" });
}

function checkFormat({ response_format: format }: Json): void {
  if (!isJson(format) || format.type !== "json_schema") return;
  if (!isJson(format.json_schema)) throw missing("response_format.json_schema");
  if (format.json_schema.name === undefined) throw missing("response_format.json_schema.name");
  checkOpenAiFormat(format.json_schema, "response_format");
}

function checkMessage(message: Json, at: string): void {
  const { role, content } = message;
  const calls = listOf(message.tool_calls);
  if (role === "assistant" && Array.isArray(message.tool_calls) && calls.length === 0)
    throw new Refusal(
      `Invalid '${at}.tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.`,
      { code: "empty_array", param: `${at}.tool_calls` },
    );
  if ((content === null || content === undefined) && (role !== "assistant" || calls.length === 0))
    throw invalidType(`${at}.content`, "one of a string or array of objects", null);
  for (const [index, call] of calls.entries()) {
    const id = textOf(call.id);
    if (id.length > 40) throw tooLong(`${at}.tool_calls[${index}].id`, id, 40);
  }
  for (const [index, part] of listOf(content).entries()) {
    if (!(partsOf[textOf(role)] ?? []).includes(textOf(part.type)))
      throw new Refusal(
        `Invalid value: '${part.type}'. Supported values are: ${quoted(partsOf[textOf(role)] ?? [])}.`,
        {
          code: "invalid_value",
          param: `${at}.content[${index}].type`,
        },
      );
    if (isJson(part.image_url)) checkPicture(textOf(part.image_url.url), `${at}.content[${index}].image_url`);
  }
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(", ");

const partsOf: Record<string, string[]> = {
  system: ["text"],
  developer: ["text"],
  tool: ["text"],
  user: ["text", "image_url", "input_audio", "file"],
  assistant: ["text", "refusal"],
};

function checkToolPairs(messages: Json[]): void {
  for (const [index, message] of messages.entries()) {
    const ids = listOf(message.tool_calls).map(({ id }) => textOf(id));
    if (ids.length > 0) {
      const rest = messages.slice(index + 1);
      const end = rest.findIndex(({ role }) => role !== "tool");
      const answered = (end === -1 ? rest : rest.slice(0, end)).map(({ tool_call_id }) => tool_call_id);
      const open = ids.filter((id) => !answered.includes(id));
      if (open.length > 0)
        throw new Refusal(
          `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${open.join(", ")}`,
          { param: `messages.[${index + 1}].role` },
        );
    }
    if (message.role !== "tool") continue;
    const before = messages.slice(0, index).findLast(({ role }) => role !== "tool");
    if (!listOf(before?.tool_calls).some(({ id }) => id === message.tool_call_id))
      throw new Refusal(
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        { param: `messages.[${index}].role` },
      );
  }
}

const contentShape: Shape = listOrText({
  by: "type",
  of: {
    text: fields("type text!:string prompt_cache_breakpoint:object"),
    image_url: fields("type prompt_cache_breakpoint:object", { image_url: fields("url!:string detail:string") }),
    input_audio: fields("type prompt_cache_breakpoint:object", { input_audio: fields("data!:string format!:string") }),
    file: fields("type prompt_cache_breakpoint:object", {
      file: fields("file_data:string file_id:string filename:string"),
    }),
    refusal: fields("type refusal!:string"),
  },
});

const callShape: Shape = {
  by: "type",
  of: {
    function: fields("type id!:string", { function: fields("name!:string arguments!:string") }),
    custom: fields("type id!:string custom:object"),
  },
};

const messageShape = (more: string): Shape => {
  const others = fields("role name:string", { content: contentShape });
  return {
    by: "role",
    of: {
      system: others,
      developer: others,
      user: others,
      tool: fields("role tool_call_id!:string", { content: contentShape }),
      assistant: fields(`role name:string refusal:string audio:object function_call:object ${more}`, {
        content: contentShape,
        tool_calls: list(callShape),
      }),
      function: fields("role name!:string content:string"),
    },
  };
};

/** Returns the shape of `ChatCompletionCreateParams` of openai@6.49.0. */
const requestShape = (messageFields: string): Shape =>
  fields(
    "model:string audio:object frequency_penalty:number function_call logit_bias:object logprobs:boolean max_completion_tokens:number max_tokens:number metadata:object modalities:list moderation n:number parallel_tool_calls:boolean prediction:object presence_penalty:number prompt_cache_key:string prompt_cache_options:object prompt_cache_retention:string reasoning_effort:string safety_identifier:string seed:number service_tier:string stop store:boolean stream:boolean temperature:number top_logprobs:number top_p:number user:string verbosity:string web_search_options:object functions:list",
    {
      messages: list(messageShape(messageFields)),
      stream_options: fields("include_usage:boolean include_obfuscation:boolean"),
      response_format: {
        by: "type",
        of: {
          text: fields("type"),
          json_object: fields("type"),
          json_schema: fields("type", {
            json_schema: fields("name:string description:string schema:object strict:boolean"),
          }),
        },
      },
      tool_choice: fields("type!:string function:object custom:object allowed_tools:object", {}, true),
      tools: list({
        by: "type",
        of: {
          function: fields("type", {
            function: fields("name!:string description:string parameters:object strict:boolean"),
          }),
          custom: fields("type custom:object"),
        },
      }),
    },
  );
