import type { Writable } from "node:stream";
import { after } from "../../core/async/timers.js";
import type { TurnEvent } from "../../core/events.js";
import type { ServerStatus, ToolHub } from "../../core/ports.js";
import { unambiguous } from "../../core/text/inert.js";
import { nearest } from "../../core/text/nearest.js";
import type { Session } from "../../session/session.js";
import type { PromptRequest } from "../../session/shared/prompt-options.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import type { DoorParts, OnInterrupt } from "../shared/door.js";
import { exitCodes } from "../shared/exit-codes.js";
import { Output } from "../shared/output.js";
import { denyQuestions, printTurn } from "./printed-turn.js";
import { JsonView, type OneshotView, StreamJsonView, TextView } from "./views.js";

export interface OneshotOptions extends Omit<PromptRequest, "requestId"> {
  /** Format of stdout. */
  outputFormat: "text" | "json" | "stream-json";
  requestId?: string;
  /** Conversation to continue. Default: a new conversation. */
  conversationId?: string;
  /** True to print tool calls and their results on stderr. Applies to the text format only. */
  toolNotifications: boolean;
}

export interface OneshotStreams {
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { columns?: number };
  onInterrupt: OnInterrupt;
}

/**
 * Runs one prompt. The answer goes to stdout and everything else to stderr. Resolves to the exit code. Every question is answered with no,
 * since nobody can be asked. The first interrupt cancels the turn. At a second interrupt, resolves without waiting for the end of the turn.
 * The time of `timeoutMs` starts once the request is in the log, so it includes the wait for earlier turns.
 */
export async function runOneshot(parts: DoorParts, options: OneshotOptions, streams: OneshotStreams): Promise<number> {
  const { conversationId, requestId = parts.newId("req"), outputFormat, toolNotifications, ...request } = options;
  const { timeoutMs } = request;
  parts.sessions.onResumed(denyQuestions);
  const session = parts.sessions.open(conversationId);
  const cancel = () => session.cancel(requestId);
  const stdout = new Output(streams.stdout, cancel);
  const stderr = new Output(streams.stderr);
  const identity = { requestId, conversationId: session.id };
  const views = {
    text: () => new TextView(parts.hub, { stdout, stderr, toolNotifications, ...terminalOf(streams) }),
    json: () => new JsonView(parts, identity, stdout),
    "stream-json": () => new StreamJsonView(identity, stdout),
  };
  const view: OneshotView = views[outputFormat]();
  // Plain text that was written to a pipe cannot be taken back. So if the model's stream breaks off, the turn fails instead of starting its
  // answer again.
  const recovery = outputFormat === "text" && !streams.stdout.isTTY ? "fail" : "restart";
  const ended = new AbortController();

  const run = async () => {
    const submit = async () => {
      const model = parts.resolveModel(request.model);
      const turn = await session.submit({ streamRecovery: recovery, ...request, requestId });
      if (timeoutMs) after(timeoutMs, () => session.cancel(requestId, "budget"), ended.signal);
      const note = () => noteEarlierTurn(session, turn, request.interrupt === true, stderr);
      after(silentWaitMs, () => void note().catch(() => {}), ended.signal); // the turn itself reports an error of the log
      return { model, turn };
    };
    const deny = (event: TurnEvent) => {
      if (event.type === "question") session.answer(event.questionId, false);
    };
    void noteSlowServers(parts.hub, stderr, ended.signal);
    const { exitCode, denied, error } = await printTurn(submit(), view, deny, request.output !== undefined);
    if (denied.size > 0) await stderr.write(deniedLine(denied));
    if (error?.kind === "model_gone") await stderr.write(await modelsLine(parts, request.model));
    return exitCode;
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
    ended.abort();
    unsubscribe();
  }
}

/** Time, in ms, after which a run says what it waits for. */
const silentWaitMs = 2_000;

/**
 * Prints a note for each server that the turn has waited for `silentWaitMs`, and another one if the turn then begins without it: the model
 * does not get the server's tools. No note is printed for a server whose tools are known from an earlier start.
 */
async function noteSlowServers(hub: ToolHub, stderr: Output, ended: AbortSignal): Promise<void> {
  const isUnknown = ({ state, tools, prompts, resources }: ServerStatus) =>
    state === "starting" && tools + prompts + resources === 0;
  const note = async (textFor: (name: string) => string) => {
    for (const { name } of hub.servers().filter(isUnknown)) {
      await stderr.write(`${unambiguous(textFor(name))}\n`).catch(() => {});
    }
  };
  const timer = setTimeout(() => void note((name) => `waiting for server ${name} to start`), silentWaitMs);
  await hub.offered(ended).catch(() => {}); // the turn itself reports an error of the servers
  clearTimeout(timer);
  if (ended.aborted) return;
  await note(
    (name) =>
      `server ${name} is still starting: the answer begins without its tools (raise mcpServers.${name}.startup_grace to wait longer)`,
  );
}

/** Prints a note if the turn waits for an earlier turn of its conversation. Rejects with StoreError. */
async function noteEarlierTurn(session: Session, turn: LiveTurn, interrupts: boolean, stderr: Output): Promise<void> {
  const host = await session.control.waitsBehind(turn);
  if (!host) return;
  const see = `see it with mcp-platform sessions show ${shellWord(session.id)}`;
  const cancel = interrupts ? "" : "; to cancel it, repeat this command with --interrupt";
  await stderr.write(
    `${unambiguous(`waiting for an earlier turn of this conversation on ${host} (${see}${cancel})`)}\n`,
  );
}

/** Returns how to print on this terminal. Control characters are removed only for a terminal; a file gets the model's text unchanged. */
function terminalOf({ stdout, stderr }: OneshotStreams): { inertText: boolean; noteWidth: number } {
  return { inertText: stdout.isTTY === true, noteWidth: stderr.columns ?? 200 };
}

/** Most models that are named after one was not found. */
const mostNamed = 20;

/** Returns a line with the models that can be chosen instead of one that was not found, similar ones first. Returns "" if there are none. */
async function modelsLine({ choosableModels, resolveModel }: DoorParts, wanted?: string): Promise<string> {
  const gone = resolveModel(wanted);
  const models = (await choosableModels()).models.filter(({ id }) => id !== `${gone.provider}/${gone.model}`);
  const named = (model: string) => models.filter((one) => one.model === model).map(({ id }) => id);
  const near = nearest(gone.model, [...new Set(models.map(({ model }) => model))], mostNamed).flatMap(named);
  const ids = [...new Set([...near, ...models.map(({ id }) => id)])];
  const more = ids.length > mostNamed ? ` and ${ids.length - mostNamed} more` : "";
  return ids.length > 0 ? unambiguous(`models to choose from: ${ids.slice(0, mostNamed).join(", ")}${more}\n`) : "";
}

function deniedLine(denied: ReadonlyMap<string, string>): string {
  const flags = [...denied.keys()].map((tool) => `--allow ${shellWord(tool)}`).join(" ");
  const reasons = [...denied.values()].map((reason) => `${reason}\n`).join("");
  const names = [...denied.keys()].join(", ");
  return unambiguous(
    `${reasons}not run, because nobody could be asked: ${names}. Allow with ${flags}, or everything with --yes\n`,
  );
}

/** Quotes a tool's name for the shell. Servers choose the names, and users copy the printed line. */
function shellWord(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
