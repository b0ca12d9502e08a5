import type { ApprovalQuestion } from "../core/chat.js";
import type { LineEditor } from "./line-editor.js";
import { unambiguous } from "./terminal.js";

/** More of a call's arguments than this is not read by anybody. */
const shownArguments = 4000;

/** Asks a person whether a call may run. The arguments are shown whole: the line of the call may have cut them. */
export async function askApproval(
  editor: LineEditor,
  question: ApprovalQuestion,
  signal: AbortSignal,
): Promise<unknown> {
  const { server, tool, reason, call } = question;
  const rest = call.arguments.length - shownArguments;
  const shown = call.arguments.slice(0, shownArguments) + (rest > 0 ? `… and ${rest} characters more` : "");
  const text = `${reason}\n${shown}\nrun ${server}.${tool}? y = once, a = always in this session, n = no: `;
  for (;;) {
    const answer = await editor.ask(unambiguous(text), signal);
    switch (answer?.trim().toLowerCase()) {
      case "y":
      case "yes":
        return true;
      case "a":
      case "always":
        return { allow: true, remember: "session" };
      case "n":
      case "no":
      case undefined:
        return false;
    }
  }
}
