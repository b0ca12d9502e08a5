import type { LiveTurn } from "../../session/turns/live-turn.js";

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
