/**
 * Fields of a call that are shown in the call's response. The log stores these fields, so that the response has the same fields when it is
 * read later.
 */
import type { ApiTool } from "../turns/caller-tools.js";

export interface AskedFields {
  instructions?: string;
  previous_response_id?: string;
  conversation?: { id: string };
  tools?: readonly ApiTool[];
  tool_choice?: string | object;
  parallel_tool_calls?: boolean;
  text?: { format?: object | null };
  temperature?: number;
  max_output_tokens?: number;
  store?: boolean;
  metadata?: object;
  prompt_cache_key?: string;
  safety_identifier?: string;
  user?: string;
}

const names: readonly (keyof AskedFields)[] = [
  "instructions",
  "previous_response_id",
  "tool_choice",
  "parallel_tool_calls",
  "text",
  "temperature",
  "max_output_tokens",
  "store",
  "metadata",
  "prompt_cache_key",
  "safety_identifier",
  "user",
];

/** Returns the fields of a call that its response shows. `tools` are the caller's tools that the model is offered. */
export function askedIn(
  body: object,
  { tools, conversationId }: { tools: readonly ApiTool[]; conversationId: string | undefined },
): AskedFields {
  const values: Readonly<Record<string, unknown>> = { ...body };
  const given = names.flatMap((name) =>
    values[name] === undefined || values[name] === null ? [] : [[name, values[name]]],
  );
  return {
    ...Object.fromEntries(given),
    ...(tools.length > 0 ? { tools } : {}),
    ...(conversationId === undefined ? {} : { conversation: { id: conversationId } }),
  };
}

/**
 * Returns the fields as the response shows them. A field that the call omitted, or that this host does not store, gets the API's default.
 * https://www.openresponses.org/reference
 */
export function shownFields({ tools = [], text, ...asked }: AskedFields): object {
  return {
    instructions: null,
    previous_response_id: null,
    tool_choice: "auto",
    parallel_tool_calls: true,
    temperature: 1,
    max_output_tokens: null,
    store: true,
    metadata: {},
    prompt_cache_key: null,
    safety_identifier: null,
    background: false,
    frequency_penalty: 0,
    max_tool_calls: null,
    presence_penalty: 0,
    reasoning: null,
    service_tier: "default",
    text: { format: text?.format ?? { type: "text" } },
    top_logprobs: 0,
    top_p: 1,
    truncation: "disabled",
    ...asked,
    tools: tools.map((tool) =>
      tool.type === "function" ? { description: null, parameters: null, strict: null, ...tool } : tool,
    ),
  };
}
