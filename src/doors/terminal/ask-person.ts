import type { ApprovalQuestion, Question } from "../../core/events.js";
import { unambiguous, visibleJson } from "../../core/text/inert.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { limitAnswers, limitText } from "../shared/limit-text.js";
import type { Asker } from "./editor/editor.js";
import { askForm } from "./form.js";

/**
 * Asks a question at the terminal. The last line, where the answer is typed, names the server, because a server's text may fill the screen
 * or imitate another question. Resolves to an answer in the form that `session.answer` takes.
 */
export async function askPerson(editor: Asker, question: Question, signal: AbortSignal): Promise<unknown> {
  if (question.kind === "approval") return askApproval(editor, question, signal);
  if (question.kind === "sampling") {
    const { server, prompt, maxTokens } = question;
    const text = `${server} asks the model for up to ${maxTokens} tokens, at your cost:\n${prompt}\nlet ${server} ask the model? y/n: `;
    return (await yesOrNo(editor, text, signal)) === true;
  }
  if (question.kind === "limit") {
    const text = `${limitText(question)}\nn: ${limitAnswers.no}\n${limitAnswers.yes}? y/n: `;
    return (await yesOrNo(editor, text, signal)) === true;
  }
  if ("form" in question) return askForm(editor, question, signal);
  const { server, message, url } = question;
  const text = `${server} asks you to open a page: ${message}\n${url}\ndone at that page of ${server}? y/n: `;
  const done = await yesOrNo(editor, text, signal);
  return { action: done === undefined ? "cancel" : done ? "accept" : "decline" };
}

/** Asks until the answer is yes or no. Resolves to undefined if the input ends or the turn is cancelled. */
async function yesOrNo(editor: Asker, text: string, signal: AbortSignal): Promise<boolean | undefined> {
  for (;;) {
    const answer = await ask(editor, text, signal);
    if (answer === undefined) return undefined;
    if (answer === "y" || answer === "yes") return true;
    if (answer === "n" || answer === "no") return false;
  }
}

async function ask(editor: Asker, text: string, signal: AbortSignal): Promise<string | undefined> {
  return (await editor.ask(unambiguous(text), signal))?.trim().toLowerCase();
}

/** Waits until the question has an answer in the log or its turn has ended. Resolves to a line that says what has happened. Never rejects. */
export async function endOfQuestion(questionId: string, turn: LiveTurn): Promise<string> {
  try {
    for await (const event of turn.watch()) {
      if (event.type !== "answer" || event.questionId !== questionId) continue;
      return event.withdrawn ? "the question is over: the server no longer waits for it" : "answered elsewhere";
    }
  } catch {
    // the error is shown by those who watch the whole turn
  }
  return "the question is over: the turn has ended";
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
async function askApproval(editor: Asker, question: ApprovalQuestion, signal: AbortSignal): Promise<unknown> {
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
    const answer = await ask(editor, text, signal);
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
