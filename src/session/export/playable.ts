/** Reads from a log what is needed to replay a conversation: what the user said and answered, and what the model and the servers did. */
import { type ApprovalAnswer, approvalIn } from "../../core/approval.js";
import { RequestError } from "../../core/errors.js";
import type { Elicitation, Question, StopReason, StoredEvent } from "../../core/events.js";
import { type ContentPart, type JsonSchema, type ToolCall, type ToolResult, textOf } from "../../core/messages.js";
import { eventsByTurn, type HopRecord, readTurn, type TurnRecord, validHops } from "../../log/folds/turn-records.js";
import { withoutNote } from "../../turn/call-approval.js";

export interface Playable {
  turns: PlayableTurn[];
  /** One sentence for each turn that cannot be replayed. It names the turn's number and the reason. */
  leftOut: string[];
}

export interface PlayableTurn {
  /** Number of the turn in the conversation, from 1. */
  number: number;
  content: readonly ContentPart[];
  hops: { answer: HopRecord["answer"]; calls: PlayableCall[] }[];
  questions: { question: Question; value: unknown }[];
  stopReason: StopReason;
  answerSchema?: JsonSchema;
  /** True if older turns were summarised in this turn. From this turn on, the model gets the summary instead of those older turns. */
  isCompacted: boolean;
  events: readonly StoredEvent[];
}

export interface PlayableCall {
  call: ToolCall;
  server: string;
  /** Name of the tool on its server. */
  tool: string;
  isSent: boolean;
  /** True if the model called a tool that does not exist, and so got an error as the result. */
  isInvented: boolean;
  approval?: ApprovalAnswer;
  result: Pick<ToolResult, "content" | "isError">;
  /** Questions that the server asked the user during the call. */
  asks: Elicitation[];
}

/** Returns the server and tool for a name that the model uses. Undefined if the name is not known. */
export type FindTool = (name: string) => { server: string; tool: string } | undefined;

/**
 * Reads the turns that can be replayed. `known` finds the server and tool for names that are not simply `server__tool`. Throws RequestError
 * if no turn can be replayed, or if a turn contains something that a script cannot repeat.
 */
export function readPlayable(events: readonly StoredEvent[], known: FindTool): Playable {
  const playable: Playable = { turns: [], leftOut: [] };
  for (const [index, own] of eventsByTurn(events).entries()) {
    const turn = readTurn(own);
    const number = index + 1;
    const reason = reasonToLeaveOut(turn);
    if (reason !== undefined) playable.leftOut.push(`turn ${number} is left out: it ${reason}`);
    else playable.turns.push(readPlayableTurn(own, number, known));
  }
  if (playable.turns.length > 0) return playable;
  const reasons = playable.leftOut.map((each) => `; ${each}`).join("");
  throw new RequestError("usage", `no turn can be repeated${reasons}`);
}

function reasonToLeaveOut({ end }: TurnRecord): string | undefined {
  if (!end) return "has not ended";
  if (end.type === "turn_error") return `failed: ${end.error.message}`;
  if (end.stopReason === "cancelled") return "was cancelled";
  return end.stopReason === "budget" ? "was ended by a limit" : undefined;
}

function readPlayableTurn(events: readonly StoredEvent[], number: number, known: FindTool): PlayableTurn {
  const turn = readTurn(events);
  const refuse = (what: string) => new RequestError("usage", `turn ${number} ${what}`);
  if (turn.history.length > 0 || turn.userContent.length === 0)
    throw refuse("has a history that its caller sent, which a session cannot repeat");
  const hops = validHops(turn).map((hop) => ({
    answer: hop.answer,
    calls: hop.calls.map(({ call, sent, question, answer, result }): PlayableCall => {
      if (call.name.startsWith("host__"))
        throw refuse(
          `called ${call.name}, a tool of the host itself. Write the prompts into a session and record it: run FILE --record`,
        );
      if (!result) throw refuse(`called ${call.name} without a result`);
      const { server, tool } = approvedTool(question?.question) ?? known(call.name) ?? namedTool(call.name);
      const approval = answer && approvalIn(answer.value);
      const isInvented = !sent && textOf(result.content).startsWith("there is no tool ");
      // A session repeats the answer with the changed arguments, and the host adds its note again.
      const sentResult = { ...result, content: withoutNote(result.content, approval?.arguments) };
      return {
        call,
        server,
        tool,
        isSent: sent,
        isInvented,
        ...(approval && { approval }),
        result: sentResult,
        asks: [],
      };
    }),
  }));
  for (const { event, call } of elicitations(events, hops)) {
    if (!call) throw refuse("contains a question that a server asked outside of a call");
    call.asks.push(event);
  }
  const questions = answeredQuestions(events);
  if (questions.some(({ question }) => question.kind === "sampling"))
    throw refuse("contains answers of the model to a server (sampling), which the log does not have");
  const stopReason = turn.end?.type === "turn_end" ? turn.end.stopReason : "end_turn";
  const isCompacted = events.some(({ type }) => type === "compaction");
  const { answerSchema } = events.find((event) => event.type === "user_message") ?? {};
  const form = answerSchema && { answerSchema };
  return { number, content: turn.userContent, hops, questions, stopReason, isCompacted, events, ...form };
}

function approvedTool(question: Question | undefined): { server: string; tool: string } | undefined {
  return question?.kind === "approval" ? question : undefined;
}

/** Splits a name into server and tool. A name that the model invented may contain no server; in this case, `server` is empty. */
function namedTool(name: string): { server: string; tool: string } {
  const [server = "", ...rest] = name.split("__");
  return rest.length > 0 ? { server, tool: rest.join("__") } : { server: "", tool: name };
}

/**
 * Yields each question of a server, together with the call during which the server asked the question: a call to the same server that had
 * already been sent and had no result yet. `call` is undefined if there is no such call.
 */
function* elicitations(
  events: readonly StoredEvent[],
  hops: PlayableTurn["hops"],
): Generator<{ event: Elicitation; call: PlayableCall | undefined }> {
  let calls: PlayableCall[] = [];
  const running = new Set<string>();
  for (const event of events) {
    if (event.type === "assistant_message") {
      calls = hops.find(({ answer }) => answer.seq === event.seq)?.calls ?? [];
      running.clear();
    }
    if (event.type === "tool_sent") running.add(event.callId);
    if (event.type === "tool_result") running.delete(event.callId);
    if (event.type !== "question" || event.question.kind !== "elicitation") continue;
    const { server } = event.question;
    const call = calls.find((each) => each.server === server && running.has(each.call.id));
    yield { event: event.question, call };
  }
}

function answeredQuestions(events: readonly StoredEvent[]): PlayableTurn["questions"] {
  const answers = new Map(
    events.flatMap((event) =>
      event.type === "answer" && !event.withdrawn ? [[event.questionId, event.value] as const] : [],
    ),
  );
  return events.flatMap((event) => {
    if (event.type !== "question" || !answers.has(event.questionId)) return [];
    return [{ question: event.question, value: answers.get(event.questionId) }];
  });
}
