/**
 * Schemas of request bodies of Anthropic's Messages API. The contents of a block are not checked here, but where the block is read.
 * https://docs.claude.com/en/api/messages
 */
import type { JsonSchema } from "../../../core/messages.js";
import { flag, list, object, optional, text } from "../../protocol/schema-words.js";
import { stopSequences } from "../shared/api-schemas.js";
import { type FormatBody, outputFormat } from "../shared/read-output.js";

export type AnthropicBlock = { type: string } & Record<string, unknown>;

export interface MessageParam {
  role: "user" | "assistant" | "system";
  content?: string | AnthropicBlock[] | null;
}

export interface AnthropicTool {
  /** Absent, null or `custom` if the caller runs the tool. */
  type?: string | null;
  name: string;
  description?: string | null;
  input_schema?: object | null;
  /** True if the tool is not offered until a search has found the tool. */
  defer_loading?: boolean | null;
}

export interface TokenCountBody {
  model?: string | null;
  messages: MessageParam[];
  system?: string | { text: string }[] | null;
  tools?: AnthropicTool[] | null;
  tool_choice?: {
    type: "auto" | "any" | "tool" | "none";
    name?: string;
    disable_parallel_tool_use?: boolean | null;
  } | null;
}

export interface MessagesBody extends TokenCountBody {
  max_tokens?: number | null;
  stream?: boolean | null;
  temperature?: number | null;
  stop_sequences?: string[] | null;
  thinking?: { type: string; display?: string | null } | null;
  thread?: object | null;
  output_format?: FormatBody | null;
  output_config?: { format?: FormatBody | null } | null;
}

const content = { anyOf: [text, list(object({ type: text }, ["type"]))] };

const shared: Record<string, JsonSchema> = {
  model: optional(text),
  messages: {
    type: "array",
    minItems: 1,
    items: object({ role: { enum: ["user", "assistant", "system"] }, content: optional(content) }, ["role"]),
  },
  system: optional({ anyOf: [text, list(object({ type: { const: "text" }, text }, ["type", "text"]))] }),
  tools: optional(
    list(
      object(
        {
          type: optional(text),
          name: text,
          description: optional(text),
          input_schema: optional({ type: "object" }),
          defer_loading: optional(flag),
        },
        ["name"],
      ),
    ),
  ),
  tool_choice: optional(
    object({ type: { enum: ["auto", "any", "tool", "none"] }, name: text, disable_parallel_tool_use: optional(flag) }, [
      "type",
    ]),
  ),
  thinking: optional(object({ type: text, display: optional(text) }, ["type"])),
  /** Only an empty list is valid, since the host's configuration names the servers. */
  mcp_servers: optional({ type: "array", maxItems: 0 }),
};

export const tokenCountBody = object(shared, ["messages"]);

export const messagesBody = object(
  {
    ...shared,
    max_tokens: optional({ type: "integer", minimum: 1 }),
    stream: optional(flag),
    temperature: optional({ type: "number", minimum: 0, maximum: 1 }),
    stop_sequences: optional(stopSequences),
    /** Field in which earlier SDKs send the format of the answer. */
    output_format: outputFormat,
    output_config: optional(object({ format: outputFormat })),
  },
  ["messages"],
);
