import { type EventOf, isTurnEnd, type StartedCall, type StoredEvent } from "../../core/events.js";
import { addAll, groupBy } from "../../core/lists/long-lists.js";
import { type ContentPart, formInstruction, type JsonSchema, type Message } from "../../core/messages.js";
import { withoutRewound } from "./rewind.js";

/** One answer of the model, with the calls that it contains, in order. */
export interface HopRecord {
  answer: EventOf<"assistant_message">;
  calls: StartedCall[];
}

export interface TurnRecord {
  turnId: string;
  /** Earlier messages of the conversation that the caller sent with the request. */
  history: Message[];
  userContent: ContentPart[];
  /**
   * Set if the request has brought nothing new: after a failed answer to results of the caller's tools, the caller has sent only these results
   * again.
   */
  isSameAgain?: true;
  /** Texts that the host adds for the model after the user's content, in the order in which they were first sent. */
  notes: ContentPart[];
  hops: HopRecord[];
  /** Set if older turns were summarised or left out during this turn. */
  isShortened?: true;
  /** The event that ended the turn. Undefined while the turn runs, even if an earlier attempt failed. */
  end?: EventOf<"turn_end"> | EventOf<"turn_error">;
}

/**
 * Returns the turns of a conversation in the order in which they ended. Turns that have not ended come last. So the position of a retried
 * turn is that of its final answer. `currentTurnId` is a turn that is about to continue; it comes after all others.
 */
export function readTurns(events: readonly StoredEvent[], currentTurnId?: string): TurnRecord[] {
  const position = ({ turnId, end }: TurnRecord) =>
    turnId === currentTurnId ? Number.MAX_VALUE : (end?.seq ?? Number.MAX_SAFE_INTEGER);
  return recordsOf(withoutRewound(events, currentTurnId)).sort((a, b) => position(a) - position(b));
}

/** Returns the turns of these events. The result is cached and stays valid until events are added to the array. */
function recordsOf(events: readonly StoredEvent[]): TurnRecord[] {
  const known = records.get(events);
  if (known?.length === events.length) return [...known.turns];
  const turns = grouped(events).map(turnOf);
  records.set(events, { length: events.length, turns });
  return [...turns];
}

const records = new WeakMap<readonly StoredEvent[], { length: number; turns: readonly TurnRecord[] }>();

/** Returns the events of each turn that is part of the conversation. Turns are sorted by their beginnings. */
export function eventsByTurn(events: readonly StoredEvent[]): StoredEvent[][] {
  return grouped(withoutRewound(events));
}

function grouped(events: readonly StoredEvent[]): StoredEvent[][] {
  return [...groupBy(events, ({ turnId }) => turnId).values()];
}

/**
 * Returns `readTurn(events)`. For a turn that has ended for good, the result is cached with the turn's last event as key, because this
 * event stays the same object.
 */
function turnOf(events: readonly StoredEvent[]): TurnRecord {
  const last = events.at(-1);
  if (last?.type !== "turn_end") return readTurn(events);
  const known = ended.get(last);
  if (known?.count === events.length) return known.turn;
  const turn = readTurn(events);
  ended.set(last, { turn, count: events.length });
  return turn;
}

const ended = new WeakMap<StoredEvent, { turn: TurnRecord; count: number }>();

/**
 * Builds the record of one turn from its events. Events of a call are added to the latest answer before them, because a later answer may
 * use the same call id again.
 */
export function readTurn(events: readonly StoredEvent[]): TurnRecord {
  const turn: TurnRecord = { turnId: events[0]?.turnId ?? "", history: [], userContent: [], notes: [], hops: [] };
  for (const event of events) {
    turn.end = isTurnEnd(event) ? event : undefined;
    take(turn, event);
  }
  return turn;
}

function take(turn: TurnRecord, event: StoredEvent): void {
  switch (event.type) {
    case "user_message":
      begin(turn, event);
      break;
    case "assistant_message":
      turn.hops.push(newHop(event));
      break;
    case "tool_call":
      update(turn, event.call.id, { planned: true });
      break;
    case "tool_sent":
      update(turn, event.callId, { sent: true });
      break;
    case "tool_result":
      update(turn, event.callId, { result: resultOf(event) });
      break;
    case "question":
      if (event.question.kind === "approval") {
        update(turn, event.question.call.id, { question: event, answer: undefined });
      }
      break;
    case "answer":
      answered(turn, event);
      break;
    case "catalogue":
      tell(turn, catalogueText(event.note));
      break;
    case "state_lost":
      tell(turn, stateLostText(event.servers));
      break;
    case "compaction":
    case "trim":
      turn.isShortened = true;
      break;
    case "turn_end":
    case "turn_error":
    case "rewind":
    case "fork":
    case "title":
      break;
    default:
      event satisfies never;
  }
}

function begin(turn: TurnRecord, { history = [], content, answerSchema }: EventOf<"user_message">): void {
  turn.history = history;
  addAll(turn.userContent, content);
  if (content.length === 0 && history.every(({ role }) => role === "system")) turn.isSameAgain = true;
  // The note about the schema is added only if the message has content. Without content, the request ends with the caller's tool
  // results. If text always follows tool results, a model learns to end its answer after a call and to wait for such text.
  if (answerSchema && content.length > 0) turn.notes.push({ type: "text", text: formText(answerSchema) });
}

/** Returns the content that the model gets as the user's message: the user's content, then the notes. */
export function askedContent({ userContent, notes }: TurnRecord): ContentPart[] {
  return [...userContent, ...notes];
}

/** Returns a record for the answer. An interrupted answer gets no calls, because they may be incomplete and are never run. */
function newHop(answer: EventOf<"assistant_message">): HopRecord {
  const calls = answer.interrupted ? [] : answer.message.toolCalls;
  return { answer, calls: calls.map((call) => ({ call, planned: false, sent: false })) };
}

function resultOf({ content, isError, found }: EventOf<"tool_result">): StartedCall["result"] {
  return found ? { content, isError, found } : { content, isError };
}

function answered(turn: TurnRecord, { questionId, value }: EventOf<"answer">): void {
  const record = turn.hops.at(-1)?.calls.find(({ question }) => question?.questionId === questionId);
  if (record) record.answer = { value };
}

/**
 * Adds a note for the model. It is put after the results of the last answer, because some providers accept only results between two
 * answers. If there is no answer yet, or the last one has no calls, the note is added to the user's message.
 */
function tell(turn: TurnRecord, note: string): void {
  const last = turn.hops.findLast(({ answer }) => !answer.interrupted)?.calls.at(-1);
  if (last) last.note = last.note === undefined ? note : `${last.note}\n${note}`;
  else turn.notes.push({ type: "text", text: note });
}

function formText(schema: JsonSchema): string {
  return `[Note of the host, about the answer to this message only: ${formInstruction(schema)}]`;
}

function stateLostText(servers: readonly string[]): string {
  const names = servers.map((server) => `"${server}"`).join(", ");
  return `[Note of the host: the process of the tool server ${names} ended, and a new one took its place. What it kept in memory for the calls before this note (sessions, open files, unsaved work) is gone; what it stored elsewhere is not.]`;
}

function catalogueText(changes: string): string {
  return `[Note of the host: what the tool servers say of themselves has changed since the system prompt.\n${changes}]`;
}

function update(turn: TurnRecord, callId: string, change: Partial<StartedCall>): void {
  const record = turn.hops.at(-1)?.calls.find(({ call }) => call.id === callId);
  if (record) Object.assign(record, change);
}

/** Returns the answers that count. An interrupted answer does not count if the turn has another answer after it. */
export function validHops(turn: TurnRecord): HopRecord[] {
  return turn.hops.filter(({ answer }, index) => !answer.interrupted || index === turn.hops.length - 1);
}
