import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { QuestionEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import type { Pipe } from "../shared/door.js";
import { exitCodes } from "../shared/exit-codes.js";
import { alwaysAnswering } from "./always-answering.js";
import { askClient } from "./ask-client.js";
import { LineTransport } from "./line-transport.js";
import type { McpParts } from "./mcp-parts.js";
import { createMcpServer } from "./server.js";

/** Serves MCP to the parent process. Resolves with the exit code when the parent process has closed stdin or stdout. */
export async function runMcp(parts: McpParts, { stdin, stdout, onInterrupt }: Pipe): Promise<number> {
  // It takes over no turns, but keeps what the log refuses for now.
  await parts.sessions.recover(() => []);
  parts.sessions.startUpkeep();
  const server = await createMcpServer(parts);
  parts.sessions.onResumed((turn, session) => void askAboutResumed(turn, session, server));
  let isInterrupted = false;
  const transport = new LineTransport(stdin, stdout);
  const unsubscribe = onInterrupt(() => {
    isInterrupted = true;
    stdin.destroy();
  });
  await server.connect(alwaysAnswering(transport));
  await transport.ended;
  unsubscribe();
  await server.close();
  return isInterrupted ? exitCodes.cancelled : exitCodes.done;
}

/**
 * Asks the only client of this host the questions of a turn that the host has resumed, because a call of the client waits for the turn. The
 * answer is no if the client cannot be asked. If the client has gone, the question stays open for the next host.
 */
async function askAboutResumed(turn: LiveTurn, session: Session, server: Server): Promise<void> {
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
      if (session.questions.isAsking(event)) void ask(event);
      if (event.type === "answer") dialogs.get(event.questionId)?.abort(); // it may be the answer of somebody else
    }
  } catch {
    // the turn's end and its error are in the log, and the waiting call goes on or fails by itself
  }
}
