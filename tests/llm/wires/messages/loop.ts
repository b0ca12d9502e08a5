/** Runs a loop of tools at the level of the client: calls are answered until the model is done. */

import type { ProviderConfig } from "../../../../src/core/config.js";
import type { AssistantMessage, Completion, CompletionRequest, Message } from "../../../../src/core/messages.js";
import type { StrictMock } from "../../../support/strict/index.js";
import { clientOf } from "../../client-of.js";

export const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });
export const system: Message = { role: "system", content: "You add numbers. ".repeat(20) };
export const loopTools: CompletionRequest["tools"] = [
  {
    name: "calc__add",
    description: "Adds two numbers",
    inputSchema: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
  },
];

export function messagesClient(mock: Pick<StrictMock, "url">, provider: ProviderConfig = {}, retries = 0) {
  return clientOf(mock, { maxRetries: retries }, { wire: "messages", model: "claude-opus-5", ...provider });
}

type Client = ReturnType<typeof messagesClient>;

/** Returns the results of an answer's calls. */
export function resultsOf({ toolCalls }: AssistantMessage, textOf: (call: string) => string): Message[] {
  return toolCalls.map(({ id, arguments: text }) => ({
    role: "tool",
    toolCallId: id,
    content: [{ type: "text", text: textOf(text) }],
    isError: false,
  }));
}

/** Sends requests until an answer has no calls. Appends to `messages`. */
export async function runLoop(
  client: Client,
  messages: Message[],
  {
    tools = loopTools,
    streaming = true,
    textOf = (text: string) => text,
  }: { tools?: CompletionRequest["tools"]; streaming?: boolean; textOf?: (call: string) => string } = {},
): Promise<Completion[]> {
  const completions: Completion[] = [];
  for (;;) {
    const completion = await client.ask({ streaming }, { messages: [...messages], tools });
    completions.push(completion);
    messages.push(completion.message, ...resultsOf(completion.message, textOf));
    if (completion.message.toolCalls.length === 0) return completions;
  }
}
