/** Server side of MCP's stdio transport. https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio */

import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  CancelledNotificationSchema,
  ErrorCode,
  isJSONRPCRequest,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { parseJson } from "../../core/json.js";
import { maxLineBytes, readLines } from "../lines/lines.js";
import { Output } from "../shared/output.js";

/** Longest time, in ms, to wait for answers after the input has ended. */
const lastAnswersMs = 5_000;
/** Maximum size, in characters, of the messages that the client has not read. While they are larger, no further input is read. */
const mostUnreadChars = 4 * 1024 * 1024;

/**
 * MCP transport over lines. Unlike the SDK's transport, it reports what is wrong with a line, and it continues after a line that is too
 * long.
 */
export class LineTransport implements Transport {
  readonly #input: Readable;
  readonly #output: Output;
  #end: () => void = () => {};
  /** Ids of the requests that are not answered yet. Tool calls are not included. */
  readonly #open = new Set<string | number>();
  #answered: () => void = () => {};
  #unreadChars = 0;
  /** Resolves when the client has read all messages so far. */
  #allRead: Promise<void> = Promise.resolve();
  #isClosed = false;
  onmessage?: Transport["onmessage"];
  onclose?: () => void;
  onerror?: (error: Error) => void;
  /**
   * Resolves when the reader has closed the output, or when the input has ended and all requests except tool calls are answered. The
   * transport waits for these answers because input such as `echo '{…"tools/list"}'` ends before the servers are ready.
   */
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = new Output(output, () => this.#end());
  }

  async start(): Promise<void> {
    void this.#read()
      .catch(() => {}) // reading fails if the pipe has broken
      .then(() => this.#lastAnswers())
      .finally(this.#end);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#write(message);
    if (!("method" in message) && message.id !== undefined) this.#open.delete(message.id);
    if (this.#open.size === 0) this.#answered();
  }

  async #lastAnswers(): Promise<void> {
    if (this.#open.size === 0 || !this.#input.readableEnded) return;
    const answered = new Promise<void>((resolve) => {
      this.#answered = resolve;
    });
    const timer = setTimeout(this.#answered, lastAnswersMs);
    await answered;
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onclose?.();
  }

  async #read(): Promise<void> {
    for await (const line of readLines(this.#input, maxLineBytes)) {
      if (this.#unreadChars > mostUnreadChars) await this.#allRead;
      if (this.#isClosed) return;
      if ("problem" in line) await this.#refuse(ErrorCode.ParseError, line.problem);
      else if (line.text.trim() !== "") await this.#take(line.text);
    }
  }

  async #take(line: string): Promise<void> {
    const value = parseJson(line);
    if (value === undefined) return this.#refuse(ErrorCode.ParseError, "the line is not valid JSON");
    const { data: message } = JSONRPCMessageSchema.safeParse(value);
    if (message) {
      this.#note(message);
      this.onmessage?.(message);
    } else if (!isAnswer(value)) await this.#refuse(ErrorCode.InvalidRequest, "the line is not a JSON-RPC message");
  }

  #note(message: JSONRPCMessage): void {
    if (isJSONRPCRequest(message) && message.method !== "tools/call") this.#open.add(message.id);
    if (!("method" in message) || message.method !== "notifications/cancelled") return;
    const { data } = CancelledNotificationSchema.safeParse(message);
    if (data?.params.requestId !== undefined) this.#open.delete(data.params.requestId);
  }

  #refuse(code: ErrorCode, message: string): Promise<void> {
    return this.#write({ jsonrpc: "2.0", id: null, error: { code, message } });
  }

  #write(message: object): Promise<void> {
    const text = `${JSON.stringify(message)}\n`;
    this.#unreadChars += text.length;
    this.#allRead = this.#output.write(text).then(() => {
      this.#unreadChars -= text.length;
    });
    return this.#allRead;
  }
}

/**
 * Returns true for a response, even an invalid one. A response is never answered with an error, since two programs could answer each other
 * for ever.
 */
function isAnswer(value: unknown): boolean {
  return typeof value === "object" && value !== null && ("error" in value || "result" in value);
}
