/**
 * Questions that a server of protocol 2026-07-28 asks while it handles a request. The questions are in the server's result. This host sends
 * the request again, with the answers.
 * https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr
 */

import { setTimeout as sleep } from "node:timers/promises";
import { McpError } from "../../core/errors.js";
import { isPlainObject, type JsonObject, textOrEmpty } from "../../core/json.js";
import { RpcRefusal } from "../shared/request-failures.js";
import type { ServerSessionEvents } from "./server-session.js";

/** Maximum number of rounds. A server that still asks after this many rounds is looping. */
const maxRounds = 10;
/** Maximum number of questions in one result. They are answered one after another, many of them without a pause. */
const mostQuestions = 100;
/** Pause in ms before the next round if the server asks no question and only wants the request again. */
const pauseMs = 500;

/**
 * Answers the questions of a server (`inputRequests`) one after another, and resolves with the answers (`inputResponses`). Rejects with
 * McpError if a question is refused, because `inputResponses` cannot express a refusal, and if there are too many questions.
 */
export async function answersTo(
  inputRequests: unknown,
  answer: ServerSessionEvents["answer"],
  signal: AbortSignal,
): Promise<JsonObject> {
  const answers: [string, JsonObject][] = [];
  const questions = Object.entries(isPlainObject(inputRequests) ? inputRequests : {});
  if (questions.length > mostQuestions) {
    throw new McpError(
      "protocol",
      `the server asks ${questions.length} questions at once, and at most ${mostQuestions} are answered`,
    );
  }
  for (const [key, request] of questions) {
    const { method, params } = isPlainObject(request) ? request : {};
    try {
      answers.push([key, await answer(textOrEmpty(method), isPlainObject(params) ? params : {}, signal)]);
    } catch (error) {
      throw error instanceof RpcRefusal ? new McpError("protocol", error.message, { cause: error }) : error;
    }
  }
  return Object.fromEntries(answers);
}

/**
 * Sends the request, and repeats it with answers until the server needs no more input. A result that needed answers is never cached,
 * because it depends on the answers.
 */
export async function inRounds(
  params: JsonObject,
  send: (params: JsonObject) => Promise<JsonObject>,
  answer: ServerSessionEvents["answer"],
  signal: AbortSignal,
): Promise<JsonObject> {
  let result = await send(params);
  if (result.resultType !== "input_required") return result;
  for (let round = 0; result.resultType === "input_required"; round++) {
    if (round === maxRounds) throw new McpError("protocol", `the server still asks after ${maxRounds} rounds`);
    const { inputRequests, requestState } = result;
    const inputResponses = await answersTo(inputRequests, answer, signal);
    const hasAnswers = Object.keys(inputResponses).length > 0;
    if (!hasAnswers) await sleep(pauseMs, undefined, { signal });
    result = await send({
      ...params,
      ...(hasAnswers && { inputResponses }),
      ...(requestState !== undefined && { requestState }),
    });
  }
  return { ...result, ttlMs: 0 };
}
