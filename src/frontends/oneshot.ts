import type { Writable } from "node:stream";
import type { StoredEvent } from "../core/chat.js";
import { errorInfo } from "../core/errors.js";
import { patternOf } from "../core/tool-pattern.js";
import type { LiveTurn } from "../session/live-turn.js";
import type { PromptRequest, Session } from "../session/session.js";
import { summarizeTurn } from "../session/summary.js";
import type { DoorParts, OnInterrupt } from "./door.js";
import { exitCodeOfTurn, exitCodes } from "./exit-codes.js";
import { JsonView, type OneshotView, StreamJsonView, TextView } from "./oneshot-views.js";
import { Output } from "./output.js";
import { inert } from "./terminal.js";

export interface OneshotOptions extends Omit<PromptRequest, "requestId" | "content"> {
  text: string;
  outputFormat: "text" | "json" | "stream-json";
  requestId?: string;
  /** Default: a new conversation. */
  conversationId?: string;
  /** Tool calls and results on stderr, with the text format. */
  toolNotifications: boolean;
}

export interface OneshotStreams {
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { columns?: number };
  onInterrupt: OnInterrupt;
}

/**
 * One prompt, one answer: the answer on stdout, everything else on stderr. Resolves to the exit code. A question cannot be
 * asked here and is denied. The first interrupt cancels the turn; at the second this resolves without waiting for its end.
 */
export async function runOneshot(parts: DoorParts, options: OneshotOptions, streams: OneshotStreams): Promise<number> {
  const { conversationId, requestId = parts.newId("req"), outputFormat, toolNotifications, ...request } = options;
  parts.sessions.onResumed(denyQuestions);
  const session = parts.sessions.open(conversationId);
  const cancel = () => session.cancel(requestId);
  const stdout = new Output(streams.stdout, cancel);
  const stderr = new Output(streams.stderr);
  const identity = { requestId, conversationId: session.id };
  const views: Record<OneshotOptions["outputFormat"], () => OneshotView> = {
    text: () => new TextView(parts.hub, { stdout, stderr, toolNotifications, ...terminalOf(streams) }),
    json: () => new JsonView(parts, identity, stdout),
    "stream-json": () => new StreamJsonView(identity, stdout),
  };
  const view = views[outputFormat]();
  // A program that reads plain text cannot take back what it has read.
  const recovery = outputFormat === "text" && !streams.stdout.isTTY ? "fail" : "restart";

  const run = async () => {
    const events: StoredEvent[] = [];
    try {
      const model = parts.resolveModel(request.model);
      const turn = await session.submit({ streamRecovery: recovery, ...request, requestId });
      await view.start({ turnId: turn.turnId, cached: turn.cached, model });
      for await (const event of turn.watch()) {
        if ("seq" in event) events.push(event);
        if (event.type === "question") session.answer(event.questionId, false);
        await view.show(event);
      }
    } catch (error) {
      const failure = errorInfo(error);
      await view.end({ ...summarizeTurn(events), stopReason: "error", error: failure });
      return exitCodeOfTurn({ error: failure, denied: false });
    }
    const denied = deniedTools(events);
    const summary = summarizeTurn(events);
    await view.end({ ...summary, ...(denied.size > 0 && { denied: [...denied.keys()] }) });
    if (denied.size > 0) await stderr.write(deniedLine(denied));
    return exitCodeOfTurn({ ...summary, denied: denied.size > 0 });
  };

  let unsubscribe = () => {};
  const secondInterrupt = new Promise<number>((resolve) => {
    let interrupts = 0;
    unsubscribe = streams.onInterrupt(() => {
      interrupts++;
      if (interrupts > 1 || !cancel()) resolve(exitCodes.cancelled);
    });
  });
  try {
    return await Promise.race([run(), secondInterrupt]);
  } finally {
    unsubscribe();
  }
}

/** A turn that an earlier process left in this conversation goes on first, and nobody is here to be asked about it either. */
async function denyQuestions(turn: LiveTurn, session: Session): Promise<void> {
  try {
    for await (const event of turn.watch()) {
      if (event.type === "question") session.answer(event.questionId, false);
    }
  } catch {
    // The turn that was asked for meets the same trouble, and says it.
  }
}

/** Only what a terminal shows is made inert: a file gets the model's text byte for byte. */
function terminalOf({ stdout, stderr }: OneshotStreams): { inertText: boolean; noteWidth: number } {
  return { inertText: stdout.isTTY === true, noteWidth: stderr.columns ?? 200 };
}

/** `server__tool` and the reason of every question that was answered with a plain no. */
function deniedTools(events: readonly StoredEvent[]): Map<string, string> {
  const refused = new Set(
    events.flatMap((event) => (event.type === "answer" && event.value === false ? [event.questionId] : [])),
  );
  const denied = new Map<string, string>();
  for (const event of events) {
    if (event.type !== "question" || event.question.kind !== "approval" || !refused.has(event.questionId)) continue;
    denied.set(patternOf(event.question), event.question.reason);
  }
  return denied;
}

function deniedLine(denied: ReadonlyMap<string, string>): string {
  const flags = [...denied.keys()].map((tool) => `--allow ${shellWord(tool)}`).join(" ");
  const reasons = [...denied.values()].map((reason) => `${reason}\n`).join("");
  const names = [...denied.keys()].join(", ");
  return inert(
    `${reasons}not run, because nobody could be asked: ${names}. Allow with ${flags}, or everything with --yes\n`,
  );
}

/** A server names its tools as it likes, and the line is there to be copied. */
function shellWord(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
