import type { ApprovalQuestion } from "../../core/events.js";
import { unambiguous, visibleJson } from "../../core/text/inert.js";
import type { Asker } from "./editor/editor.js";

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
 */
export async function askApproval(editor: Asker, question: ApprovalQuestion, signal: AbortSignal): Promise<unknown> {
  const { server, tool, reason, call, annotations = [], onceOnly } = question;
  const marks = annotations.length > 0 ? `\n${annotations.join(", ")}` : "";
  const lastingChoices = onceOnly ? "" : "s = this session, p = this project, a = always, ";
  const all = visibleJson(call.arguments);
  const offered = onceOnly ? choices : { ...choices, ...lasting };
  const ends = bothEnds(all);
  let shown = ends;
  for (;;) {
    const viewChoice = shown === all ? "" : "v = view all, ";
    const text = `${reason}${marks}\n${shown}\n${viewChoice}y = once, ${lastingChoices}n = no, never\nrun ${server}.${tool}? `;
    const answer = (await editor.ask(unambiguous(text), signal))?.trim().toLowerCase();
    if (answer === undefined) return false;
    shown = answer === "v" || answer === "view" ? all : ends;
    if (Object.hasOwn(offered, answer)) return offered[answer];
  }
}

function bothEnds(text: string): string {
  const rest = text.length - 2 * shownAtEachEnd;
  if (rest <= 0) return text;
  return `${text.slice(0, shownAtEachEnd)}\n… ${rest} characters are not shown here …\n${text.slice(-shownAtEachEnd)}`;
}
