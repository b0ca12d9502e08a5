import type { Pipe } from "../shared/door.js";
import { exitCodes } from "../shared/exit-codes.js";
import { alwaysAnswering } from "./always-answering.js";
import { LineTransport } from "./line-transport.js";
import type { McpParts } from "./mcp-parts.js";
import { askAboutResumed } from "./resumed-turns.js";
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
