import type { Completion, Usage } from "../core/messages.js";
import { partsOf } from "./wires/shared/kept.js";

/** Maximum number of times that a paused answer is continued. Each continuation costs one more request. */
export const maxResumptions = 10;

export function continued(before: Completion, after: Completion): Completion {
  const { content, toolCalls, reasoning, kept } = before.message;
  const next = after.message;
  const from = next.kept ?? kept;
  const moved = partsOf(next).map((part) => ("call" in part ? { ...part, call: part.call + toolCalls.length } : part));
  const thoughts = [reasoning, next.reasoning].filter(Boolean).join("\n\n");
  const usage = sumOf(before.usage, after.usage);
  const message = {
    role: "assistant" as const,
    content: content + next.content,
    ...(thoughts ? { reasoning: thoughts } : {}),
    toolCalls: [...toolCalls, ...next.toolCalls],
    ...(from ? { kept: { ...from, parts: [...partsOf(before.message), ...moved] } } : {}),
  };
  const { usage: _, ...facts } = after;
  return usage ? { ...facts, message, usage } : { ...facts, message };
}

/** Returns the sum of both usages, since both requests are billed. */
function sumOf(before: Usage | undefined, after: Usage | undefined): Usage | undefined {
  if (!before || !after) return before ?? after;
  const names = new Set([...Object.keys(before), ...Object.keys(after)] as (keyof Usage)[]);
  const sums = [...names].map((name) => [name, (before[name] ?? 0) + (after[name] ?? 0)]);
  return Object.fromEntries(sums) as Usage;
}
