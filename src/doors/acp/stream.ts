import type { Readable } from "node:stream";
import { ReadableStream, WritableStream } from "node:stream/web";
import type { AnyMessage, Stream } from "@agentclientprotocol/sdk";
import { parseJson } from "../../core/json.js";
import { readLines } from "../lines/lines.js";
import type { Output } from "../shared/output.js";

const maxLineBytes = 64 * 1024 * 1024; // a line may contain images in base64, so the limit is high
const parseError = -32700;
const invalidRequest = -32600;

/**
 * Reads and writes JSON-RPC lines for the SDK. An invalid line is answered with one error, and reading continues. The SDK drops unanswered
 * requests when the stream closes. So after the end of the input the stream stays open until every request has been answered.
 */
export function lineStream(input: Readable, output: Output, onEnd: () => void): Stream {
  const unanswered = new Unanswered();
  const write = async (message: object) => {
    await output.write(`${JSON.stringify(message)}\n`);
    if (!("method" in message)) unanswered.answered(message);
  };
  const refuse = (code: number, message: string) => write({ jsonrpc: "2.0", id: null, error: { code, message } });

  async function* messages(): AsyncGenerator<AnyMessage> {
    try {
      for await (const line of readLines(input, maxLineBytes)) {
        if ("text" in line && line.text.trim() === "") continue;
        const read = "problem" in line ? { ...line, code: parseError } : parse(line.text);
        if ("problem" in read) await refuse(read.code, read.problem);
        else {
          unanswered.asked(read.message);
          yield read.message;
        }
      }
    } catch (error) {
      if (!input.destroyed) throw error;
    }
    onEnd();
    await unanswered.none();
  }

  return {
    readable: ReadableStream.from(messages()) as Stream["readable"],
    writable: new WritableStream({ write }) as Stream["writable"],
  };
}

class Unanswered {
  readonly #ids = new Map<string, number>();
  #resolve: () => void = () => {};

  asked(message: AnyMessage): void {
    if (message.jsonrpc === "2.0" && "method" in message && "id" in message) this.#count(message, 1);
  }

  answered(message: object): void {
    this.#count(message, -1);
    if (this.#ids.size === 0) this.#resolve();
  }

  async none(): Promise<void> {
    if (this.#ids.size > 0) await new Promise<void>((resolve) => (this.#resolve = resolve));
  }

  #count(message: object, change: number): void {
    const key = JSON.stringify("id" in message ? message.id : null);
    const count = (this.#ids.get(key) ?? 0) + change;
    if (count > 0) this.#ids.set(key, count);
    else this.#ids.delete(key);
  }
}

function parse(text: string): { message: AnyMessage } | { code: number; problem: string } {
  const value = parseJson(text);
  if (value === undefined) return { code: parseError, problem: "the line is not JSON" };
  if (Array.isArray(value)) return { code: invalidRequest, problem: "batches are not supported" };
  if (typeof value !== "object" || value === null || ("method" in value && !isRequest(value))) {
    return { code: invalidRequest, problem: "the line is not a JSON-RPC message" };
  }
  return { message: value as AnyMessage };
}

/**
 * Returns true if the id is a string, a number or null. A request with any other id could never be answered. It would keep the stream open
 * for ever, because after the end of the input the stream waits until all requests have been answered.
 */
function isRequest({ method, id = null }: { method: unknown; id?: unknown }): boolean {
  return typeof method === "string" && (id === null || typeof id === "string" || typeof id === "number");
}
