import type { PromptInfo, ResourceInfo } from "../core/ports.js";

const maxDescription = 200;

/**
 * What prompts and resources there are, for the system prompt; "" when there are none. At most `maxChars` long: what does not
 * fit is counted. Server-supplied words stay on one line each, so that none can pose as a section of the system prompt.
 */
export function catalogue(
  prompts: readonly PromptInfo[],
  resources: readonly ResourceInfo[],
  maxChars: number,
): string {
  const lines = [
    ...section("MCP resources (host__read_resource reads one by its URI):", resources.map(resourceLine)),
    ...section("MCP prompts (the user can apply one by its name):", prompts.map(promptLine)),
  ];
  return bounded(lines, maxChars);
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
