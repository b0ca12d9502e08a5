/** Converts answers of the scripted model to Chat Completions. The same reply to the same request always gives the same bytes. */

import { Readable } from "node:stream";
import type { JsonObject } from "../../core/json.js";
import { addAll } from "../../core/lists/long-lists.js";
import type { ModelAnswer } from "../../core/transports.js";
import type { ScriptedAnswer, ScriptedRefusal } from "../shared/reply.js";
import type { AskedRequest } from "./request.js";

/** An answer without templates. `number` is the number of the request, counted from 1. */
export interface WireReply extends Omit<ScriptedAnswer, "calls"> {
  number: number;
  /** Tool calls: the tool name that the model sees, and the arguments as JSON text. If `id` is missing, it is made from `number`. */
  calls: readonly { id?: string; name: string; arguments: string }[];
}

/** Returns the HTTP response for a scripted error. For `reset`, throws an error like that of a broken socket. */
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

/** Returns the answer. It is streamed if the request asks for that. If `broken` is set, the answer ends early. */
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
    addAll(
      said,
      written(text, (piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
    );
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
 * Returns a stream of the texts. Each text is sent when the reader has read the previous one. With `cut` or `stall`, the stream breaks or
 * stops after the last text.
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
