import type { ApprovalQuestion } from "../../core/events.js";
import { asObject, isWritable, type JsonObject, jsonProblem, parseJson } from "../../core/json.js";
import { unambiguous, visibleJson } from "../../core/text/inert.js";
import { editsIn } from "../shared/edit-diff.js";
import type { Colors } from "../shared/terminal.js";
import type { Asker } from "./editor/editor.js";

export interface Asking {
  signal: AbortSignal;
  colors: Colors;
}

/**
 * Number of characters shown from the start and from the end of a call's arguments, until the person asks for all of them. The important part may
 * be at the end.
 */
const shownAtEachEnd = 2000;

const choices: Readonly<Record<string, unknown>> = {
  y: true,
  yes: true,
  n: false,
  no: false,
  x: { allow: false, remember: "always" },
  never: { allow: false, remember: "always" },
};
const lasting: Readonly<Record<string, unknown>> = {
  s: { allow: true, remember: "session" },
  session: { allow: true, remember: "session" },
  p: { allow: true, remember: "project" },
  project: { allow: true, remember: "project" },
  a: { allow: true, remember: "always" },
  always: { allow: true, remember: "always" },
};

/**
 * Asks a person whether a call may run. Shows the call's arguments again, because the line that announced the call may have cut them off.
 * Resolves to an answer in the form that `session.answer` takes.
 */
export async function askApproval(editor: Asker, question: ApprovalQuestion, asking: Asking): Promise<unknown> {
  const { signal } = asking;
  const name = `${question.server}.${question.tool}`;
  const offered = question.onceOnly ? choices : { ...choices, ...lasting };
  const lastingHelp = `every ${name}: s = this session, p = this folder, a = always\n`;
  const all = shownCall(question);
  const ends = bothEnds(all);
  let shown = ends;
  for (;;) {
    const viewHelp = shown === all ? "" : "v = view all\n";
    const options = `${viewHelp}y = once, n = no, r = no and why, x = never, e = edit\n${question.onceOnly ? "" : lastingHelp}`;
    const text = `${factsOf(question)}${painted(shown, asking.colors)}\n${unambiguous(`${options}run ${name}? `)}`;
    const answer = (await editor.ask(text, signal, { keys: question.onceOnly ? "ynrxev" : "ynrxevspa" }))?.trim();
    if (answer === undefined) return false;
    const key = answer.toLowerCase();
    if (Object.hasOwn(offered, key)) return offered[key];
    if (key === "r") return askReason(editor, signal);
    const changed = key === "e" ? await askArguments(editor, question, signal) : undefined;
    if (changed) return { allow: true, arguments: changed };
    shown = key === "v" || key === "view" ? all : ends;
  }
}

/** Asks once about several calls. Resolves to the answer for all of them, or to undefined if the person wants to answer each by itself. */
export async function askApprovals(
  editor: Asker,
  questions: readonly ApprovalQuestion[],
  { signal, colors }: Asking,
): Promise<unknown> {
  const calls = questions.map((question) => `${factsOf(question)}${painted(bothEnds(shownCall(question)), colors)}\n`);
  const options = "y = all once, n = none, r = none and why, e = each by itself\n";
  const text = `${calls.join("")}${options}run all ${questions.length} calls? `;
  for (;;) {
    const answer = (await editor.ask(text, signal, { keys: "ynre" }))?.trim().toLowerCase();
    if (answer === undefined || answer === "n" || answer === "no") return false;
    if (answer === "y" || answer === "yes") return true;
    if (answer === "r") return askReason(editor, signal);
    if (answer === "e") return undefined;
  }
}

async function askReason(editor: Asker, signal: AbortSignal): Promise<unknown> {
  const message = (await editor.ask("why not? The model reads it: ", signal))?.trim();
  return message ? { allow: false, message } : false;
}

/** Resolves to the arguments as the person has changed them, or to undefined if they stay as they are. */
async function askArguments(
  editor: Asker,
  { call, server, tool }: ApprovalQuestion,
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  const before = visibleJson(call.arguments);
  let head = `arguments of ${server}.${tool} as JSON, empty = as they are\n`;
  let text = before;
  for (;;) {
    const typed = (await editor.ask(unambiguous(`${head}arguments: `), signal, { text }))?.trim();
    if (!typed || typed === before) return undefined;
    const read = parseArguments(typed);
    if (!("problem" in read)) return read.values;
    head = `${read.problem}\n`;
    text = typed;
  }
}

function parseArguments(text: string): { values: JsonObject } | { problem: string } {
  const values = asObject(parseJson(text));
  if (values) return { values };
  const problem = jsonProblem(text);
  return { problem: problem ? `this is not JSON: ${problem}` : 'an object is expected, such as {"name": "value"}' };
}

/** Returns why a call is asked about, and what a trusted server says of its tool. */
function factsOf({ reason, annotations = [] }: ApprovalQuestion): string {
  return unambiguous(`${[reason, ...(annotations.length > 0 ? [annotations.join(", ")] : [])].join("\n")}\n`);
}

/** Returns the call's arguments as JSON; edits of files follow as diffs, with an arrow for each tab. Arguments of great depth stay as they are. */
function shownCall({ call }: ApprovalQuestion): string {
  const values = asObject(parseJson(call.arguments));
  const { edits, rest } = values && isWritable(values) ? editsIn(values) : { edits: [], rest: {} };
  if (edits.length === 0) return visibleJson(call.arguments);
  const diffs = edits.map((edit) => visibleJson(edit.replaceAll("\t", "→   ")));
  return `${visibleJson(JSON.stringify(rest))}\n${diffs.join("\n\n")}`;
}

/** Colours the lines that an edit takes out and puts in. */
function painted(text: string, colors: Colors): string {
  const paint = (line: string) =>
    line.startsWith("+ ") ? colors.green(line) : line.startsWith("- ") ? colors.red(line) : line;
  return text.split("\n").map(paint).join("\n");
}

function bothEnds(text: string): string {
  const rest = text.length - 2 * shownAtEachEnd;
  if (rest <= 0) return text;
  return `${text.slice(0, shownAtEachEnd)}\n… ${rest} characters are not shown here …\n${text.slice(-shownAtEachEnd)}`;
}
