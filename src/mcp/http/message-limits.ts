import type { Readable } from "node:stream";
import { type ArrivingMessage, ArrivingMessages } from "../../core/async/arriving-messages.js";

const megabyte = 1024 * 1024;

/**
 * Longest message that is accepted, in characters. The number equals the default limit in bytes for stdio. Without a limit, a text without
 * end would fill the memory.
 */
export const longestMessage = 64 * megabyte;

export class TooLong extends Error {
  /** `limit` is the longest message that is accepted, in bytes or characters. */
  constructor(limit = longestMessage) {
    const size = limit < megabyte ? `${limit} bytes` : `${Math.floor(limit / megabyte)} MB`;
    super(`the server sent a message of more than ${size}, which was dropped`);
  }
}

class TooManyTogether extends TooLong {
  override message = "too many large messages of servers arrive at once; the largest was dropped";
}

/** The messages of all MCP servers that have arrived in part over HTTP. */
export const messagesOfServers = new ArrivingMessages();

/** Begins a message in the body. The body is destroyed with TooLong if the message is the largest of too many. */
export function messageIn(body: Readable, all: ArrivingMessages): ArrivingMessage {
  const message = all.begin(() => body.destroy(new TooManyTogether()));
  body.once("close", () => all.end(message));
  return message;
}
