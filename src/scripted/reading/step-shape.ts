import type { JsonObject } from "../../core/json.js";
import { parseToolPattern } from "../../core/patterns/tool-pattern.js";
import { schemaProblem } from "../../core/schemas/structured-output.js";
import { child } from "../../core/source/tree.js";
import { pathProblem } from "../shared/json-path.js";
import type { StepKind } from "../shared/script.js";
import type { ScriptDocument } from "./document.js";

/** Keys that are allowed in each kind of step, in addition to the key that names the kind, `name` and `if`. */
const keys: Readonly<Record<StepKind, readonly string[]>> = {
  user: ["output", "assert", "save"],
  tool: ["assert", "save"],
  prompt: ["assert", "save"],
  resource: ["assert", "save"],
  answer: ["to"],
  set: [],
  include: ["with"],
  parallel: [],
  repeat: [],
  conversation: [],
  if: ["then", "else"],
};

const kinds = Object.keys(keys) as StepKind[];

/** Returns the kind of a step. If the item has no step key, or several, adds a problem and returns undefined. */
export function stepKindOf(item: JsonObject, at: string, document: ScriptDocument): StepKind | undefined {
  const found = kinds.filter((kind) => kind in item && kind !== "if");
  if ("then" in item || ("if" in item && found.length === 0)) found.push("if");
  const [kind] = found;
  if (found.length === 1) return kind;
  const message =
    found.length === 0
      ? `a step is one of ${kinds.join(", ")}`
      : `${found.map((each) => `"${each}"`).join(" and ")} are steps of their own: put a - before each`;
  document.complain({ pointer: at, part: "value", message });
  return undefined;
}

/** Reports keys that belong to another kind of step, and mistakes that the schema cannot express. */
export function checkSense(kind: StepKind, item: JsonObject, at: string, document: ScriptDocument): void {
  const complain = (pointer: string, part: "key" | "value", message: string) =>
    document.complain({ pointer, part, message });
  const known = ["name", "if", kind, ...keys[kind]];
  for (const key of Object.keys(item)) {
    if (known.includes(key)) continue;
    const owners = kinds.filter((each) => keys[each].includes(key));
    complain(child(at, key), "key", `"${key}" belongs to ${owners.join(", ")}, not to ${kind}`);
  }
  if (kind === "if" && !("then" in item))
    complain(child(at, "if"), "key", `"if" needs "then", or a step in the same entry`);
  if (kind === "repeat")
    checkRepeat(item.repeat as JsonObject, (message) => complain(child(at, "repeat"), "key", message));
  if (kind === "tool" || kind === "prompt") {
    const { name } = item[kind] as { name: string };
    const isTemplate = name.includes("{{");
    if (!isTemplate && !/^.+?(\.|__)./.test(name)) {
      complain(`${child(at, kind)}/name`, "value", `expected server.${kind}, got "${name}"`);
    }
  }
  const pattern = (item.to as { tool?: string } | undefined)?.tool;
  const parsed = pattern === undefined ? undefined : parseToolPattern(pattern);
  if (parsed && "problem" in parsed) complain(`${at}/to/tool`, "value", parsed.problem);
  const output = item.output as { json_schema: JsonObject } | undefined;
  const wrong = output && schemaProblem(output.json_schema);
  if (wrong) complain(`${at}/output/json_schema`, "value", wrong);
  const save = (item.save ?? {}) as Record<string, string>;
  for (const [name, path] of Object.entries(save)) {
    const problem = pathProblem(path);
    if (problem !== undefined) complain(child(`${at}/save`, name), "value", problem);
  }
}

function checkRepeat({ times, until, max }: JsonObject, complain: (message: string) => void): void {
  if ((times === undefined) === (until === undefined)) complain(`a repeat has either "times" or "until"`);
  else if (until !== undefined && max === undefined) complain(`"until" needs "max", the largest number of rounds`);
  else if (times !== undefined && max !== undefined) complain(`"max" can only be combined with "until"`);
}
