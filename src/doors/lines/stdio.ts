import { ProtocolClient } from "../protocol/protocol-client.js";
import type { DoorParts, Pipe } from "../shared/door.js";
import { exitCodes } from "../shared/exit-codes.js";
import { Output } from "../shared/output.js";
import { maxLineBytes, readLines } from "./lines.js";

/**
 * Serves the message protocol as JSON lines. Resolves to the exit code when stdin has ended and all messages of every turn have been
 * written.
 */
export async function runStdio(parts: DoorParts, { stdin, stdout, onInterrupt }: Pipe): Promise<number> {
  const output = new Output(stdout);
  await parts.sessions.recover();
  parts.sessions.startUpkeep();
  const peer = new ProtocolClient(parts, (message) => output.write(() => `${JSON.stringify(message)}\n`));
  const interrupted = new AbortController();
  const unsubscribe = onInterrupt(() => {
    if (interrupted.signal.aborted) output.drop(); // a second interrupt drops the messages that the reader has not read yet
    peer.cancelAll();
    interrupted.abort();
    stdin.destroy();
  });
  try {
    for await (const line of readLines(stdin, maxLineBytes)) {
      if ("problem" in line) peer.reject(line.problem);
      else if (line.text.trim() !== "") peer.receive(line.text);
      await peer.room();
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
  }
  await peer.leave();
  unsubscribe();
  return interrupted.signal.aborted ? exitCodes.cancelled : exitCodes.done;
}
