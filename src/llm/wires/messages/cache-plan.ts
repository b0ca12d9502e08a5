import type { ProviderConfig } from "../../../core/config.js";
import { asText, type JsonObject } from "../../../core/json.js";

/**
 * Distances of the cache marks from the last block, in blocks. The provider looks for cached input at each mark and at the 19 blocks before
 * it. With these distances, the provider finds the end of the previous request even after a hop with 12 parallel calls, that is, 24 new
 * blocks of calls and results.
 */
const marksBack: readonly number[] = [0, 13, 26];

/** Types of blocks that may be marked. Blocks of thinking and blocks of the provider's own tools must not be marked. */
const markable = new Set(["text", "image", "document", "tool_use", "tool_result"]);

type Marked = { system?: JsonObject[]; tools?: JsonObject[]; messages: { role: string; content: JsonObject[] }[] };

/**
 * Marks the blocks up to which the provider may cache the input. The provider accepts at most four marks. One is at the end of the system
 * prompt: it covers the tools too, which come before the system prompt, and several conversations share both. Three marks are on the latest
 * blocks.
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
  let due = marksBack;
  let back = 0;
  for (let last = messages.length - 1; last >= 0 && due.length > 0; last--) {
    const { content } = messages[last] ?? { content: [] };
    for (let at = content.length - 1; at >= 0; at--, back++) {
      const left = due.filter((distance) => distance > back);
      if (left.length === due.length || !isMarkable(content[at])) continue;
      mark(content, at);
      due = left;
    }
  }
}

function isMarkable(block: JsonObject | undefined): boolean {
  return markable.has(asText(block?.type) ?? "") && block?.text !== "";
}
