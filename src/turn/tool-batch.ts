import { hash } from "node:crypto";
import { setImmediate as endOfIteration } from "node:timers/promises";
import { type GivenApproval, readApproval } from "../core/approval.js";
import { messageOf } from "../core/errors.js";
import type { ApprovalQuestion, ChatEvent, Question, QuestionEvent, StartedCall } from "../core/events.js";
import { isWritable } from "../core/json.js";
import type { ToolCall, ToolMessage } from "../core/messages.js";
import { toolMessage } from "../core/messages.js";
import type { AskPerson, PreparedCall, Toolbox, ToolFacts, ToolResult } from "../core/ports.js";
import { childOf } from "../core/trace-context.js";
import type { EventQueue } from "./outlet.js";
import { decide, type Verdict } from "./policy.js";
import type { TurnContext } from "./turn-context.js";

/** The parts of a turn with which its calls run. */
export type CallingTurn = Pick<
  TurnContext,
  "turnId" | "trace" | "tools" | "rules" | "loops" | "signal" | "newId" | "out" | "answer"
>;

export interface ToolBatch {
  calls: readonly StartedCall[];
  /** Number of answers in this turn that came before the answer with these calls. */
  hop: number;
  /** True if the answer was cut off at its token limit. The arguments of its last call are then incomplete, even if they are valid JSON. */
  truncated: boolean;
  /** Number of unsent calls that may run. These are the first ones; a limit prevents the other unsent calls. */
  runnable: number;
}

type Checked = PreparedCall | { refused: ToolResult };

/**
 * Runs the calls of one hop in parallel. A call is stored as planned and as sent before it is sent, so that the log shows after a crash
 * what may have happened. A call that began before a crash continues from its stored state. Returns the results in the order of the calls.
 */
export async function runToolCalls(
  { calls, hop, truncated, runnable }: ToolBatch,
  turn: CallingTurn,
): Promise<ToolMessage[]> {
  const { turnId, out } = turn;
  for (const { call, planned } of calls) if (!planned) out.add({ type: "tool_call", turnId, call });

  const results = new Map<ToolCall, ToolResult>();
  const sendable = new Map<StartedCall, PreparedCall>();
  const take = (call: ToolCall, answered: ToolResult) => {
    const result = turn.loops.noted(call, answered);
    results.set(call, result);
    return resultEvent(turnId, call, result);
  };
  const asked = new Set<StartedCall>();
  const runCheck = async (started: StartedCall) => {
    const checking = started.sent ? checkSent(started, turn) : checkUnsent(started, turn, () => asked.add(started));
    const checked = await storedMeanwhile(checking, out);
    if ("refused" in checked) {
      sendable.delete(started);
      out.add(take(started.call, checked.refused));
    } else sendable.set(started, checked);
  };
  let fresh = 0;
  for (const started of calls) {
    const { call, result } = started;
    if (result) {
      results.set(call, result);
      continue;
    }
    const isCut = truncated && started === calls.at(-1);
    const obstacle = !started.sent && ++fresh > runnable ? limitMessage : isCut ? cutMessage : undefined;
    if (obstacle) out.add(take(call, refusal(obstacle)));
    else await runCheck(started);
  }
  // While the person is asked about a call, they may withdraw what has allowed the calls beside it.
  for (let before = 0; before < asked.size; ) {
    before = asked.size;
    for (const started of [...sendable.keys()]) if (!asked.has(started)) await runCheck(started);
  }

  for (const { call } of sendable.keys()) out.add({ type: "tool_sent", turnId, callId: call.id });
  await out.store();
  await Promise.all(
    [...sendable].map(async ([{ call }, prepared]) => out.store(take(call, await send(call, prepared, hop, turn)))),
  );

  return calls.map(({ call, note }) => {
    return toolMessage(call, results.get(call) ?? refusal("the call was not run"), note);
  });
}

/**
 * Resolves with the result of a check. If the check does not end at once, stores what waits to be stored: the model's answer is paid for, and
 * must not be lost if the host ends meanwhile.
 */
async function storedMeanwhile(checking: Promise<Checked>, out: EventQueue): Promise<Checked> {
  const isLate = await Promise.race([checking.then(() => false), endOfIteration(true)]);
  if (isLate) await Promise.all([out.store(), checking]);
  return checking;
}

function send(call: ToolCall, prepared: PreparedCall, hop: number, turn: CallingTurn): Promise<ToolResult> {
  const { turnId, signal, out } = turn;
  const onProgress = (progress: { progress: number; total?: number; message?: string }) =>
    out.show({ type: "tool_progress", callId: call.id, ...progress });
  const ask: AskPerson = (question, over) => answerTo(questionEvent(question, turn), over, turn);
  const callId = `${turnId}/${hop}/${call.id}`;
  return prepared.send({ signal, onProgress, ask, caller: turnId, callId, trace: childOf(turn.trace, callId) });
}

/**
 * Asks the person a server's question. The question is stored before it is asked; the answer is stored before the caller can use it. If
 * `over` aborts first, the question is closed with `false`, so that every front door stops asking.
 */
async function answerTo(question: QuestionEvent, over: AbortSignal, turn: CallingTurn): Promise<unknown> {
  const { turnId, out } = turn;
  await out.store(question);
  const value = await turn.answer(question, over);
  const withdrawn = value === false && over.aborted;
  const { questionId } = question;
  await out.store({ type: "answer", turnId, questionId, value, ...(withdrawn && { withdrawn }) });
  return value;
}

const cutMessage = "not run: the answer reached its token limit inside these arguments; make a shorter call";

const limitMessage = "not run: a limit that the user has set stopped the turn before this call";

const cancelMessage = "not run: the turn was cancelled";

/** True if this result states that the policy or the person has refused the call. */
export function isDenial(result: string): boolean {
  return result.startsWith("not run: ") && ![cutMessage, limitMessage, cancelMessage].includes(result);
}

/**
 * Decides what happens to a call that was sent before the host crashed. The call is sent again only on four conditions: the tool is
 * read-only or idempotent, the user trusts the server that says so, the server has not changed the tool's definition since the user
 * approved it, and the present rules allow the call. Otherwise the result of the call is "outcome unknown".
 */
async function checkSent(started: StartedCall, turn: CallingTurn): Promise<Checked> {
  if (turn.signal.aborted)
    return refused(`${crashOutcomeUnknown}; it was not sent again, because the turn was cancelled`);
  const prepared = await looked(started.call, turn.tools);
  if ("refused" in prepared || prepared.change || !(prepared.readOnly || prepared.idempotent)) {
    return refused(crashOutcomeUnknown);
  }
  const verdict = decide(prepared, turn.rules);
  const isAllowed = verdict.decision === "allow" || (verdict.decision === "ask" && wasAllowed(started, prepared));
  return isAllowed ? prepared : refused(`${crashOutcomeUnknown}; it was not sent again: ${verdict.reason}`);
}

/** True if the person has allowed this call, in answer to a question about the present tool. */
function wasAllowed({ question, answer }: StartedCall, prepared: PreparedCall): boolean {
  if (!question || !answer || !isAbout(question, prepared)) return false;
  return approvalIn(answer.value).allow;
}

const crashOutcomeUnknown =
  "outcome unknown: the host stopped before the result arrived, and the call may have been carried out";

/**
 * Prepares a call. If that fails, the error becomes the result of the call. If the error were thrown instead, the turn would lose the
 * model's answer, which is paid for but not stored yet.
 */
async function looked(call: ToolCall, hub: Toolbox): Promise<Checked> {
  try {
    return await hub.prepare(call);
  } catch (error) {
    return refused(`${call.name} was not called: ${messageOf(error)}`);
  }
}

/** Checks the arguments and the policy. Asks the person if the policy requires it, and calls `onAsk` before that. */
async function checkUnsent(started: StartedCall, turn: CallingTurn, onAsk: () => void): Promise<Checked> {
  if (turn.signal.aborted) return refused(cancelMessage);
  const prepared = await looked(started.call, turn.tools);
  if ("refused" in prepared) return prepared;
  const verdict = decide(prepared, turn.rules);
  if (verdict.decision === "deny") return refused(`not run: ${verdict.reason}`);
  return verdict.decision === "ask" ? permitted(started, prepared, verdict, turn, onAsk) : prepared;
}

async function permitted(
  { call, question: earlier, answer }: StartedCall,
  prepared: PreparedCall,
  verdict: Extract<Verdict, { decision: "ask" }>,
  turn: CallingTurn,
  onAsk: () => void,
): Promise<Checked> {
  const asked = earlier && isAbout(earlier, prepared) ? earlier : undefined;
  const given = asked && answer;
  if (earlier && !asked && !answer) {
    // Closes the earlier question, because the new question replaces it.
    turn.out.add({ type: "answer", turnId: turn.turnId, questionId: earlier.questionId, value: false });
  }
  const definition = hashOfDefinition(prepared);
  const about = { ...(definition && { definition }), place: prepared.place };
  const question = asked ?? questionEvent({ ...approvalQuestion(call, prepared, verdict), ...about }, turn);
  await turn.out.store(...(asked ? [] : [question]));
  if (!given) onAsk();
  const value = given ? given.value : await turn.answer(question);
  const { allow, remember, message } = approvalIn(value);
  // The answer is remembered before it is stored. If it were stored first and the host then crashed, the resumed turn would take the answer
  // from the log and would not remember it.
  if (!given && remember && !(allow && verdict.onceOnly)) turn.rules.memory.remember(prepared, { allow, remember });
  if (!given) await turn.out.store({ type: "answer", turnId: turn.turnId, questionId: question.questionId, value });
  if (!allow) return refused(`not run: the user did not allow ${call.name}${message ? `: ${message}` : ""}`);
  if (prepared.change) prepared.pin();
  return prepared;
}

/** Reads the answer to a question about a call. A malformed answer counts as no. */
function approvalIn(value: unknown): GivenApproval {
  const approval = readApproval(value);
  return "problem" in approval ? { allow: false } : approval;
}

function hashOfDefinition({ definition }: PreparedCall): string | undefined {
  return definition && hash("sha256", JSON.stringify(definition), "hex");
}

/**
 * True if a question that an earlier host asked is about the present tool: it has the same definition, and its server is the same program or
 * address. Otherwise, the answer does not count, because the person has not seen the present tool.
 */
function isAbout({ question }: QuestionEvent, prepared: PreparedCall): boolean {
  if (question.kind !== "approval") return false;
  return question.place === prepared.place && question.definition === hashOfDefinition(prepared);
}

const annotationNames = {
  readOnly: "read-only",
  idempotent: "idempotent",
  destructive: "destructive",
  openWorld: "open-world",
} as const;

/**
 * Returns the question that asks for approval of a call. The question shows the arguments that would be sent, which may differ from the
 * text that the model wrote.
 */
export function approvalQuestion(
  call: ToolCall,
  { server, tool, arguments: args, ...facts }: ToolFacts & Pick<PreparedCall, "arguments">,
  { reason, onceOnly }: { reason: string; onceOnly: boolean },
): ApprovalQuestion {
  const names = Object.entries(annotationNames) as [keyof typeof annotationNames, string][];
  const annotations = names.flatMap(([key, name]) => (facts[key] ? [name] : []));
  return {
    kind: "approval",
    call: { ...call, arguments: isWritable(args) ? JSON.stringify(args) : call.arguments },
    server,
    tool,
    reason,
    ...(annotations.length > 0 && { annotations }),
    ...(onceOnly && { onceOnly }),
  };
}

function questionEvent(question: Question, { turnId, newId }: CallingTurn): QuestionEvent {
  return { type: "question", turnId, questionId: newId("q"), question };
}

/** True if the answer is `true` or `{"allow": true}`. Any other answer counts as no. */
export function isYes(value: unknown): boolean {
  return value === true || (typeof value === "object" && value !== null && "allow" in value && value.allow === true);
}

function refused(text: string): { refused: ToolResult } {
  return { refused: refusal(text) };
}

function refusal(text: string): ToolResult {
  return { content: [{ type: "text", text }], isError: true };
}

function resultEvent(turnId: string, call: ToolCall, result: ToolResult): ChatEvent {
  return { type: "tool_result", turnId, callId: call.id, name: call.name, ...result };
}
