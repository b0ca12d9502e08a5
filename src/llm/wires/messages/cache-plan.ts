import type { ProviderConfig } from "../../../core/config.js";
import { asObjects, asText, type JsonObject } from "../../../core/json.js";

/**
 * Distances of the marks from the last block. The provider looks for known input at each mark and at the 19 positions before it. With these
 * distances it finds the end of the previous request even after a hop of 12 parallel calls, in which each call and each result counts.
 */
const MARKS_BACK = [0, 13, 26];

/** Types of blocks that may be marked. Thinking may not, and neither may blocks of the provider's own tools. */
const MARKABLE = new Set(["text", "image", "tool_use", "tool_result"]);

type Marked = { system?: JsonObject[]; tools?: JsonObject[]; messages: { role: string; content: JsonObject[] }[] };

/**
 * Marks the blocks up to which the provider may cache the input: the end of the system prompt, which comes after the tools and is the same
 * in several conversations, and three of the latest blocks. The provider accepts four marks at most.
 */
export function markForCache(body: Marked, cache: ProviderConfig["cache"] = "5m"): void {
  if (cache === "off") return;
  const control = cache === "1h" ? { type: "ephemeral", ttl: "1h" } : { type: "ephemeral" };
  const mark = (blocks: JsonObject[], at: number) => {
    blocks[at] = { ...blocks[at], cache_control: control };
  };
  const { system = [], tools = [], messages } = body;
  const lastTool = tools.findLastIndex(({ defer_loading }) => defer_loading !== true);
  if (system.length > 0) mark(system, system.length - 1);
  else if (lastTool >= 0) mark(tools, lastTool);
  const places = messages.flatMap(({ content }) => content.map((_, at) => ({ content, at })));
  const marked = MARKS_BACK.map((back) =>
    places.findLastIndex(({ content, at }, place) => place <= places.length - 1 - back && isMarkable(content[at])),
  );
  for (const place of new Set(marked)) {
    const found = places[place];
    if (found) mark(found.content, found.at);
  }
}

function isMarkable(block: JsonObject | undefined): boolean {
  return MARKABLE.has(asText(block?.type) ?? "") && !asObjects([block]).some(({ text }) => text === "");
}
