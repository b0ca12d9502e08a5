/**
 * Chooses the caller's tools that the model is offered. A tool with `defer_loading` is not offered until the caller's search has found it.
 * The messages show that a tool was found: a tool result refers to it, a system message adds it, or the model has called it.
 * https://docs.claude.com/en/docs/agents-and-tools/tool-use/tool-search-tool
 */
import type { AnthropicBlock, AnthropicTool, MessageParam } from "./anthropic-body.js";

/**
 * Returns the tools to offer. Tools that a tool search has found come last, in the order in which the search found them. The beginning of
 * the prompt thus stays the same and is read from the provider's cache.
 */
export function offeredTools(
  tools: readonly AnthropicTool[],
  messages: readonly MessageParam[],
): readonly AnthropicTool[] {
  const { found, removed } = changesIn(messages);
  // This host does not run Anthropic's own search. If the caller uses that search, all tools are offered from the start.
  const isSearchedThere = tools.some(({ type }) => type?.startsWith("tool_search_tool"));
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const first = tools.filter((tool) => !tool.defer_loading || isSearchedThere);
  const later = [...found].flatMap(([name, definition]) => definition ?? byName.get(name) ?? []);
  const firstNames = new Set(first.map(({ name }) => name));
  return [...first, ...later.filter(({ name }) => !firstNames.has(name))].filter(({ name }) => !removed.has(name));
}

interface ToolChanges {
  /** Found tools by name. The value is the definition of the tool, if the message contains it. */
  found: Map<string, AnthropicTool | undefined>;
  removed: Set<string>;
}

function changesIn(messages: readonly MessageParam[]): ToolChanges {
  const changes: ToolChanges = { found: new Map(), removed: new Set() };
  const add = (name: unknown, definition?: AnthropicTool) => {
    if (typeof name !== "string") return;
    changes.removed.delete(name);
    if (!changes.found.has(name)) changes.found.set(name, definition);
  };
  for (const block of messages.flatMap(({ content }) => (typeof content === "string" ? [] : (content ?? [])))) {
    if (block.type === "tool_use") add(block.name);
    if (block.type === "tool_result" && Array.isArray(block.content)) {
      for (const inner of block.content as Partial<AnthropicBlock>[])
        if (inner?.type === "tool_reference") add(inner.tool_name);
    }
    const tool = (block.tool ?? {}) as { type?: unknown; name?: unknown; definition?: AnthropicTool };
    if (block.type === "tool_removal" && typeof tool.name === "string") changes.removed.add(tool.name);
    if (block.type === "tool_addition") add(tool.definition?.name ?? tool.name, tool.definition);
  }
  return changes;
}
