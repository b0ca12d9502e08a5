/** Reads the parts of a Chat Completions request that are needed to choose a reply. */
import { isPlainObject } from "../../core/json.js";
import type { HubTool } from "../../core/ports.js";

export interface AskedRequest {
  model: string;
  isStreamed: boolean;
  wantsUsage: boolean;
  messages: readonly AskedMessage[];
}

export interface AskedMessage {
  role: string;
  text: string;
  /**
   * For a message of the assistant: the tools that the message calls. For a tool message: the tool whose result the message contains. The
   * names are those that the model sees.
   */
  tools: readonly string[];
}

/** Reads a request's body. Nothing is validated, because the host itself has written the body. */
export function readRequest(body: string): AskedRequest {
  const { model, stream, stream_options: options, messages } = JSON.parse(body) as ChatRequestBody;
  const names = new Map<string, string>();
  return {
    model,
    isStreamed: stream === true,
    wantsUsage: options?.include_usage === true,
    messages: messages.map(({ role, content, tool_calls: calls = [], tool_call_id: id }) => {
      for (const call of calls) names.set(call.id, call.function.name);
      const resultOf = id === undefined ? undefined : names.get(id);
      const tools = resultOf === undefined ? calls.map((call) => call.function.name) : [resultOf];
      return { role, text: textOf(content), tools };
    }),
  };
}

/** Returns the messages after the model's last answer, without system messages. */
export function newest({ messages }: AskedRequest): readonly AskedMessage[] {
  return messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1).filter(isSaid);
}

export function resultsIn(messages: readonly AskedMessage[], tools: readonly HubTool[]): HubTool[] {
  const names = messages.filter(({ role }) => role === "tool").flatMap((message) => message.tools);
  return tools.filter(({ name }) => names.includes(name));
}

const maxMessages = 3;
const maxChars = 200;

export function describeRequest({ messages }: AskedRequest): string {
  return messages.filter(isSaid).slice(-maxMessages).map(describe).join("\n");
}

function describe({ role, text, tools }: AskedMessage): string {
  const names = tools.length === 0 ? "" : ` (${role === "tool" ? "of" : "calls"} ${tools.join(", ")})`;
  return `  ${role}${names}: ${excerpt(text)}`;
}

export function excerpt(text: string): string {
  return JSON.stringify(text.length > maxChars ? `${text.slice(0, maxChars)}…` : text);
}

const isSaid = ({ role }: AskedMessage) => role !== "system" && role !== "developer";

interface ChatRequestBody {
  model: string;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  messages: {
    role: string;
    content?: unknown;
    tool_calls?: { id: string; function: { name: string } }[];
    tool_call_id?: string;
  }[];
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  const parts = Array.isArray(content) ? content.filter(isPlainObject).map(({ text }) => text) : [];
  return parts.filter((text) => typeof text === "string").join("\n");
}
