import type { PlanEntry } from "@agentclientprotocol/sdk";
import { asObject } from "../../core/json.js";

const planTools = /^(update_plan|(write_todos?)|(todo_?write))$/i;
const listKeys = ["plan", "todos", "entries", "steps"];
const textKeys = ["content", "step", "title", "description"];

const statuses: ReadonlyMap<unknown, PlanEntry["status"]> = new Map([
  ["in_progress", "in_progress"],
  ["completed", "completed"],
  ["done", "completed"],
]);

/** Returns the steps of the plan that a call writes. Undefined if the call writes no plan. `tool` is the tool's name at its server. */
export function planOf(tool: string, input: unknown): PlanEntry[] | undefined {
  if (!planTools.test(tool)) return undefined;
  const list = listKeys.map((key) => asObject(input)?.[key]).find(Array.isArray);
  return list?.flatMap((item) => {
    const step = asObject(item) ?? {};
    const content = textKeys.map((key) => step[key]).find((text) => typeof text === "string");
    if (typeof content !== "string") return [];
    const priority = step.priority === "high" || step.priority === "low" ? step.priority : "medium";
    return [{ content, priority, status: statuses.get(step.status) ?? "pending" }];
  });
}
