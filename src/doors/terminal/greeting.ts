import type { ToolHub } from "../../core/ports.js";

export interface Greeting {
  /** Lines that the host wants to show first, such as an explanation of the demo model. */
  notices?: readonly string[];
  /** Set if the chat continues an existing conversation. */
  conversationId?: string;
}

export function greetingLines({ notices = [], conversationId }: Greeting, model: string, hub: ToolHub): string[] {
  const servers = hub.servers().map(({ name }) => name);
  const facts = [`model ${model}`, `servers: ${servers.join(", ") || "none"}`];
  if (conversationId) facts.push(`conversation ${conversationId}`);
  return [...notices, [...facts, "/help shows the commands"].join(" · ")];
}
