import type { LlmError } from "../core/errors.js";
import { drain } from "./body.js";
import type { Call } from "./call.js";
import type { AnswerFold } from "./deltas.js";
import { failure, limitReached } from "./errors.js";
import { fromProvider, toLlmError } from "./http-errors.js";
import type { JsonObject } from "./json.js";
import { type BodyFault, MessageReader } from "./messages.js";
import { complaintIn, errorIn } from "./provider-error.js";
import type { Response } from "./send.js";

/** After the model said why it stopped, only usage and `[DONE]` can follow: an answer that we have is not waited for. */
const TRAILER_GRACE_MS = 2000;

/** What is being waited for. The first three are time limits of the configuration. */
type Phase = "timeout" | "ttft_timeout" | "idle_timeout" | "trailer";

/**
 * Reads one response body into the fold. Resolves when the answer is whole, which its content decides and never the way
 * the connection ended: proxies turn a cut into a clean end, and others leave the connection open after a whole answer.
 * Rejects otherwise, with LlmError. Frees the connection either way.
 */
export function readAnswer(response: Response, call: Call, fold: AnswerFold, now: () => number): Promise<void> {
  const stream = response.data;
  const { provider, options } = call;
  return new Promise((resolve, reject) => {
    let settled = false;
    let phase: Phase | undefined;
    let timer: NodeJS.Timeout | undefined;
    let last: JsonObject | undefined;

    const messages = new MessageReader((message, event) => {
      const error = fold.isFinished ? undefined : errorIn(message, event);
      if (error) throw fromProvider(error, call, response.headers, now());
      last = message;
      return fold.push(message);
    }, fold);

    const isWhole = () => fold.isFinished || (fold.progress > 0 && (messages.isDone || messages.isDocument));

    const settle = (error: unknown) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      if (isWhole()) {
        if (stream.readableEnded) resolve();
        else drain(stream).then(resolve);
      } else {
        stream.destroy();
        const complaint = fold.progress === 0 ? complaintIn(last, messages.plainText) : undefined;
        reject(
          error ?? (complaint && fromProvider(complaint, call, response.headers, now())) ?? incomplete(call, fold),
        );
      }
    };

    /** Starts the wait for the next thing, or starts it anew. */
    const waitFor = (next: Phase) => {
      if (next === phase) {
        timer?.refresh();
        return;
      }
      clearTimeout(timer);
      phase = next;
      if (next === "trailer") timer = setTimeout(settle, TRAILER_GRACE_MS);
      else timer = setTimeout(() => settle(limitReached(next, call)), provider.limits[LIMIT_FIELDS[next]]);
    };

    const onData = (chunk: Buffer) => {
      if (settled) return;
      const before = fold.progress;
      try {
        const fault = messages.feed(chunk);
        if (fault || messages.isDone) return settle(fault && faultError(fault, call));
      } catch (error) {
        return settle(error);
      }
      // The consumer may have cancelled from within a delta.
      if (settled) return;
      if (fold.progress > before) options.measure?.progressed();
      if (fold.isFinished) {
        if (phase !== "trailer") waitFor("trailer");
      } else if (!options.streaming) waitFor("timeout");
      else if (fold.progress > before) waitFor("idle_timeout");
    };

    /** What had come before the end still counts, also when it was no clean end. */
    const onEnd = (error?: unknown) => {
      if (settled) return;
      try {
        const fault = messages.end();
        settle(error ? toLlmError(error, call, now()) : fault && faultError(fault, call));
      } catch (inBand) {
        settle(inBand);
      }
    };

    options.measure?.answerBegins();
    waitFor(options.streaming ? "ttft_timeout" : "timeout");
    stream.on("data", onData);
    stream.on("end", onEnd).on("close", onEnd).on("error", onEnd);
  });
}

const LIMIT_FIELDS = { timeout: "timeoutMs", ttft_timeout: "ttftTimeoutMs", idle_timeout: "idleTimeoutMs" } as const;

function incomplete(call: Call, fold: AnswerFold): LlmError {
  if (fold.progress === 0) return failure("empty_stream", "the answer was empty", call);
  return failure("network", "the answer ended before it was complete", call);
}

function faultError(fault: BodyFault, call: Call): LlmError {
  switch (fault) {
    case "html":
      return failure("html", "answered with an HTML page", call);
    case "cut":
      return failure("network", "the answer ended in the middle of its JSON", call);
    case "malformed":
      return failure("protocol", "a part of the stream is not JSON", call, { retryable: true });
    case "too_large":
      return failure("protocol", "the answer is larger than anything a model says", call);
  }
}
