/**
 * Tool calls that run as tasks. A call is started, then polled until its result is ready. In protocols up to 2025-11-25 (`callAsTask`), the
 * host asks for a task; in 2026-07-28 (`resultOfTask`), the server decides which calls become tasks.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks
 * https://modelcontextprotocol.github.io/ext-tasks/specification/2026-07-28/tasks.html
 */

import { setTimeout as sleep } from "node:timers/promises";
import { onAbort } from "../../core/async/abort.js";
import { McpError, RpcError } from "../../core/errors.js";
import { isPlainObject, type JsonObject, textOrEmpty } from "../../core/json.js";
import { HttpError, SessionLost, unusable } from "../http/http-error.js";
import { OutcomeUnknown } from "../shared/request-failures.js";
import { answersTo } from "./input-rounds.js";
import type { ServerSessionEvents, ToolRun } from "./server-session.js";

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
async function askAboutTask(method: string, params: JsonObject, ask: ToolRun["ask"]): Promise<JsonObject> {
  try {
    return await askLater(method, params, ask);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const isGone = error.code === invalidParams;
    const why = isGone ? "the server no longer has the task" : "the server refused to report the state of the task";
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
async function pollPause(wanted: unknown, signal: AbortSignal): Promise<void> {
  const ms = typeof wanted === "number" ? wanted : defaultPollMs;
  await sleep(Math.min(longestPollMs, Math.max(shortestPollMs, ms)), undefined, { signal });
}

export function isTaskHandle({ resultType }: JsonObject): boolean {
  return resultType === "task";
}

/**
 * Waits until a task of protocol 2026-07-28 has ended, and resolves with the result of its call, which the last poll brings. A poll may also
 * bring questions of the server; `tasks/update` sends the answers. Rejects with RpcError, McpError or the signal's reason.
 */
export async function resultOfTask(
  handle: JsonObject,
  run: ToolRun,
  answer: ServerSessionEvents["answer"],
): Promise<JsonObject> {
  const { send, onProgress } = run;
  const { signal } = run.limits;
  const taskId = textOrEmpty(handle.taskId);
  const answered = new Set<string>();
  let isOver = false;
  try {
    if (!taskId) throw new OutcomeUnknown("protocol", "the server made a task that has no id");
    let task = handle;
    for (let polls = 1; ; polls++) {
      // The status in the task handle is used only to decide whether to wait before the first poll.
      if (task !== handle || task.status === "working") await pollPause(task.pollIntervalMs, signal);
      task = await askAboutTask("tasks/get", { taskId }, run.ask);
      const message = textOrEmpty(task.statusMessage);
      onProgress({ progress: polls, ...(message && { message }) });
      if (task.status === "input_required") {
        const inputResponses = await answersTo(unanswered(task.inputRequests, answered), answer, signal);
        signal.throwIfAborted();
        if (Object.keys(inputResponses).length > 0)
          await askAboutTask("tasks/update", { taskId, inputResponses }, run.ask);
      } else if (task.status !== "working") {
        isOver = true;
        return outcomeOf(task);
      }
    }
  } finally {
    if (!isOver && taskId) void send("tasks/cancel", { taskId }).catch(() => {});
  }
}

/**
 * Returns the questions that were not answered yet, and marks them as answered. A server repeats a question under the same key until it has
 * processed the answer.
 */
function unanswered(inputRequests: unknown, answered: Set<string>): JsonObject {
  const fresh = Object.entries(isPlainObject(inputRequests) ? inputRequests : {}).filter(([key]) => !answered.has(key));
  for (const [key] of fresh) answered.add(key);
  return Object.fromEntries(fresh);
}

function outcomeOf({ status, statusMessage, result, error }: JsonObject): JsonObject {
  if (status === "completed" && isPlainObject(result)) return result;
  const why = textOrEmpty(statusMessage) && `: ${textOrEmpty(statusMessage)}`;
  if (status === "failed" && isPlainObject(error)) {
    const code = typeof error.code === "number" ? error.code : 0;
    throw new RpcError(code, textOrEmpty(error.message) || `the task failed${why}`, error.data);
  }
  if (status === "failed" || status === "cancelled") {
    throw new McpError(
      "protocol",
      `${status === "failed" ? "the task failed" : "the server cancelled the task"}${why}`,
    );
  }
  throw new OutcomeUnknown(
    "protocol",
    `the server says of the task that it is ${JSON.stringify(status)}, without a result`,
  );
}
