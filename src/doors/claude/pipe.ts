import { toVisibleJson } from "../../core/text/inert.js";
import { maxLineBytes, readLines } from "../lines/lines.js";
import { denyQuestions } from "../printed/printed-turn.js";
import type { DoorParts, Pipe } from "../shared/door.js";
import { exitCodes } from "../shared/exit-codes.js";
import { Output } from "../shared/output.js";
import { ClaudeConversation, type PipeOptions } from "./claude-conversation.js";

/**
 * Serves one conversation with many turns over stdin and stdout, in a documented subset of Claude Code's `stream-json`. Resolves with the
 * exit code of the last turn, when stdin has ended and every turn has been shown.
 */
export async function runClaudePipe(
  parts: DoorParts,
  options: PipeOptions,
  { stdin, stdout, onInterrupt }: Pipe,
): Promise<number> {
  const interrupted = new AbortController();
  const stop = () => {
    if (interrupted.signal.aborted) output.drop(); // on the second interrupt, stop waiting for the reader of stdout
    conversation.cancelAll();
    interrupted.abort();
    stdin.destroy();
  };
  const output = new Output(stdout, stop);
  parts.sessions.onResumed(denyQuestions);
  const conversation = new ClaudeConversation(parts, options, (message) => output.write(`${toVisibleJson(message)}\n`));
  const unsubscribe = onInterrupt(stop);
  try {
    for await (const line of readLines(stdin, maxLineBytes)) {
      if ("problem" in line) await conversation.reject(line.problem);
      else if (line.text.trim() !== "") await conversation.receive(line.text);
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
  }
  await conversation.leave();
  unsubscribe();
  return interrupted.signal.aborted ? exitCodes.cancelled : conversation.exitCode;
}
