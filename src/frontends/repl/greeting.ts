import type { ToolHub } from "../../core/ports.js";

export interface Greeting {
  /** Lines from the host, such as what a demo model is. */
  notices?: readonly string[];
  /** Set when an existing conversation continues. */
  conversationId?: string;
}

export function greetingLines({ notices = [], conversationId }: Greeting, model: string, hub: ToolHub): string[] {
  const servers = hub.servers().map(({ name }) => name);
  const facts = [`model ${model}`, `servers: ${servers.join(", ") || "none"}`];
  if (conversationId) facts.push(`conversation ${conversationId}`);
  return [...notices, [...facts, "/help shows the commands"].join(" · ")];
}
