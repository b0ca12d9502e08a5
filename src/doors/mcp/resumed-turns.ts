import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { QuestionEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { askClient } from "./ask-client.js";

/**
 * Asks the only client of this host the questions of a turn that the host has resumed, because a call of the client waits for the turn. The
 * answer is no if the client cannot be asked. If the client has gone, the question stays open for the next host.
 */
export async function askAboutResumed(turn: LiveTurn, session: Session, server: Server): Promise<void> {
  const sendRequest = server.request.bind(server) as Parameters<typeof askClient>[1]["sendRequest"];
  const dialogs = new Map<string, AbortController>();
  const ask = async ({ questionId, question }: QuestionEvent) => {
    const dialog = new AbortController();
    dialogs.set(questionId, dialog);
    const signal = AbortSignal.any([turn.stop, dialog.signal]);
    const value = await askClient(question, { sendRequest, signal }, server.getClientCapabilities());
    if (server.transport) session.answer(questionId, value);
  };
  try {
    for await (const event of turn.watch()) {
      if (session.isAsking(event)) void ask(event);
      if (event.type === "answer") dialogs.get(event.questionId)?.abort(); // it may be the answer of somebody else
    }
  } catch {
    // the turn's end and its error are in the log, and the waiting call goes on or fails by itself
  }
}
