/** Tools that run as tasks: started, then polled to their result. https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks */
import { setTimeout as sleep } from "node:timers/promises";
import type { ToolProgress } from "../core/ports.js";
import { asText, isRecord, type Json } from "./json.js";
import type { Ask } from "./listing.js";

/** How long the server keeps the result for us. */
const keptMs = 3_600_000;
const defaultPollMs = 1000;
const shortestPollMs = 50;
const longestPollMs = 10_000;

interface TaskRun {
  /** Ends the polling, and the task on the server. */
  signal: AbortSignal;
  /** Every answer to a poll is a sign of life. */
  onProgress: (progress: ToolProgress) => void;
  /** Sends outside of the signal, for the cancellation. */
  send: Ask;
}

/** The result of `tools/call` by way of a task; at once where the server made no task of it. */
export async function callAsTask(ask: Ask, params: Json, run: TaskRun): Promise<Json> {
  const started = await ask("tools/call", { ...params, task: { ttl: keptMs } });
  if (!isRecord(started.task)) return started;
  const taskId = asText(started.task.taskId);
  const cancel = () => void run.send("tasks/cancel", { taskId }).catch(() => {});
  run.signal.addEventListener("abort", cancel, { once: true });
  try {
    return await polled(ask, taskId, started.task, run);
  } finally {
    run.signal.removeEventListener("abort", cancel);
  }
}

/** A task that needs input asks for it while its result is waited for. */
async function polled(ask: Ask, taskId: string, first: Json, { signal, onProgress }: TaskRun): Promise<Json> {
  let task = first;
  for (let polls = 0; task.status === "working"; polls++) {
    const wanted = typeof task.pollInterval === "number" ? task.pollInterval : defaultPollMs;
    await sleep(Math.min(longestPollMs, Math.max(shortestPollMs, wanted)), undefined, { signal });
    task = await ask("tasks/get", { taskId });
    const message = asText(task.statusMessage);
    onProgress({ progress: polls + 1, ...(message && { message }) });
  }
  return ask("tasks/result", { taskId });
}
