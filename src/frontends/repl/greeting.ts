import type { ToolHub } from "../../core/ports.js";

export interface Greeting {
  /** Lines of the host, as what a demo model is. */
  notices?: readonly string[];
  /** A conversation that goes on. */
  conversationId?: string;
}

/** What a chat begins with, as lines. */
export function greetingLines({ notices = [], conversationId }: Greeting, model: string, hub: ToolHub): string[] {
  const servers = hub.servers().map(({ name }) => name);
  const facts = [`model ${model}`, `servers: ${servers.join(", ") || "none"}`];
  if (conversationId) facts.push(`conversation ${conversationId}`);
  return [...notices, [...facts, "/help shows the commands"].join(" · ")];
}
