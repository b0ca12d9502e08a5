import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { isPlainObject, type JsonObject, safeString } from "../../core/json.js";
import type { MessageExtra } from "../protocol/pending-requests.js";

/** Maximum number of messages in one batch. All of them are delivered in one turn of the event loop. */
const mostInBatch = 1_000;

/**
 * Delivers messages to an SDK client, in order. The client handles an answer at once, but a notification one microtask later. So it would
 * drop progress that arrives in one chunk with the answer (typescript-sdk#2580). To prevent this, a notification or request is delivered by
 * `setImmediate`, and so is an answer that arrives while one of them waits: microtasks run between two immediates. Any other answer is
 * delivered at once. Errors of the client are caught, so that a server cannot crash the host.
 */
export class Deliveries {
  readonly #transport: Pick<Transport, "onmessage" | "onerror">;
  #waiting = 0;

  constructor(transport: Pick<Transport, "onmessage" | "onerror">) {
    this.#transport = transport;
  }

  /**
   * Delivers one message, or a batch of messages (protocol 2025-03-26 allows batches). A value that is not JSON-RPC is delivered too,
   * because the client detects and reports it. Reads only the beginning of a batch that is too long.
   */
  push(parsed: unknown, extra?: MessageExtra): void {
    const messages = Array.isArray(parsed) ? parsed : [parsed];
    for (const message of messages.slice(0, mostInBatch)) this.#one(message, extra);
    if (messages.length <= mostInBatch) return;
    const message = `the server sent ${messages.length} messages in a batch; only the first ${mostInBatch} were read`;
    this.#transport.onerror?.(new Error(message));
  }

  #one(came: unknown, extra: MessageExtra | undefined): void {
    const answer = isAnswer(came) ? repaired(came) : undefined;
    if (answer && this.#waiting === 0) {
      this.#deliver(answer, extra);
      return;
    }
    const message = answer ?? (came as JSONRPCMessage);
    this.#waiting += 1;
    setImmediate(() => {
      this.#waiting -= 1;
      this.#deliver(message, extra);
    });
  }

  #deliver(message: JSONRPCMessage, extra: MessageExtra | undefined): void {
    try {
      this.#transport.onmessage?.(message, extra);
    } catch (error) {
      this.#transport.onerror?.(error as Error);
    }
  }
}

/** Returns true if the message answers a request. If `id` is given, returns true only for an answer to the request with this id. */
export function isAnswer(message: unknown, id?: string | number): message is JsonObject {
  if (!isPlainObject(message) || message.method !== undefined) return false;
  if (id !== undefined && safeString(message.id) !== String(id)) return false; // some servers return a numeric id as text
  return isPlainObject(message.result) || isPlainObject(message.error);
}

/**
 * Returns the answer in a form that the client accepts. The server's answer may have extra or missing members, or an error code that is not
 * a number. The client would drop such an answer, and the call would wait for its timeout.
 */
function repaired(message: JsonObject): JSONRPCMessage {
  const { id, result, error } = message as { id: string | number; result?: JsonObject; error?: JsonObject };
  if (!isPlainObject(error)) return { jsonrpc: "2.0", id, result: result ?? {} };
  const { code, message: words, data } = error;
  const known = Number.isSafeInteger(code) ? { code: Number(code), message: safeString(words) } : undefined;
  return {
    jsonrpc: "2.0",
    id,
    error: {
      ...(known ?? { code: -32603, message: `${safeString(code)}: ${safeString(words)}` }),
      ...(data !== undefined && { data }),
    },
  };
}
