/** Writes the answers of the scripted model as Chat Completions. The same reply to the same request always becomes the same bytes. */

import { Readable } from "node:stream";
import type { JsonObject } from "../../core/json.js";
import type { ModelAnswer } from "../../core/tape.js";
import type { ScriptedAnswer, ScriptedRefusal } from "../shared/reply.js";
import type { AskedRequest } from "./request.js";

export const writtenPath = "/v1/chat/completions";

/** An answer whose templates are filled in. `number` is the number of the request, counted from 1. */
export interface WireReply extends Omit<ScriptedAnswer, "calls"> {
  number: number;
  /** Tool calls, with the tool name that the model sees and the arguments as JSON text. The default of `id` is made from `number`. */
  calls: readonly { id?: string; name: string; arguments: string }[];
}

/** Returns the error answer of a refusal. For `reset`, throws an error like that of a broken socket. */
export function writeRefusal(
  { error, message, code, retryAfterMs }: ScriptedRefusal,
  signal: AbortSignal,
): ModelAnswer {
  if (error === "reset") throw brokenBy("ECONNRESET", "the script says so");
  const body = { error: { message: message ?? "the script says so", ...(code !== undefined && { code }) } };
  const headers = {
    "content-type": "application/json",
    ...(retryAfterMs !== undefined && { "retry-after-ms": String(retryAfterMs) }),
  };
  return { status: error, headers, body: bodyOf([JSON.stringify(body)], "end", signal) };
}

/** Returns the answer, streamed or whole as the request asks. If `broken` is set, the answer ends early. */
export function writeAnswer(reply: WireReply, request: AskedRequest, signal: AbortSignal): ModelAnswer {
  const { kind = "end", afterCharacters = Number.POSITIVE_INFINITY } = reply.broken ?? {};
  const type = request.isStreamed ? "text/event-stream" : "application/json";
  const pieces = request.isStreamed
    ? events(reply, request, afterCharacters)
    : [JSON.stringify(completion(reply, request)).slice(0, afterCharacters)];
  return { status: 200, headers: { "content-type": type }, body: bodyOf(pieces, kind, signal) };
}

function completion(reply: WireReply, request: AskedRequest): JsonObject {
  const { text, reasoning, calls } = reply;
  const message = {
    role: "assistant",
    content: text || null,
    ...(reasoning && { reasoning_content: reasoning }),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, ...call }, index) => ({ ...head(reply, index), function: call })),
    }),
  };
  const choice = { index: 0, message, finish_reason: finishReason(reply) };
  return { ...envelope("chat.completion", reply, request), choices: [choice], usage: usage(reply, request) };
}

/** Returns the events of a streamed answer. They contain at most `maxCharacters` characters of the model's text. */
function events(reply: WireReply, request: AskedRequest, maxCharacters: number): string[] {
  const shared = envelope("chat.completion.chunk", reply, request);
  const event = (data: JsonObject) => `data: ${JSON.stringify({ ...shared, ...data })}\n\n`;
  const chunk = (delta: JsonObject, reason: string | null = null) =>
    event({ choices: [{ index: 0, delta, finish_reason: reason }] });
  let left = maxCharacters;
  const written = (text: string, delta: (piece: string) => JsonObject) =>
    pieces(text).flatMap((whole) => {
      const piece = whole.slice(0, left);
      left -= piece.length;
      return piece === "" ? [] : [chunk(delta(piece))];
    });
  const said = [
    chunk({ role: "assistant", content: "" }),
    ...written(reply.reasoning, (piece) => ({ reasoning_content: piece })),
    ...written(reply.text, (piece) => ({ content: piece })),
  ];
  for (const [index, { name, arguments: text }] of reply.calls.entries()) {
    if (left <= 0) break;
    said.push(chunk({ tool_calls: [{ index, ...head(reply, index), function: { name, arguments: "" } }] }));
    said.push(...written(text, (piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })));
  }
  if (reply.broken) return said;
  const counts = request.wantsUsage ? [event({ choices: [], usage: usage(reply, request) })] : [];
  return [...said, chunk({}, finishReason(reply)), ...counts, "data: [DONE]\n\n"];
}

function head({ number, calls }: WireReply, index: number) {
  return { id: calls[index]?.id ?? `call_${number}_${index + 1}`, type: "function" };
}

function finishReason({ finish, calls }: WireReply): string {
  return finish ?? (calls.length > 0 ? "tool_calls" : "stop");
}

function envelope(object: string, { number }: WireReply, { model }: AskedRequest): JsonObject {
  return { id: `chatcmpl-${number}`, object, created: 0, model };
}

/** Splits a text into pieces of up to 12 characters. No character is cut in two. */
function pieces(text: string): string[] {
  return text.match(/.{1,12}/gsu) ?? [];
}

function usage({ reasoning, text, calls, usage: given }: WireReply, { messages }: AskedRequest): JsonObject {
  const count = (texts: readonly string[]) => texts.reduce((sum, each) => sum + Math.ceil(each.length / 4), 0);
  const prompt = given.input ?? count(messages.map((message) => message.text));
  const completion = given.output ?? count([reasoning, text, ...calls.map((call) => call.arguments)]);
  const { cached, cacheWrite } = given;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...((cached !== undefined || cacheWrite !== undefined) && {
      prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWrite },
    }),
  };
}

/**
 * Returns a stream of the texts. A text is sent when the reader has taken the one before. With `cut` or `stall`, all texts are sent before
 * the stream breaks or stops.
 */
function bodyOf(texts: readonly string[], end: "end" | "cut" | "stall", signal: AbortSignal): Readable {
  const left = texts.filter((text) => text !== "");
  const abort = () => body.destroy(brokenBy("ERR_CANCELED", "canceled"));
  const body = new Readable({
    highWaterMark: 1,
    read() {
      const piece = left.shift();
      if (piece !== undefined) this.push(piece);
      else if (end === "end") this.push(null);
      else if (end === "cut") this.destroy(brokenBy("ECONNRESET", "aborted"));
    },
    destroy(error, callback) {
      signal.removeEventListener("abort", abort);
      callback(error);
    },
  });
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return body;
}

function brokenBy(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
