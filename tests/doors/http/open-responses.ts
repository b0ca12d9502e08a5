/** Schemas of Open Responses for the responses and events that this host can send: https://www.openresponses.org/specification */
import { Ajv2020 } from "ajv/dist/2020.js";

type Schema = Record<string, unknown>;

const text = { type: "string" };
const whole = { type: "integer" };
const number = { type: "number" };
const flag = { type: "boolean" };
const orNull = (schema: Schema) => ({ anyOf: [schema, { type: "null" }] });
const list = (items: Schema) => ({ type: "array", items });
const only = (...values: string[]) => ({ enum: values });

/** Returns a schema in which every one of these fields is required. Other fields are allowed. */
const fields = (properties: Record<string, Schema>) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
});

const status = only("in_progress", "completed", "incomplete");
const part = fields({ type: only("output_text"), text, annotations: list({}), logprobs: list({}) });
const message = fields({ type: only("message"), id: text, status, role: only("assistant"), content: list(part) });
const functionCall = fields({
  type: only("function_call"),
  id: text,
  call_id: text,
  name: text,
  arguments: text,
  status,
});
const item = { anyOf: [message, functionCall] };

const tool = fields({
  type: only("function"),
  name: text,
  description: orNull(text),
  parameters: orNull({ type: "object" }),
  strict: orNull(flag),
});

const usage = fields({
  input_tokens: whole,
  output_tokens: whole,
  total_tokens: whole,
  input_tokens_details: fields({ cached_tokens: whole }),
  output_tokens_details: fields({ reasoning_tokens: whole }),
});

const response = fields({
  id: text,
  object: only("response"),
  created_at: whole,
  completed_at: orNull(whole),
  status: text,
  incomplete_details: orNull(fields({ reason: text })),
  model: text,
  previous_response_id: orNull(text),
  instructions: orNull(text),
  output: list(item),
  error: orNull(fields({ code: text, message: text })),
  tools: list(tool),
  tool_choice: { anyOf: [only("auto", "none", "required"), fields({ type: only("function"), name: text })] },
  truncation: only("auto", "disabled"),
  parallel_tool_calls: flag,
  text: fields({ format: fields({ type: text }) }),
  top_p: number,
  presence_penalty: number,
  frequency_penalty: number,
  top_logprobs: whole,
  temperature: number,
  reasoning: orNull(fields({ effort: orNull(text), summary: orNull(text) })),
  usage: orNull(usage),
  max_output_tokens: orNull(whole),
  max_tool_calls: orNull(whole),
  store: flag,
  background: flag,
  service_tier: text,
  metadata: {},
  safety_identifier: orNull(text),
  prompt_cache_key: orNull(text),
});

const ofItem = { item_id: text, output_index: whole };
const ofPart = { ...ofItem, content_index: whole };
const problem = fields({ type: text, code: orNull(text), message: text, param: orNull(text) });

const eventFields: Record<string, Record<string, Schema>> = {
  "response.created": { response },
  "response.in_progress": { response },
  "response.completed": { response },
  "response.incomplete": { response },
  "response.failed": { response },
  "response.output_item.added": { output_index: whole, item },
  "response.output_item.done": { output_index: whole, item },
  "response.content_part.added": { ...ofPart, part },
  "response.content_part.done": { ...ofPart, part },
  "response.output_text.delta": { ...ofPart, delta: text, logprobs: list({}) },
  "response.output_text.done": { ...ofPart, text, logprobs: list({}) },
  "response.function_call_arguments.delta": { ...ofItem, delta: text },
  "response.function_call_arguments.done": { ...ofItem, arguments: text },
  error: { error: problem },
};

const ajv = new Ajv2020({ allErrors: true });
const checkResponse = ajv.compile(response);
const checkEvents = new Map(
  Object.entries(eventFields).map(([type, more]) => [
    type,
    ajv.compile(fields({ type: only(type), sequence_number: whole, ...more })),
  ]),
);

type Check = typeof checkResponse;

function problems(check: Check, value: unknown): string[] {
  return check(value) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Returns the problems of a response; empty if it is valid. */
export function responseProblems(value: unknown): string[] {
  return problems(checkResponse, value);
}

/** Returns the problems of a stream's events; empty if they are valid. */
export function eventProblems(events: readonly { type: string }[]): string[] {
  return events.flatMap((event) => {
    const check = checkEvents.get(event.type);
    return check ? problems(check, event).map((text) => `${event.type}: ${text}`) : [`${event.type} is not known`];
  });
}
