/** Finds tool calls in plain English sentences. The demo model understands nothing else. */

export interface DemoTool {
  name: string;
  /** The tool's arguments, the required ones first. `type` is the JSON Schema type, or empty if the schema has none. */
  properties: readonly { name: string; type: string }[];
}

export interface DemoCall {
  name: string;
  /** Arguments as JSON text. If the user wrote the arguments, the text may be invalid JSON. */
  arguments: string;
}

/** Only this many characters of a prompt are searched for calls. The limit keeps the patterns below fast. */
const longestText = 4_000;

/** Parses "A and also B, then C" to [[A, B], [C]]. The calls of an inner list run in parallel. Phrases that are not calls are skipped. */
export function findRounds(text: string, tools: readonly DemoTool[]): DemoCall[][] {
  return text
    .slice(0, longestText)
    .split(outsideQuotes("[,;.]?\\s+(?:and\\s+)?then\\s+"))
    .map((round) => round.split(outsideQuotes("[,;.]?\\s+and\\s+also\\s+")))
    .map((phrases) => phrases.flatMap((phrase) => findCall(phrase.trim(), tools) ?? []))
    .filter((calls) => calls.length > 0);
}

function outsideQuotes(pattern: string): RegExp {
  return new RegExp(`${pattern}(?=(?:[^"]*"[^"]*")*[^"]*$)`, "i");
}

function findCall(phrase: string, tools: readonly DemoTool[]): DemoCall | undefined {
  return namedCall(phrase, tools) ?? spokenCall(phrase, tools);
}

/** Parses a call that names its tool: `TOOL(a=1)`, `use TOOL with a=1 and b="two words"` or `call TOOL {"a":1}`. */
function namedCall(phrase: string, tools: readonly DemoTool[]): DemoCall | undefined {
  const [, name = "", rest = ""] =
    /^([\w-]+)\s*\((.*)\)[.?!]?$/s.exec(phrase) ??
    /\b(?:use|call|run)\s+(?:the\s+)?([\w-]+)(?:\s+tool)?(?:\s+with)?\b\s*(.*)$/is.exec(phrase) ??
    [];
  const tool = tools.find((each) => [each.name, ownName(each)].some((known) => sameText(known, name)));
  if (!tool) return undefined;
  if (rest.startsWith("{")) return { name: tool.name, arguments: rest.replace(/[^}]*$/, "") || rest };
  const pairs = [...rest.matchAll(/([A-Za-z_][\w-]*)\s*[=:]\s*("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\{[^}]*\}|[^\s,;)]+)/g)];
  const values = pairs.map(([, key = "", value = ""]) => [key, typedValue(value, typeOf(tool, key))]);
  const spoken = values.length === 0 ? spokenCall(phrase, [tool]) : undefined;
  return spoken ?? { name: tool.name, arguments: JSON.stringify(Object.fromEntries(values)) };
}

const number = "(-?\\d+(?:\\.\\d+)?)";

/** Phrases that call the demo server's tools. The capture groups of `phrase` are the arguments, in the order of the tool's schema. */
const sayings: readonly { tool: RegExp; phrase: RegExp }[] = [
  {
    tool: /^(add|sum|get-sum)$/i,
    phrase: new RegExp(`\\b(?:add|sum)\\b.*?${number}\\s*(?:and|to|with|,)\\s*${number}`, "is"),
  },
  { tool: /^(add|sum|get-sum)$/i, phrase: new RegExp(`${number}\\s*(?:\\+|plus)\\s*${number}`, "i") },
  { tool: /^echo$/i, phrase: /\becho\s+(.+?)(?:\s+(?:with|using) the \S+ tool)?$/is },
  { tool: /^count/i, phrase: new RegExp(`\\bcount\\b.*?${number}`, "is") },
  { tool: /time|clock/i, phrase: /^time\b|\b(?:what|current|tell|show|get)\b.*\btime\b/is },
];

function spokenCall(phrase: string, tools: readonly DemoTool[]): DemoCall | undefined {
  for (const saying of sayings) {
    const tool = tools.find((each) => saying.tool.test(ownName(each)));
    const found = saying.phrase.exec(phrase);
    if (!tool || !found) continue;
    const words = found.slice(1);
    const named = tool.properties.slice(0, words.length);
    const values = named.map(({ name, type }, index) => [name, typedValue(words[index] ?? "", type)]);
    return { name: tool.name, arguments: JSON.stringify(Object.fromEntries(values)) };
  }
  return undefined;
}

/** Returns the tool's own name, without the prefix `server__`. */
export function ownName({ name }: DemoTool): string {
  return name.replace(/^.*?__/, "");
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function typeOf(tool: DemoTool, argument: string): string {
  return tool.properties.find(({ name }) => name === argument)?.type ?? "";
}

/** Returns the value of an argument. A bare word for a text argument stays text; any other value is parsed as JSON where possible. */
function typedValue(written: string, type: string): unknown {
  if (type === "string" && !written.startsWith('"')) return written;
  const value = written.replace(/[.?!]$/, "");
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
