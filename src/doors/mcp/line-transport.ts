/** Server side of MCP's stdio transport. https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio */
import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { maxLineBytes, readLines } from "../lines/lines.js";
import { Output } from "../shared/output.js";

/**
 * MCP transport over lines. Unlike the SDK's transport, it reports what is wrong with a line, and it continues after a line that is too
 * long.
 */
export class LineTransport implements Transport {
  readonly #input: Readable;
  readonly #output: Output;
  #end: () => void = () => {};
  #isClosed = false;
  onmessage?: Transport["onmessage"];
  onclose?: () => void;
  onerror?: (error: Error) => void;
  /** Resolves when the input has ended or the reader of the output has left. */
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = new Output(output, () => this.#end());
  }

  async start(): Promise<void> {
    void this.#read()
      .catch(() => {}) // the pipe has broken
      .finally(this.#end);
  }

  send(message: JSONRPCMessage): Promise<void> {
    return this.#write(message);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onclose?.();
  }

  async #read(): Promise<void> {
    for await (const line of readLines(this.#input, maxLineBytes)) {
      if (this.#isClosed) return;
      if ("problem" in line) await this.#refuse(ErrorCode.ParseError, line.problem);
      else if (line.text.trim() !== "") await this.#take(line.text);
    }
  }

  async #take(line: string): Promise<void> {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return this.#refuse(ErrorCode.ParseError, "the line is not valid JSON");
    }
    const { data: message } = JSONRPCMessageSchema.safeParse(value);
    if (message) this.onmessage?.(message);
    else if (!isAnswer(value)) await this.#refuse(ErrorCode.InvalidRequest, "the line is no JSON-RPC message");
  }

  #refuse(code: ErrorCode, message: string): Promise<void> {
    return this.#write({ jsonrpc: "2.0", id: null, error: { code, message } });
  }

  #write(message: object): Promise<void> {
    return this.#output.write(`${JSON.stringify(message)}\n`);
  }
}

/**
 * Returns true for a response, even an invalid one. A response is never answered with an error, since two programs could answer each other
 * for ever.
 */
function isAnswer(value: unknown): boolean {
  return typeof value === "object" && value !== null && ("error" in value || "result" in value);
}
