import { setImmediate as endOfIteration } from "node:timers/promises";
import { approvalIn } from "../core/approval.js";
import type { QuestionEvent, StartedCall } from "../core/events.js";
import type { ToolCall, ToolMessage } from "../core/messages.js";
import { toolMessage } from "../core/messages.js";
import type { AskPerson, PreparedCall, ToolResult } from "../core/ports.js";
import { childOf } from "../core/trace-context.js";
import {
  allowedCall,
  approvalQuestion,
  CallQuestions,
  type CheckedCall,
  changedArguments,
  isAbout,
  looked,
  questionEvent,
  redefined,
  refused,
  withArguments,
  withNote,
} from "./call-approval.js";
import { decide } from "./policy.js";
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

/** Facts that the calls of one answer have in common. */
interface RunningBatch {
  hop: number;
  questions: CallQuestions;
  turn: CallingTurn;
}

/**
 * Runs the calls of one hop in parallel: each is checked, asked about if the rules want that, sent, and its result is stored. A call waits
 * only for its own question. It is stored as planned and as sent before it is sent, so that the log shows after a crash what may have
 * happened. A call that began before a crash continues from its stored state. Returns the results in the order of the calls.
 */
export async function runToolCalls(
  { calls, hop, truncated, runnable }: ToolBatch,
  turn: CallingTurn,
): Promise<ToolMessage[]> {
  const { turnId, out } = turn;
  for (const { call, planned } of calls) if (!planned) out.add({ type: "tool_call", turnId, call });
  const batch: RunningBatch = { hop, questions: new CallQuestions(turn), turn };
  let fresh = 0;
  const running = Promise.all(
    calls.map((started) => {
      const isCut = truncated && started === calls.at(-1);
      const isTooMany = !started.sent && !started.result && ++fresh > runnable;
      return runCall(started, isTooMany ? limitMessage : isCut ? cutMessage : undefined, batch);
    }),
  );
  // If a check takes long, stores what waits to be stored: the model's answer is paid for, and must not be lost if the host ends meanwhile.
  const isLate = await Promise.race([running.then(() => false), endOfIteration(true)]);
  if (isLate) await Promise.all([out.store(), running]);
  const results = await running;
  return calls.map(({ call, note }, index) => toolMessage(call, results[index] as ToolResult, note));
}

/** Runs one call to its result. `obstacle` is why it must not run. */
async function runCall(started: StartedCall, obstacle: string | undefined, batch: RunningBatch): Promise<ToolResult> {
  const { call, result: known, sent } = started;
  if (known) return known;
  const { questions, turn } = batch;
  const { turnId, out } = turn;
  const blocked = obstacle ?? (turn.signal.aborted && !sent ? cancelMessage : undefined);
  if (blocked) questions.drop(started, false);
  const checked = blocked ? refused(blocked) : await (sent ? checkSent(started, turn) : checkUnsent(started, batch));
  if (!("refused" in checked)) await out.store({ type: "tool_sent", turnId, callId: call.id });
  const answered = "refused" in checked ? checked.refused : await send(call, checked, batch);
  const result = turn.loops.noted(call, answered);
  await out.store({ type: "tool_result", turnId, callId: call.id, name: call.name, ...result });
  return result;
}

function send(call: ToolCall, prepared: PreparedCall, { hop, turn }: RunningBatch): Promise<ToolResult> {
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
async function checkSent(started: StartedCall, turn: CallingTurn): Promise<CheckedCall> {
  const changed = changedArguments(started);
  const check = async () => {
    if (turn.signal.aborted)
      return refused(`${crashOutcomeUnknown}; it was not sent again, because the turn was cancelled`);
    const prepared = await looked(changed ? withArguments(started.call, changed) : started.call, turn.tools);
    if ("refused" in prepared || prepared.change || !(prepared.readOnly || prepared.idempotent)) {
      return refused(crashOutcomeUnknown);
    }
    const verdict = decide(prepared, turn.rules);
    const isAllowed = verdict.decision === "allow" || (verdict.decision === "ask" && wasAllowed(started, prepared));
    return isAllowed ? prepared : refused(`${crashOutcomeUnknown}; it was not sent again: ${verdict.reason}`);
  };
  return withNote(await check(), changed);
}

/** True if the person has allowed this call, in answer to a question about the present tool. */
function wasAllowed({ question, answer }: StartedCall, prepared: PreparedCall): boolean {
  return question !== undefined && isAbout(question.question, prepared) && approvalIn(answer?.value).allow;
}

const crashOutcomeUnknown =
  "outcome unknown: the host stopped before the result arrived, and the call may have been carried out";

/** Checks the arguments and the policy. Asks the person if the policy requires it. An answer from before a crash counts. */
async function checkUnsent(started: StartedCall, { questions, turn }: RunningBatch): Promise<CheckedCall> {
  const { call, question: asked, answer } = started;
  const prepared = await looked(call, turn.tools);
  if ("refused" in prepared) {
    questions.drop(started, false);
    return prepared;
  }
  const earlier = asked && isAbout(asked.question, prepared) ? asked : undefined;
  if (earlier && answer) return allowedCall({ call, prepared, question: earlier.question }, answer.value, turn);
  if (changedArguments(started)) return refused(redefined);
  const verdict = decide(prepared, turn.rules);
  if (!earlier || verdict.decision !== "ask") questions.drop(started, verdict.decision === "allow");
  if (verdict.decision === "allow") return prepared;
  if (verdict.decision === "deny") return refused(`not run: ${verdict.reason}`);
  const question = earlier ?? questionEvent(approvalQuestion(call, prepared, verdict), turn);
  const value = await questions.ask(question, { prepared, verdict, isStored: earlier !== undefined });
  if (turn.signal.aborted) return refused(cancelMessage);
  return allowedCall({ call, prepared, question: question.question }, value, turn);
}
