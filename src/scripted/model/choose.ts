import { withinTime } from "../../core/async/within-time.js";
import { namesTool, parseToolPattern } from "../../core/patterns/tool-pattern.js";
import type { HubTool } from "../../core/ports.js";
import type { ReplyCondition } from "../shared/reply.js";
import { type AskedRequest, newest, resultsIn } from "./request.js";

/** Time limit for matching, in ms. It is needed because a regular expression may backtrack for ever on a tool's text. */
const longestMatchMs = 500;

export interface Circumstances {
  request: AskedRequest;
  step: string;
  tools: readonly HubTool[];
}

/** Returns true if the condition holds for the request. `condition` must not contain templates any more. */
export function applies(condition: ReplyCondition, { request, step, tools }: Circumstances): boolean {
  const { contains, icontains, regex, toolResult } = condition;
  const messages = newest(request);
  const text = messages.map((message) => message.text).join("\n");
  if (condition.step !== undefined && condition.step !== step) return false;
  if (contains !== undefined && !text.includes(contains)) return false;
  if (icontains !== undefined && !text.toLowerCase().includes(icontains.toLowerCase())) return false;
  if (toolResult !== undefined && !resultsIn(messages, tools).some((tool) => isNamed(toolResult, tool))) return false;
  return regex === undefined || matches(regex, text);
}

function isNamed(written: string, tool: HubTool): boolean {
  const pattern = parseToolPattern(written);
  return !("problem" in pattern) && namesTool(pattern, tool);
}

function matches(regex: string, text: string): boolean {
  return withinTime(longestMatchMs, () => new RegExp(regex, "su").test(text))?.result ?? false;
}
