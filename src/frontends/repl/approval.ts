import type { ApprovalQuestion } from "../../core/chat.js";
import { unambiguous } from "../terminal.js";
import type { Asker } from "./editor.js";

/** More of a call's arguments than this is not read by anybody. */
const shownArguments = 4000;

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

/** Asks a person whether a call may run. The arguments are shown whole: the line of the call may have cut them. */
export async function askApproval(editor: Asker, question: ApprovalQuestion, signal: AbortSignal): Promise<unknown> {
  const { server, tool, reason, call, annotations = [], onceOnly } = question;
  const rest = call.arguments.length - shownArguments;
  const shown = call.arguments.slice(0, shownArguments) + (rest > 0 ? `… and ${rest} characters more` : "");
  const marks = annotations.length > 0 ? `\n${annotations.join(", ")}` : "";
  const lastingChoices = onceOnly ? "" : "s = this session, p = this project, a = always, ";
  const text = `${reason}${marks}\n${shown}\ny = once, ${lastingChoices}n = no, never\nrun ${server}.${tool}? `;
  const offered = onceOnly ? choices : { ...choices, ...lasting };
  for (;;) {
    const answer = (await editor.ask(unambiguous(text), signal))?.trim().toLowerCase();
    if (answer === undefined) return false;
    if (Object.hasOwn(offered, answer)) return offered[answer];
  }
}
