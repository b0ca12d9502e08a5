import type { Readable, Writable } from "node:stream";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { OnInterrupt } from "../door.js";
import { exitCodes } from "../exit-codes.js";
import { createMcpServer, type McpParts } from "./server.js";

interface Pipe {
  stdin: Readable;
  /** Gets protocol only. */
  stdout: Writable;
  onInterrupt: OnInterrupt;
}

/** This host as an MCP server for the program that started it. Resolves to the exit code when that has ended its side. */
export async function runMcp(parts: McpParts, { stdin, stdout, onInterrupt }: Pipe): Promise<number> {
  await parts.sessions.recover();
  const server = createMcpServer(parts);
  let isInterrupted = false;
  const ended = new Promise<void>((resolve) => {
    stdin.once("end", resolve).once("close", resolve);
    stdout.once("close", resolve);
  });
  const unsubscribe = onInterrupt(() => {
    isInterrupted = true;
    stdin.destroy();
  });
  await server.connect(new StdioServerTransport(stdin, stdout));
  await ended;
  unsubscribe();
  await server.close();
  return isInterrupted ? exitCodes.cancelled : exitCodes.done;
}
