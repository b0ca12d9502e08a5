import type { Question } from "../../core/events.js";
import { unambiguous } from "../../core/text/inert.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { limitAnswers, limitText } from "../shared/limit-text.js";
import { type Asking, askApproval } from "./ask-approval.js";
import type { Asker } from "./editor/editor.js";
import { askForm } from "./form.js";

/**
 * Asks a question at the terminal. The last line, where the answer is typed, names the server, because a server's text may fill the screen
 * or imitate another question. Resolves to an answer in the form that `session.answer` takes.
 */
export async function askPerson(editor: Asker, question: Question, { signal, colors }: Asking): Promise<unknown> {
  if (question.kind === "approval") return askApproval(editor, question, { signal, colors });
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
    const answer = (await editor.ask(unambiguous(text), signal, { keys: "yn" }))?.trim().toLowerCase();
    if (answer === undefined) return undefined;
    if (answer === "y" || answer === "yes") return true;
    if (answer === "n" || answer === "no") return false;
  }
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
