import type { Readable } from "node:stream";
import type { LlmError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import { drain } from "../../outbound/response.js";
import type { ProviderCall } from "../call/call.js";
import { fromProvider, toLlmError } from "../call/http-errors.js";
import type { Response } from "../connection/send.js";
import type { CompletionMeasure } from "../shared/completion-measure.js";
import { failure, limitReached } from "../shared/llm-errors.js";
import { type ProviderError, parseErrorBody, providerError } from "../wires/shared/provider-error.js";
import type { AnswerFold, Wire } from "../wires/wire.js";
import { type BodyFault, MessageReader } from "./message-reader.js";

/** How long to wait for the end of the body when nothing more is expected. */
const doneGraceMs = 2000;
/** How long to wait for the usage after the provider has reported that the answer failed. A retry is delayed by this wait. */
const usageGraceMs = 250;

/**
 * Maximum length of an answer, as the fold counts it. The longest answers of models have some millions of characters. Storing an answer
 * takes 0.15 s per million, in which nothing else runs.
 */
const maxAnswerLength = 16 * 1024 * 1024;

/**
 * Phase of a read. The first three phases have the name of the setting that limits them. `more`: the model has said why it stopped; since
 * some models say so before they call tools, this phase lasts `idle_timeout`. `done`: everything has arrived. `failed`: the provider has
 * sent an error, and only its usage may follow.
 */
type Phase = "timeout" | "ttft_timeout" | "idle_timeout" | "more" | "done" | "failed";

/**
 * Reads one response body into `fold`, which builds the answer. Resolves when the answer is whole, otherwise rejects with LlmError. Only
 * the content decides whether the answer is whole, never the way in which the connection ended: some proxies turn a cut into a clean end,
 * and others leave the connection open after a whole answer. Frees the connection whether it resolves or rejects.
 */
export function readAnswer(response: Response, call: ProviderCall, fold: AnswerFold, now: () => number): Promise<void> {
  return new Promise((resolve, reject) => {
    new AnswerReading({ response, call, fold, now, resolve, reject }).begin();
  });
}

interface ReadingParts {
  response: Response;
  call: ProviderCall;
  fold: AnswerFold;
  now: () => number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * The state of reading one body. It is a class so that thousands of streams share its methods; closures would take memory for each stream.
 */
class AnswerReading {
  readonly #parts: ReadingParts;
  /** The fields used for every chunk come first: with hundreds of streams, most of a chunk's cost is processor cache misses. */
  readonly #fold: AnswerFold;
  readonly #wire: Wire;
  readonly #measure: CompletionMeasure | undefined;
  readonly #isStreaming: boolean;
  readonly #messages: MessageReader;
  readonly #stream: Readable;
  #pieces: Buffer[] | undefined;
  #last: JsonObject | undefined;
  #phase: Phase | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Number of waits that have begun, each with a new part of the answer. */
  #waits = 0;
  #isSettled = false;
  /** The error that the provider sent in the answer. */
  #failed: LlmError | undefined;

  constructor(parts: ReadingParts) {
    const { draft, options } = parts.call;
    this.#parts = parts;
    this.#fold = parts.fold;
    this.#wire = draft.wire;
    this.#stream = parts.response.data;
    this.#measure = options.measure;
    this.#isStreaming = draft.streaming;
    const onMessage = (message: JsonObject, event: string | undefined) => this.#onMessage(message, event);
    this.#messages = new MessageReader(onMessage, parts.fold, this.#wire.textPosition);
  }

  begin(): void {
    this.#measure?.answerBegins();
    this.#waitFor(this.#isStreaming ? "ttft_timeout" : "timeout");
    this.#stream.on("data", this.#onData);
    this.#stream.on("end", this.#onEnd).on("close", this.#onEnd).on("error", this.#onEnd);
  }

  /**
   * Processes the first piece of a socket read at once. Collects further pieces of the same read, and processes them together when the read
   * is over: one read may bring hundreds of HTTP chunks, and no consumer runs before that read is over. The first piece is not delayed,
   * because a stream that is read as fast as it arrives brings only one piece per read: a tick of delay for each would cost 5 %.
   */
  readonly #onData = (piece: Buffer) => {
    if (this.#pieces) this.#pieces.push(piece);
    else if (hasMoreOfARead(this.#stream)) {
      this.#pieces = [piece];
      process.nextTick(this.#takePieces);
    } else this.#take(piece);
  };

  readonly #takePieces = () => {
    const pieces = this.#pieces;
    this.#pieces = undefined;
    if (pieces) this.#take(Buffer.concat(pieces));
  };

  #take(bytes: Buffer): void {
    if (this.#isSettled) return;
    const fold = this.#fold;
    const before = fold.progress;
    try {
      const fault = this.#messages.feed(bytes);
      if (fold.progress > before) this.#measure?.progressed();
      if (fault || this.#messages.isDone || fold.end === "over" || this.#isTooLong)
        this.#settle(fault && faultError(fault, this.#parts.call));
    } catch (error) {
      this.#settle(error);
    }
    // The consumer may have cancelled the call while it handled a delta.
    if (this.#isSettled) return;
    if (this.#failed) {
      if (this.#phase !== "failed") this.#waitFor("failed");
    } else if (fold.end !== "open") {
      const next = fold.end === "stopped" ? "more" : "done";
      if (this.#phase !== next || fold.progress > before) this.#waitFor(next);
    } else if (!this.#isStreaming) this.#waitFor("timeout");
    else if (fold.progress > before) this.#waitFor("idle_timeout");
  }

  /** Processes what arrived before the end, whether the body ended cleanly or not. */
  readonly #onEnd = (error?: unknown) => {
    this.#takePieces();
    if (this.#isSettled) return;
    const { call, now } = this.#parts;
    try {
      const fault = this.#messages.end();
      this.#settle(error ? toLlmError(error, call, now()) : fault && faultError(fault, call));
    } catch (inBand) {
      this.#settle(inBand);
    }
  };

  #onMessage(message: JsonObject, event: string | undefined): boolean {
    const fold = this.#fold;
    const error = fold.end === "open" && !this.#failed ? this.#wire.errorIn(message, event) : undefined;
    if (error) this.#failed = this.#fromProvider(error);
    if (this.#failed) {
      if (!fold.pushUsage || fold.pushUsage(message)) throw this.#failed;
      return false;
    }
    this.#last = message;
    let isWord = false;
    if (this.#messages.isDocument) fold.pushWhole(message);
    else isWord = fold.push(message, event);
    if (fold.failure) throw this.#fromProvider(fold.failure);
    return isWord;
  }

  #waitFor(next: Phase): void {
    this.#waits++;
    if (next === this.#phase) {
      this.#timer?.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#phase = next;
    const { call } = this.#parts;
    const { limits } = call.provider;
    const graceMs = { done: doneGraceMs, more: limits.idleTimeoutMs, failed: usageGraceMs };
    if (next === "done" || next === "more" || next === "failed") {
      this.#timer = this.#after(graceMs[next], () => this.#settle());
    } else {
      this.#timer = this.#after(limits[limitFields[next]], () => this.#settle(limitReached(next, call)));
    }
  }

  /** Calls `over` after this time. On a busy machine, what had arrived by then is read first, and then `over` is not called. */
  #after(ms: number, over: () => void): NodeJS.Timeout {
    return setTimeout(() => {
      const waits = this.#waits;
      setImmediate(() => {
        if (waits === this.#waits) over();
      });
    }, ms);
  }

  get #isTooLong(): boolean {
    return this.#fold.length > maxAnswerLength;
  }

  #settle(error?: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    const { call, fold, resolve, reject } = this.#parts;
    const stream = this.#stream.off("data", this.#onData);
    if (this.#messages.isDone && !this.#failed) fold.pushDone();
    if (fold.end !== "open" && !this.#isTooLong) {
      drain(stream).then(resolve);
      return;
    }
    stream.destroy();
    reject(
      this.#failed ??
        (this.#isTooLong ? faultError("too_large", call) : error) ??
        this.#complaint() ??
        incomplete(call, fold),
    );
  }

  /** Returns the error that the provider sent instead of an answer, if any. Never throws, because the caller would then wait forever. */
  #complaint(): unknown {
    if (this.#fold.progress > 0) return undefined;
    try {
      if (this.#last && this.#wire.isAnswer(this.#last)) return undefined;
      const complaint = this.#last ? providerError(this.#last) : parseErrorBody(this.#messages.plainText);
      return complaint.message ? this.#fromProvider(complaint) : undefined;
    } catch (error) {
      return error;
    }
  }

  #fromProvider(said: ProviderError): LlmError {
    const { call, response, now } = this.#parts;
    return fromProvider(said, call, response.headers, now());
  }
}

const limitFields = { timeout: "timeoutMs", ttft_timeout: "ttftTimeoutMs", idle_timeout: "idleTimeoutMs" } as const;

/**
 * Returns true if the current piece is not the first one of its socket read. Uses an internal flag of Node; without the flag, reading would
 * only be slower.
 */
function hasMoreOfARead(stream: Readable & { readonly _readableState?: { readonly readingMore?: boolean } }): boolean {
  return stream._readableState?.readingMore === true;
}

function incomplete(call: ProviderCall, fold: AnswerFold): LlmError {
  if (fold.progress === 0) return failure("empty_stream", "the answer was empty", call);
  return failure("network", "the answer ended before it was complete", call);
}

function faultError(fault: BodyFault, call: ProviderCall): LlmError {
  switch (fault) {
    case "html":
      return failure("html", "answered with an HTML page", call);
    case "cut":
      return failure("network", "the answer ended in the middle of its JSON", call);
    case "malformed":
      return failure("protocol", "a part of the stream is not JSON", call, { retryable: true });
    case "too_deep":
      return failure("protocol", "a part of the answer is nested too deeply", call, { retryable: true });
    case "too_large":
      return failure("protocol", "the answer is larger than any model writes", call);
  }
}
