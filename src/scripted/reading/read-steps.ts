import { isPlainObject, type JsonObject } from "../../core/json.js";
import { addAll } from "../../core/lists/long-lists.js";
import { child } from "../../core/source/tree.js";
import { problemOf } from "../assertions/assertions.js";
import type { Assertion, Step, StepKind } from "../shared/script.js";
import type { ScriptDocument } from "./document.js";
import { checkSense, stepKindOf } from "./step-shape.js";

/** Reads and checks a list of steps. Problems are added to the document. */
export function readSteps(list: unknown, pointer: string, document: ScriptDocument, cwd: string): Step[] {
  const steps: Step[] = [];
  /**
   * True if `answer` steps may follow, because the previous step may ask questions. Also true after an invalid step: the problem of the
   * invalid step is already reported, and the answers to it may be correct.
   */
  let isAskable = false;
  for (const [index, item] of (Array.isArray(list) ? list : []).entries()) {
    const at = child(pointer, index);
    const kind = document.isSound(at) ? stepKindOf(item as JsonObject, at, document) : undefined;
    if (kind === undefined) {
      isAskable = true;
      continue;
    }
    if (kind === "answer" && !isAskable) {
      const message = "there is no user, tool, prompt or resource step before this answer";
      document.complain({ pointer: at, part: "value", message });
      continue;
    }
    if (kind !== "answer") isAskable = askable.includes(kind);
    const step = readStep(kind, item as JsonObject, at, { document, cwd });
    appendStep(step, steps);
  }
  return steps;
}

const askable: readonly StepKind[] = ["user", "tool", "prompt", "resource"];

/** Appends a step. An answer that follows an `if` step is appended to the steps inside the `if`. */
function appendStep(step: Step, steps: Step[]): void {
  const last = steps.at(-1);
  const conditional = step.kind === "answer" && last?.kind === "if" ? last : undefined;
  if (!conditional) steps.push(step);
  else steps[steps.length - 1] = { ...conditional, steps: [...conditional.steps, step] };
}

interface StepReading {
  document: ScriptDocument;
  /** Absolute path of the command's working directory. */
  cwd: string;
}

function readStep(kind: StepKind, item: JsonObject, at: string, reading: StepReading): Step {
  const { document } = reading;
  checkSense(kind, item, at, document);
  checkTemplates(kind, item, at, document);
  const step = byKind(kind, item, at, reading);
  if (kind === "if" || item.if === undefined) return step;
  const condition = { position: step.position, name: `if ${item.if}`, assert: [], save: {} };
  return { ...condition, kind: "if", condition: String(item.if), steps: [step], otherwise: [] };
}

function byKind(kind: StepKind, item: JsonObject, at: string, { document, cwd }: StepReading): Step {
  const written = item as unknown as WrittenStep;
  const inner = (list: unknown, ...keys: string[]) => readSteps(list, keys.reduce(child, at), document, cwd);
  const base = (name: string) => ({
    position: document.position(at),
    name: written.name ?? name,
    assert: readAssertions(written.assert, child(at, "assert"), document),
    save: written.save ?? {},
  });
  document.checkVariables(child(at, "save"), written.save);
  switch (kind) {
    case "user": {
      const output = written.output && { jsonSchema: written.output.json_schema };
      return { ...base(brief(written.user)), kind, text: written.user, ...(output && { output }) };
    }
    case "tool":
      return { ...base(written.tool.name), kind, tool: written.tool.name, args: written.tool.args ?? {} };
    case "prompt":
      return { ...base(written.prompt.name), kind, prompt: written.prompt.name, args: written.prompt.args ?? {} };
    case "resource":
      return { ...base(written.resource.uri), kind, uri: written.resource.uri };
    case "answer": {
      const { answer: value, to } = written;
      return { ...base(`answer ${brief(JSON.stringify(value))}`), kind, value, ...(to && { to }) };
    }
    case "set":
      document.checkVariables(child(at, "set"), written.set);
      return { ...base(`set ${Object.keys(written.set).join(", ")}`), kind, values: written.set };
    case "include": {
      document.checkVariables(child(at, "with"), written.with);
      const { vars, steps } = readIncluded(document.openInclude(written.include, at, cwd), document, cwd);
      return { ...base(`include ${written.include}`), kind, values: { ...vars, ...written.with }, steps };
    }
    case "parallel":
      return { ...base("parallel"), kind, steps: inner(written.parallel, "parallel") };
    case "repeat": {
      const { times, until, max, steps } = written.repeat;
      const bounds = times === undefined ? { until, max } : { times };
      return { ...base("repeat"), kind, ...bounds, steps: inner(steps, "repeat", "steps") };
    }
    case "conversation":
      return { ...base(`conversation ${written.conversation}`), kind, conversation: written.conversation };
    case "if": {
      const branches = { steps: inner(written.then, "then"), otherwise: inner(written.else, "else") };
      return { ...base(`if ${written.if}`), kind, condition: String(written.if), ...branches };
    }
  }
}

/** Reads the variables and the steps of an included file. All other keys are ignored, because the file may also be a script of its own. */
function readIncluded(included: ScriptDocument | undefined, including: ScriptDocument, cwd: string) {
  if (!included) return { vars: {}, steps: [] };
  const { vars, steps } = included.source.tree;
  const read = readSteps(steps, "/steps", included, cwd);
  addAll(including.problems, included.problems);
  return { vars: isPlainObject(vars) ? vars : {}, steps: read };
}

/**
 * A step that the schema has accepted. Of the keys below, only those that are allowed for its own kind of step are set; `stepKindOf`
 * returns the kind.
 */
interface WrittenStep {
  name?: string;
  assert?: unknown;
  save?: Record<string, string>;
  user: string;
  output?: { json_schema: JsonObject };
  tool: { name: string; args?: JsonObject };
  prompt: { name: string; args?: JsonObject };
  resource: { uri: string };
  answer: unknown;
  to?: { tool?: string; elicitation?: string };
  set: JsonObject;
  include: string;
  with?: JsonObject;
  parallel: unknown;
  repeat: { times?: number; until?: string; max?: number; steps: unknown };
  conversation: string;
  if: string | boolean;
  then?: unknown;
  else?: unknown;
}

/** Checks the templates of a step. Templates of inner steps are checked when the inner steps are read. */
function checkTemplates(kind: StepKind, item: JsonObject, at: string, document: ScriptDocument): void {
  const own = kind === "repeat" ? { ...item, repeat: { ...(item.repeat as JsonObject), steps: [] } } : item;
  for (const [key, value] of Object.entries(own)) {
    if (["parallel", "then", "else", "name", "output"].includes(key)) continue;
    document.checkTemplates(child(at, key), value);
  }
}

const brief = (text: string) => {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
};

/** Reads the assertions of a step that the schema has accepted. Problems are added to the document. */
function readAssertions(list: unknown, pointer: string, document: ScriptDocument): Assertion[] {
  return ((list ?? []) as Omit<Assertion, "position">[]).map((written, index) => {
    const at = child(pointer, index);
    const assertion = { ...written, position: document.position(at) };
    const message = problemOf(assertion);
    if (message !== undefined) document.complain({ pointer: child(at, "type"), part: "value", message });
    return assertion;
  });
}
