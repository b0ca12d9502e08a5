import type { StoredEvent } from "../../src/core/events.js";
import type { AssertionParts } from "../../src/scripted/assertions/kind.js";
import { evaluate } from "../../src/scripted/sandbox/sandbox.js";
import type { CalledTool, StepOutcome } from "../../src/scripted/shared/script-result.js";

export function call(name: string, more: Partial<CalledTool> = {}): CalledTool {
  const [server = "", tool = ""] = name.split(".");
  return { server, tool, args: {}, isError: false, isDenied: false, text: "", ...more };
}

export function events(...types: string[]): StoredEvent[] {
  return types.map((type, index) => ({ type, turnId: "t1", seq: index + 1, at: 0 }) as StoredEvent);
}

export function outcome(more: Partial<StepOutcome> = {}): StepOutcome {
  return { output: "", calls: [], events: [], latencyMs: 10, ...more };
}

/** Returns a judge that always gives this answer. Its questions are in `asked`. */
export function partsWith(answer = "", vars: Record<string, unknown> = {}) {
  const asked: Parameters<AssertionParts["ask"]>[0][] = [];
  const ask: AssertionParts["ask"] = async (question) => {
    asked.push(question);
    return answer;
  };
  return { evaluate, ask, vars, asked };
}
