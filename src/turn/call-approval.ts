/** Approvals of tool calls: the questions to the person, and the calls as the person has allowed them. */

import { hash } from "node:crypto";
import { approvalIn, type GivenApproval } from "../core/approval.js";
import { messageOf } from "../core/errors.js";
import type { ApprovalQuestion, Question, QuestionEvent, StartedCall } from "../core/events.js";
import { isWritable, type JsonObject } from "../core/json.js";
import type { ToolCall } from "../core/messages.js";
import type { PreparedCall, Toolbox, ToolFacts, ToolResult } from "../core/ports.js";
import { decide, type PolicyRules, type Verdict } from "./policy.js";
import type { TurnContext } from "./turn-context.js";

/** A call that may be sent, or the result of a call that may not. */
export type CheckedCall = PreparedCall | { refused: ToolResult };

type AskingTurn = Pick<TurnContext, "turnId" | "rules" | "out" | "answer">;

interface Asked {
  prepared: PreparedCall;
  verdict: Extract<Verdict, { decision: "ask" }>;
  isStored: boolean;
}

interface OpenQuestion {
  prepared: PreparedCall;
  /** Answers the question in place of the person. */
  settle: (answer: GivenApproval) => void;
}

/** The questions about the calls of one answer of the model. They may all be open at the same time, and are answered in any order. */
export class CallQuestions {
  readonly #turn: AskingTurn;
  readonly #open = new Set<OpenQuestion>();

  constructor(turn: AskingTurn) {
    this.#turn = turn;
  }

  /** Asks the person, and resolves with the answer, which is then stored. With `isStored`, the log has the question from before a crash. */
  async ask(question: QuestionEvent, { prepared, verdict, isStored }: Asked): Promise<unknown> {
    const { turnId, out, rules } = this.#turn;
    await out.store(...(isStored ? [] : [question]));
    const over = new AbortController();
    const open: OpenQuestion = { prepared, settle: () => {} };
    const settled = new Promise<unknown>((resolve) => {
      open.settle = resolve;
    });
    this.#open.add(open);
    const value = await Promise.race([this.#turn.answer(question, over.signal), settled]);
    this.#open.delete(open);
    over.abort(); // closes a question that was settled
    const { allow, remember } = approvalIn(value);
    // The answer is remembered before it is stored. If it were stored first and the host then crashed, the resumed turn would take the
    // answer from the log and would not remember it.
    if (remember && !(allow && verdict.onceOnly)) {
      rules.memory.remember(prepared, { allow, remember });
      this.#settle(remember);
    }
    await out.store({ type: "answer", turnId, questionId: question.questionId, value });
    return value;
  }

  /** Answers an open question of an earlier host that is not asked again, so that every front door stops asking. */
  drop({ question, answer }: StartedCall, value: boolean): void {
    const { turnId, out } = this.#turn;
    if (question && !answer) out.add({ type: "answer", turnId, questionId: question.questionId, value });
  }

  /** Answers the open questions that the remembered answers decide by now. */
  #settle(remember: NonNullable<GivenApproval["remember"]>): void {
    for (const { prepared, settle } of this.#open) {
      const { decision } = decide(prepared, this.#turn.rules);
      if (decision !== "ask") settle({ allow: decision === "allow", remember });
    }
  }
}

/** The call that a person was asked about. */
interface AskedCall {
  call: ToolCall;
  prepared: PreparedCall;
  question: Question;
}

/**
 * Returns the call as the answer allows it: with the person's arguments, if the answer has some. The rules decide again, because they judge
 * arguments, and because the person may have refused such calls while the question was open.
 */
export async function allowedCall(
  { call, prepared, question }: AskedCall,
  value: unknown,
  { tools, rules }: { tools: Toolbox; rules: PolicyRules },
): Promise<CheckedCall> {
  const { allow, message, arguments: changed } = approvalIn(value);
  if (!allow) return refused(`not run: the user did not allow ${call.name}${message ? `: ${message}` : ""}`);
  const allowed = changed ? await looked(withArguments(call, changed), tools) : prepared;
  const check = (): CheckedCall => {
    if ("refused" in allowed) return allowed;
    const verdict = decide(allowed, rules);
    if (verdict.decision === "deny") return refused(`not run: ${verdict.reason}`);
    if (changed && !isAbout(question, allowed)) return refused(redefined);
    if (allowed.change) allowed.pin();
    return allowed;
  };
  return withNote(check(), changed);
}

/** Reason why a call with changed arguments does not run if the person has not seen the present tool. */
export const redefined = "not run: the tool was redefined after the user had changed the arguments of this call";

/** Returns the arguments to which the person has changed the call. Undefined if the call was not allowed, or runs as the model wrote it. */
export function changedArguments({ answer }: StartedCall): JsonObject | undefined {
  const { allow, arguments: changed } = approvalIn(answer?.value);
  return allow ? changed : undefined;
}

export function withArguments(call: ToolCall, changed: JsonObject): ToolCall {
  return { ...call, arguments: JSON.stringify(changed) };
}

/** Returns the call with a note in its result that says to the model with which arguments it was run. */
export function withNote(checked: CheckedCall, changed: JsonObject | undefined): CheckedCall {
  if (!changed) return checked;
  const noted = (result: ToolResult): ToolResult => ({
    ...result,
    content: [...result.content, { type: "text", text: noteOf(changed) }],
  });
  if ("refused" in checked) return { refused: noted(checked.refused) };
  return { ...checked, send: async (options) => noted(await checked.send(options)) };
}

/** Returns the content of a result without the note of `withNote`, as the server sent it. */
export function withoutNote(content: ToolResult["content"], changed: JsonObject | undefined): ToolResult["content"] {
  const note = changed && noteOf(changed);
  return content.filter((part) => !(part.type === "text" && part.text === note));
}

function noteOf(changed: JsonObject): string {
  return `(the user changed the arguments of this call to ${JSON.stringify(changed)})`;
}

/**
 * Prepares a call. If that fails, the error becomes the result of the call. If the error were thrown instead, the turn would lose the
 * model's answer, which is paid for but not stored yet.
 */
export async function looked(call: ToolCall, tools: Toolbox): Promise<CheckedCall> {
  try {
    return await tools.prepare(call);
  } catch (error) {
    return refused(`${call.name} was not called: ${messageOf(error)}`);
  }
}

/**
 * True if a question is about the present tool: it has the same definition, and its server is the same program or address. Otherwise, the
 * answer does not count, because the person has not seen the present tool.
 */
export function isAbout(question: Question, prepared: PreparedCall): boolean {
  if (question.kind !== "approval") return false;
  return question.place === prepared.place && question.definition === hashOfDefinition(prepared);
}

function hashOfDefinition({ definition }: Pick<PreparedCall, "definition">): string | undefined {
  return definition && hash("sha256", JSON.stringify(definition), "hex");
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
  {
    server,
    tool,
    place,
    definition,
    arguments: args,
    ...facts
  }: ToolFacts & Pick<PreparedCall, "arguments" | "definition">,
  { reason, onceOnly }: { reason: string; onceOnly: boolean },
): ApprovalQuestion {
  const names = Object.entries(annotationNames) as [keyof typeof annotationNames, string][];
  const annotations = names.flatMap(([key, name]) => (facts[key] ? [name] : []));
  const hashed = hashOfDefinition({ definition });
  return {
    kind: "approval",
    call: { ...call, arguments: isWritable(args) ? JSON.stringify(args) : call.arguments },
    server,
    tool,
    reason,
    ...(annotations.length > 0 && { annotations }),
    ...(onceOnly && { onceOnly }),
    ...(hashed && { definition: hashed }),
    place,
  };
}

export function questionEvent(
  question: Question,
  { turnId, newId }: Pick<TurnContext, "turnId" | "newId">,
): QuestionEvent {
  return { type: "question", turnId, questionId: newId("q"), question };
}

export function refused(text: string): { refused: ToolResult } {
  return { refused: { content: [{ type: "text", text }], isError: true } };
}
