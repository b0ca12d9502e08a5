/** Schemas of request bodies, for validation and for /openapi.json. A field that no schema names is ignored. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { type JsonSchema, mediaKinds } from "../../../core/messages.js";
import { effort, seenEvent } from "../../protocol/message-fields.js";
import {
  anything,
  count,
  list,
  name,
  nothing,
  number,
  object,
  optional,
  sentContent,
  temperature,
  text,
  flag as trueOrFalse,
  whole,
} from "../../protocol/schema-words.js";
import { ApiError } from "./api-errors.js";
import { responseFormat, textFormat } from "./read-output.js";

const maxTokens = optional({ type: "integer", minimum: 1 });
const stopText = { type: "string", maxLength: 256 };
export const stopSequences = { type: "array", maxItems: 64, items: { ...stopText, minLength: 1 } };
const flag = optional(trueOrFalse);
const toolChoice = optional({
  anyOf: [
    { enum: ["auto", "none", "required"] },
    object({ type: text, name: text, namespace: text, function: object({ name: text }, ["name"]) }, ["type"]),
  ],
});
const parts = { type: "array", items: object({ type: text }, ["type"]) };
const content = { anyOf: [text, parts] };

const toolCall = object({ id: text, function: object({ name: text, arguments: text }, ["name", "arguments"]) }, [
  "id",
  "function",
]);

export const chatCompletionBody = object(
  {
    model: optional(text),
    messages: {
      type: "array",
      minItems: 1,
      items: object(
        {
          role: { enum: ["system", "developer", "user", "assistant", "tool"] },
          content: optional(content),
          tool_calls: optional({ type: "array", items: toolCall }),
          tool_call_id: optional(text),
          function_call: nothing,
        },
        ["role"],
      ),
    },
    stream: flag,
    stream_options: optional(object({ include_usage: flag })),
    temperature: optional(temperature),
    max_tokens: maxTokens,
    max_completion_tokens: maxTokens,
    /** An empty text stands for none. */
    stop: optional({ anyOf: [stopText, { ...stopSequences, items: stopText }] }),
    tools: optional({
      type: "array",
      items: object(
        {
          type: { const: "function" },
          function: object({ name: text, description: optional(text), parameters: optional({ type: "object" }) }, [
            "name",
          ]),
        },
        ["type", "function"],
      ),
    }),
    tool_choice: toolChoice,
    /** Refused: the form that `tools` and `tool_choice` have replaced. */
    functions: nothing,
    function_call: nothing,
    parallel_tool_calls: flag,
    n: optional({ const: 1 }),
    response_format: responseFormat,
  },
  ["messages"],
);

const responseItem = object({
  type: optional(text),
  id: optional(text),
  role: { enum: ["system", "developer", "user", "assistant"] },
  content: optional(content),
  call_id: text,
  name: text,
  namespace: optional(text),
  arguments: text,
  input: text,
  output: optional(content),
  server_label: text,
  summary: optional(parts),
});

const responseTool = {
  type: text,
  name: text,
  description: optional(text),
  parameters: optional({ type: "object" }),
  format: optional(object({ type: text, syntax: text, definition: text }, ["type"])),
};

export const responseBody = object(
  {
    model: optional(text),
    input: { anyOf: [text, { type: "array", minItems: 1, items: responseItem }] },
    instructions: optional(text),
    previous_response_id: optional(text),
    conversation: optional({ anyOf: [text, object({ id: text }, ["id"])] }),
    /** Refused: the field names a prompt that is stored at OpenAI, which this host cannot add to the input. */
    prompt: nothing,
    stream: flag,
    store: flag,
    temperature: optional(temperature),
    max_output_tokens: maxTokens,
    tools: optional(list(object({ ...responseTool, tools: list(object(responseTool, ["type"])) }, ["type"]))),
    tool_choice: toolChoice,
    parallel_tool_calls: flag,
    /** Refused: the limits of the host bound its calls. */
    max_tool_calls: nothing,
    text: optional(object({ format: textFormat })),
    background: optional({ const: false }),
    metadata: optional({ type: "object" }),
    prompt_cache_key: optional(text),
    safety_identifier: optional(text),
    user: optional(text),
  },
  ["input"],
);

export const turnBody = {
  ...object(
    {
      request_id: name,
      text: optional(name),
      content: optional(sentContent),
      model: text,
      streaming: flag,
      temperature: optional(temperature),
      effort: optional(effort.schema),
      system: optional(text),
      without_tools: optional(list(name)),
      /** Set by a client that means an existing conversation: the turn is refused if the conversation was deleted. */
      seen: optional(seenEvent.schema),
    },
    ["request_id"],
  ),
  oneOf: [object({ text: name }, ["text"]), object({ content: sentContent }, ["content"])],
};

export const answerBody = whole({ question_id: text, value: anything });

export const forkBody = object({ to_seq: optional(count), is_version: flag });
export const labelBody = object({ title: optional(text), pinned: trueOrFalse });
export const deleteAllBody = whole({ confirm: { const: "delete everything" } });
export const rewindBody = whole({ to_seq: count });

export const cancelBody = object({ request_id: text });

/** Returns the `answer` of a route that answers with JSON. */
export const inJson = (schema: JsonSchema) => ({ type: "application/json" as const, schema });

/** Path of the message protocol's schemas in the OpenAPI document. */
export const schemaPath = "#/components/schemas/";
const named = (schema: string) => ({ $ref: schemaPath + schema });

export const message = named("HostMessage");
export const session = named("Session");
/** `next` is `before` of the following page. */
export const sessionList = whole({ sessions: list(session), next: optional(text) });
/** `previous` is the path of the page before: null in the first page, and absent if the answer is not a page. */
export const messageList = whole({ messages: list(message) }, { previous: optional(text) });
const entry = { type: "object", description: "a server as under mcpServers" };
const serverName = { type: "string", pattern: "^(?!__proto__$)[^\\u0000-\\u001f\\u007f]{1,100}$" };
const notes = list(text);
export const pastedBody = whole({ text: { type: "string", maxLength: 100_000 } });
export const pastedServers = whole({ servers: list(whole({ name, entry, notes })) });
export const newServerBody = whole({ name: serverName, entry });
export const serverEntryBody = whole({ entry });
export const serverSwitchBody = whole({ enabled: trueOrFalse });
/** `notices`: what a person should know, such as that a change waits for a confirmation. */
export const changedServer = whole({ server: named("Server"), notices: list(text) });
export const removedServer = whole({ notices: list(text) });
export const foundServers = whole({
  found: list(
    whole({
      program: text,
      title: text,
      file: text,
      of_folder: trueOrFalse,
      taken: trueOrFalse,
      name: text,
      entry,
      notes,
    }),
  ),
  problems: list(whole({ title: text, file: text, message: text })),
});
export const importBody = whole({ names: { type: "array", minItems: 1, items: whole({ program: name, name }) } });
export const importedServers = whole({
  servers: list(whole({ name: text, outcome: text, reason: optional(text), notes })),
  notices: list(text),
});
export const deletedAll = whole({ deleted: count, busy: list(name) });
export const versionList = whole({
  versions: list(whole({ conversation_id: name, to_seq: count, updated_at: number, turn_id: optional(text) })),
});
export const serverList = whole({ servers: list(named("Server")) });
export const serverStderr = whole({ stderr: text });
const serverParts = list(named("Content"));
export const toolCallBody = object({ arguments: optional({ type: "object" }) });
export const toolResult = whole({ is_error: trueOrFalse, content: serverParts, duration_ms: { type: "number" } });
export const listedPrompts = whole({ prompts: list(named("Prompt")) });
export const promptBody = object({ arguments: optional({ type: "object", additionalProperties: text }) });
export const listedResources = whole({
  resources: list(named("Resource")),
  templates: list(named("ResourceTemplate")),
});
export const readResourceBody = whole({ uri: name });
export const serverContent = whole({ content: serverParts });
/** Exactly one of `prompt` and `template` has a value. */
export const completeBody = {
  ...whole({ argument: name }, { prompt: optional(name), template: optional(name), value: optional(text) }),
  oneOf: [object({ prompt: name }, ["prompt"]), object({ template: name }, ["template"])],
};
export const completedValues = whole({ values: list(text) });
export const approvalList = whole({
  approvals: list(
    whole({
      ...{ id: text, server: text, tool: text, allow: trueOrFalse, remember: { enum: ["project", "always"] } },
      ...{ workspace: optional(text), answered_at: { type: "integer" } },
    }),
  ),
});
const settingValues = { type: "object", additionalProperties: { type: ["string", "number", "null"] } };
export const settingsBody = whole({ values: settingValues });
export const shownSettings = whole({ file: text, values: settingValues, editable: trueOrFalse });
export const changedSettings = whole({
  ...{ file: text, values: settingValues, editable: trueOrFalse },
  notices: list(text),
});
export const providerList = whole({
  providers: list(whole({ name, base_url: text, needs_key: trueOrFalse, models: list(text) })),
});
export const providerChoice = whole(
  { provider: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9_-]*$" } },
  { base_url: text, api_key: text, model: text },
);
export const triedModel = whole({ problem: optional(text), models: list(text) });
export const toolList = whole({ tools: list(named("Tool")) });
/** Prices are in USD per million tokens. Null if unknown. */
export const namedModels = whole({
  models: list(
    whole({
      ...{ id: name, provider: name, model: name, context_window: optional(count) },
      ...{ input_price: optional(number), output_price: optional(number) },
      ...{ takes: list({ enum: [...mediaKinds] }), is_default: trueOrFalse },
    }),
  ),
  problems: list(whole({ provider: name, message: text })),
});
export const signInAnswer = whole({ signed_in: trueOrFalse, needs_token: trueOrFalse }, { page_key: text });

const ajv = new Ajv2020({ strict: false });
const compiled = new WeakMap<JsonSchema, ValidateFunction>();

/**
 * Returns the body. Throws ApiError if the body does not match the schema. The calling code must choose a type `Body` that fits the schema.
 */
export function validated<Body>(body: unknown, schema: JsonSchema): Body {
  const check = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, check);
  if (check(body)) return body as Body;
  const error = deepest(check.errors ?? []);
  const param = error?.instancePath.slice(1).replaceAll("/", ".");
  throw new ApiError(400, "invalid_body", `${param || "the body"} ${error?.message ?? "is invalid"}`, param);
}

/** Returns the error with the deepest path. If a schema has alternatives, this error is from the alternative that matched the most. */
function deepest(errors: readonly ErrorObject[]): ErrorObject | undefined {
  const depth = ({ instancePath }: ErrorObject) => instancePath.split("/").length;
  return errors.toSorted((a, b) => depth(b) - depth(a))[0];
}
