/**
 * Tasks of protocol 2026-07-28, in which the server decides which calls become tasks. In contrast to earlier tasks (`tasks.ts`), the last
 * poll brings the result. A poll may also bring questions of the server; `tasks/update` sends the answers.
 * https://modelcontextprotocol.github.io/ext-tasks/specification/2026-07-28/tasks.html
 */

import { McpError, RpcError } from "../../core/errors.js";
import { isPlainObject, type JsonObject, textOrEmpty } from "../../core/json.js";
import { OutcomeUnknown } from "../shared/request-failures.js";
import { answersTo } from "./input-rounds.js";
import type { ServerSessionEvents, ToolRun } from "./server-session.js";
import { askAboutTask, pollPause } from "./tasks.js";

export function isTaskHandle({ resultType }: JsonObject): boolean {
  return resultType === "task";
}

/** Waits until a task has ended, and resolves with the result of its call. Rejects with RpcError, McpError or the signal's reason. */
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
    if (!taskId) throw new OutcomeUnknown("protocol", "the server made a task without an id of the call");
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
