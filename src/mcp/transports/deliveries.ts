import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { isRecord, type Json, wordsOf } from "../json.js";

/**
 * Hands messages to an SDK's client in their order. Answers at once, and what comes after a notification or a request a turn of the
 * event loop later: the client takes answers at once but notifications a microtask later, and would drop the last progress when it comes
 * in one chunk with the answer (typescript-sdk#2580). What the client makes of a message may throw, and ends here: the host is not to go
 * with its server.
 */
export class Deliveries {
  readonly #transport: Pick<Transport, "onmessage" | "onerror">;
  #waiting = 0;

  /** `transport`: whose client gets them. */
  constructor(transport: Pick<Transport, "onmessage" | "onerror">) {
    this.#transport = transport;
  }

  /** One message, or a batch of them, which protocol 2025-03-26 allows. What is not JSON-RPC is told apart, and reported, by the client. */
  push(parsed: unknown): void {
    if (Array.isArray(parsed)) for (const message of parsed) this.#one(message);
    else this.#one(parsed);
  }

  #one(came: unknown): void {
    const answer = isAnswer(came) ? repaired(came) : undefined;
    if (answer && this.#waiting === 0) {
      this.#deliver(answer);
      return;
    }
    const message = answer ?? (came as JSONRPCMessage);
    this.#waiting += 1;
    setImmediate(() => {
      this.#waiting -= 1;
      this.#deliver(message);
    });
  }

  #deliver(message: JSONRPCMessage): void {
    try {
      this.#transport.onmessage?.(message);
    } catch (error) {
      this.#transport.onerror?.(error as Error);
    }
  }
}

/** Whether the message answers a request; `id` is that one's, where only that one counts. */
export function isAnswer(message: unknown, id?: string | number): message is Json {
  if (!isRecord(message) || message.method !== undefined) return false;
  if (id !== undefined && wordsOf(message.id) !== String(id)) return false; // some servers make text of a number
  return isRecord(message.result) || isRecord(message.error);
}

/**
 * An answer as the client wants it: one with a member too many, too few, or a code that is no number, is still the answer. The client
 * would drop it, and the call wait for its timeout.
 */
function repaired(message: Json): JSONRPCMessage {
  const { id, result, error } = message as { id: string | number; result?: Json; error?: Json };
  if (!isRecord(error)) return { jsonrpc: "2.0", id, result: result ?? {} };
  const { code, message: words, data } = error;
  const known = Number.isSafeInteger(code) ? { code: Number(code), message: wordsOf(words) } : undefined;
  return {
    jsonrpc: "2.0",
    id,
    error: {
      ...(known ?? { code: -32603, message: `${wordsOf(code)}: ${wordsOf(words)}` }),
      ...(data !== undefined && { data }),
    },
  };
}
