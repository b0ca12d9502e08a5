/** Tools that run as tasks: started, then polled to their result. https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks */
import { setTimeout as sleep } from "node:timers/promises";
import { asText, isRecord, type Json } from "./json.js";
import type { ToolRun } from "./peer.js";

/** How long the server keeps the result for us. */
const keptMs = 3_600_000;
const defaultPollMs = 1000;
const shortestPollMs = 50;
const longestPollMs = 10_000;

/** The result of `tools/call` by way of a task; at once where the server made no task of it. */
export async function callAsTask(params: Json, run: ToolRun): Promise<Json> {
  const started = await run.ask("tools/call", { ...params, task: { ttl: keptMs } });
  if (!isRecord(started.task)) return started;
  const taskId = asText(started.task.taskId);
  const cancel = () => void run.send("tasks/cancel", { taskId }).catch(() => {});
  const stay = run.ending.onAbort(cancel);
  try {
    return await polled(taskId, started.task, run);
  } finally {
    stay();
  }
}

/** A task that needs input asks for it while its result is waited for. */
async function polled(taskId: string, first: Json, { ask, ending, onProgress }: ToolRun): Promise<Json> {
  let task = first;
  for (let polls = 0; task.status === "working"; polls++) {
    await pollPause(task.pollInterval, ending.signal);
    task = await ask("tasks/get", { taskId });
    const message = asText(task.statusMessage);
    onProgress({ progress: polls + 1, ...(message && { message }) });
  }
  return ask("tasks/result", { taskId });
}

/** What a server wants between two polls, in ms, within reason. Rejects when the signal aborts. */
export async function pollPause(wanted: unknown, signal: AbortSignal): Promise<void> {
  const ms = typeof wanted === "number" ? wanted : defaultPollMs;
  await sleep(Math.min(longestPollMs, Math.max(shortestPollMs, ms)), undefined, { signal });
}
