import type { PromptInfo, ResourceInfo } from "../../core/ports.js";

const maxDescription = 200;
const maxInstructions = 1000;
/** Maximum number of lines for one server. A server with thousands of resources must leave room for the other servers. */
const maxOfServer = 20;

export interface Offers {
  instructions: readonly { server: string; text: string }[];
  prompts: readonly PromptInfo[];
  resources: readonly ResourceInfo[];
}

/**
 * Returns the part of the system prompt that describes servers, prompts and resources. Returns "" if there are none. The instructions have
 * at most `maxChars` characters, and the lists also have at most `maxChars`. If lines do not fit, a last line says how many were left out.
 * A text from a server is put on one line, so that it cannot look like a section of the system prompt.
 */
export function catalogue({ instructions, prompts, resources }: Offers, maxChars: number): string {
  const words = section(
    "What MCP servers say about their tools (SERVER__TOOL):",
    instructions
      .filter(({ text }) => oneLine(text))
      .map(({ server, text }) => `- ${server}: ${oneLine(text.slice(0, maxInstructions))}`),
  );
  const lists = [
    ...section("MCP prompts (the user can apply one by its name):", linesOf(prompts, promptLine)),
    ...section("MCP resources (host__read_resource reads one by its URI):", linesOf(resources, resourceLine)),
  ];
  return [words, lists]
    .map((lines) => bounded(lines, maxChars))
    .filter(Boolean)
    .join("\n");
}

/**
 * Returns one line for each item, in the same order, but at most `maxOfServer` lines for each server. If a server has more items, adds a
 * line with the number of items that were left out.
 */
function linesOf<Item extends { server: string }>(items: readonly Item[], lineOf: (item: Item) => string): string[] {
  const counts = new Map<string, number>();
  const lines = items.flatMap((item) => {
    const count = (counts.get(item.server) ?? 0) + 1;
    counts.set(item.server, count);
    return count <= maxOfServer ? [lineOf(item)] : [];
  });
  const more = [...counts].filter(([, count]) => count > maxOfServer);
  return [...lines, ...more.map(([server, count]) => `- (${count - maxOfServer} more of ${server})`)];
}

function section(title: string, items: string[]): string[] {
  return items.length > 0 ? [title, ...items] : [];
}

function resourceLine({ uri, name, description, mimeType }: ResourceInfo): string {
  const label = name === uri ? "" : `: ${oneLine(name)}`;
  return `- ${oneLine(uri)}${mimeType ? ` (${oneLine(mimeType)})` : ""}${label}${about(description)}`;
}

function promptLine(prompt: PromptInfo): string {
  const names = prompt.arguments.map(({ name, required }) => `${oneLine(name)}${required ? "" : "?"}`);
  return `- ${prompt.name}(${names.join(", ")})${about(prompt.description)}`;
}

function about(description: string): string {
  const words = oneLine(description);
  return words && ` - ${words.length > maxDescription ? `${words.slice(0, maxDescription)}…` : words}`;
}

function oneLine(words: string): string {
  return words.replaceAll(/\s+/g, " ").trim();
}

function bounded(lines: string[], maxChars: number): string {
  const whole = lines.join("\n");
  if (whole.length <= maxChars) return whole;
  const note = (left: number) => `(${left} more lines left out)`;
  const room = maxChars - note(lines.length).length - 1;
  let length = -1;
  const kept = lines.filter((line) => {
    length += line.length + 1;
    return length <= room;
  });
  return kept.length > 0 ? [...kept, note(lines.length - kept.length)].join("\n") : "";
}
