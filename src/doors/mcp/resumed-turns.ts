import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Session } from "../../session/session.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { askClient } from "./ask-client.js";

/**
 * Asks the only client of this host the questions of a turn that the host has resumed, because a call of the client waits for the turn. The
 * answer is no if the client cannot be asked. If the client has gone, the question stays open for the next host.
 */
export async function askAboutResumed(turn: LiveTurn, session: Session, server: Server): Promise<void> {
  const extra = {
    sendRequest: server.request.bind(server) as Parameters<typeof askClient>[1]["sendRequest"],
    signal: turn.stop,
  };
  try {
    for await (const event of turn.watch()) {
      if (!session.isAsking(event)) continue;
      const value = await askClient(event.question, extra, server.getClientCapabilities());
      if (server.transport) session.answer(event.questionId, value);
    }
  } catch {
    // the turn's end and its error are in the log, and the waiting call goes on or fails by itself
  }
}
