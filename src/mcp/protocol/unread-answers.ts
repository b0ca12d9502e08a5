/**
 * Answers to a server's requests that the server has not read yet. A server that sends requests and reads no answers could otherwise fill
 * the host's memory or, over HTTP, use up its connections.
 */

import type { TransportSendOptions } from "@modelcontextprotocol/client";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { McpError } from "../../core/errors.js";

/** Maximum number of answers that are sent at the same time. Over HTTP, each of them occupies a connection. */
const mostSending = 32;
/** Maximum number and size of the unread answers, those that are being sent included. */
const mostUnread = 10_000;
const mostUnreadChars = 16 * 1024 * 1024;

interface AnsweringTransport {
  /** Resolves when the server has read the message or, over stdio, when the pipe has taken it. */
  send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void>;
}

/**
 * Makes the transport send answers to the server's requests only as fast as the server reads them. Requests and notifications of this host
 * do not wait. Returns a promise that never resolves. It rejects when more answers are unread than the limits allow; the caller must then
 * close the connection.
 */
export function limitUnreadAnswers(transport: AnsweringTransport): Promise<never> {
  const send = transport.send.bind(transport);
  const waiting: (() => void)[] = [];
  let [unread, unreadChars] = [0, 0];
  let overflow: (reason: McpError) => void = () => {};
  const overflowed = new Promise<never>((_, reject) => {
    overflow = reject;
  });

  transport.send = async (message, options) => {
    if ("method" in message) return send(message, options);
    if (unread >= mostUnread || unreadChars >= mostUnreadChars) {
      const what = `the server does not read the answers to its requests: ${unread} are unread`;
      const reason = new McpError("protocol", what, { retryable: true });
      overflow(reason);
      throw reason;
    }
    const chars = JSON.stringify(message).length;
    unread += 1;
    unreadChars += chars;
    try {
      if (unread > mostSending) await new Promise<void>((resolve) => waiting.push(resolve));
      await send(message, options);
    } finally {
      unread -= 1;
      unreadChars -= chars;
      waiting.shift()?.();
    }
  };
  return overflowed;
}
