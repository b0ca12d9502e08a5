import type { ProviderConfig } from "../../../../src/core/config.js";
import type { Completion, CompletionRequest, Message, ToolDefinition } from "../../../../src/core/messages.js";
import type { StrictMock } from "../../../support/strict/index.js";
import { clientOf } from "../../client-of.js";

export const tool: ToolDefinition = {
  name: "read",
  description: "Reads",
  inputSchema: { type: "object", properties: { n: { type: "number" } } },
};

/** Returns the real client at that mock, over Responses. */
export function responsesClient(mock: StrictMock, provider: ProviderConfig = {}) {
  return clientOf(mock, {}, { wire: "responses", model: "gpt-5.6-sol", ...provider });
}

export const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });

export const result = (toolCallId: string, text: string): Message => ({
  role: "tool",
  toolCallId,
  content: [{ type: "text", text }],
  isError: false,
});

type Ask = (request: CompletionRequest) => Promise<Completion>;

/** Sends requests until the model calls no tool; `answer` gives the result of each call. Returns the messages with the last answer. */
export async function loopOf(
  ask: Ask,
  messages: Message[],
  answer: (n: number) => string = (n) => `content ${n}`,
  request: Partial<CompletionRequest> = {},
): Promise<Completion[]> {
  const completions: Completion[] = [];
  for (let calls = 0; ; ) {
    const completion = await ask({ messages: [...messages], tools: [tool], conversation: "conv_1", ...request });
    completions.push(completion);
    messages.push(completion.message);
    const { toolCalls } = completion.message;
    if (toolCalls.length === 0) return completions;
    for (const { id } of toolCalls) messages.push(result(id, answer(calls++)));
  }
}
