/**
 * Tool calls that run as tasks, in protocols up to 2025-11-25. A call is started, then polled until its result is ready.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks
 */

import { setTimeout as sleep } from "node:timers/promises";
import { onAbort } from "../../core/async/abort.js";
import { McpError, RpcError } from "../../core/errors.js";
import { isPlainObject, type JsonObject, textOrEmpty } from "../../core/json.js";
import { HttpError, SessionLost, unusable } from "../http/http-error.js";
import { OutcomeUnknown } from "../shared/request-failures.js";
import type { ToolRun } from "./server-session.js";

/** Time in ms for which the server is asked to keep the result of a task. */
const keptMs = 3_600_000;
const invalidParams = -32602;
const defaultPollMs = 1000;
const shortestPollMs = 50;
const longestPollMs = 10_000;

/** Calls a tool as a task, and resolves with the result. If the server creates no task, resolves with its direct answer. */
export async function callAsTask(params: JsonObject, run: ToolRun): Promise<JsonObject> {
  const started = await run.ask("tools/call", { ...params, task: { ttl: keptMs } });
  if (!isPlainObject(started.task)) return started;
  const taskId = textOrEmpty(started.task.taskId);
  const cancel = () => void run.send("tasks/cancel", { taskId }).catch(() => {});
  const stay = onAbort(run.limits.signal, cancel);
  try {
    return await polled(taskId, started.task, run);
  } finally {
    stay();
  }
}

/**
 * Polls until the task has stopped working, then requests the result. A task that needs input is not polled further: the server asks for
 * the input during the request for the result.
 */
async function polled(taskId: string, first: JsonObject, { ask, limits, onProgress }: ToolRun): Promise<JsonObject> {
  let task = first;
  for (let polls = 0; task.status === "working"; polls++) {
    await pollPause(task.pollInterval, limits.signal);
    task = await askAboutTask("tasks/get", { taskId }, ask);
    const message = textOrEmpty(task.statusMessage);
    onProgress({ progress: polls + 1, ...(message && { message }) });
  }
  return askLater("tasks/result", { taskId }, ask);
}

/**
 * Sends a request that follows a task. If it fails, rejects with an error that leaves the outcome of the call open. The error does not carry a
 * refusal of the server, whose code could make the host repeat the call.
 */
export async function askAboutTask(method: string, params: JsonObject, ask: ToolRun["ask"]): Promise<JsonObject> {
  try {
    return await askLater(method, params, ask);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const isGone = error.code === invalidParams;
    const why = isGone ? "the server does not have the task any more" : "the server refused to say how the task is";
    throw new OutcomeUnknown("protocol", `${why}: ${error.message}`);
  }
}

/**
 * Sends a request after the call has begun. Rejects with RpcError if the server answers with an error. Any other failure, such as a status that
 * says that this request was not carried out, says nothing about the call.
 */
async function askLater(method: string, params: JsonObject, ask: ToolRun["ask"]): Promise<JsonObject> {
  try {
    return await ask(method, params);
  } catch (error) {
    if (error instanceof HttpError && !(error instanceof SessionLost)) throw new HttpError(unusable, error.message);
    throw error instanceof McpError ? new OutcomeUnknown(error.kind, error.message, error) : error;
  }
}

/**
 * Waits between two polls. `wanted` is the pause that the server asks for, in ms; there is a minimum and a maximum. Rejects when the signal
 * aborts.
 */
export async function pollPause(wanted: unknown, signal: AbortSignal): Promise<void> {
  const ms = typeof wanted === "number" ? wanted : defaultPollMs;
  await sleep(Math.min(longestPollMs, Math.max(shortestPollMs, ms)), undefined, { signal });
}
