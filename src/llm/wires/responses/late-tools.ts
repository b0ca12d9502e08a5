import type { CompletionRequest, Message, ToolDefinition } from "../../../core/chat.js";

/** Which tools stand before the conversation, and which of them a result in it has brought: those are told to the model behind it. */
export interface ToolPlaces {
  first: readonly ToolDefinition[];
  /** By the message of the result. Each tool stands once. */
  after: ReadonlyMap<Message, readonly ToolDefinition[]>;
}

export function toolPlaces({ messages, tools }: CompletionRequest, takesLate: boolean): ToolPlaces {
  const after = new Map<Message, readonly ToolDefinition[]>();
  if (!takesLate) return { first: tools, after };
  const left = new Map(tools.map((tool) => [tool.name, tool]));
  for (const message of messages) {
    if (message.role !== "tool" || !message.found) continue;
    const fresh = message.found.flatMap((name) => left.get(name) ?? []);
    for (const { name } of fresh) left.delete(name);
    if (fresh.length > 0) after.set(message, fresh);
  }
  return { first: after.size === 0 ? tools : [...left.values()], after };
}
