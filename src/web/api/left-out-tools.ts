/** Tools that the turns of a conversation do not offer to the model: names of tools, or `server__*`. This browser keeps them. */

const keyOf = (conversationId: string) => `mcp-platform-left-out-tools ${conversationId}`;

export function leftOutTools(conversationId: string): string[] {
  return JSON.parse(localStorage.getItem(keyOf(conversationId)) ?? "[]") as string[];
}

export function keepLeftOutTools(conversationId: string, names: readonly string[]): void {
  if (names.length === 0) localStorage.removeItem(keyOf(conversationId));
  else localStorage.setItem(keyOf(conversationId), JSON.stringify(names));
}
