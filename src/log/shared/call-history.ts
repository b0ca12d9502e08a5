/**
 * Parts of the event log that store the histories of single API calls. Callers that keep the history send it whole with every call, so
 * each call repeats the messages of the call before. The log therefore stores each message once, as a row of `history_messages`, and a
 * call refers to the last message of its history. Pure functions; `sql/history-statements.ts` describes the rows.
 */
import { createHash } from "node:crypto";
import { StoreError } from "../../core/errors.js";
import type { ChatEvent, StoredEvent, UserMessageEvent } from "../../core/events.js";
import { type Message, toolMessage } from "../../core/messages.js";

/**
 * A user message as it is stored. `earlier`: number of messages that come before `history` and are stored as rows of `history_messages`.
 * Absent if there are none. Only stores know this field.
 */
type StoredUserMessage = UserMessageEvent & { earlier?: number };

/** A call whose history is stored as rows. */
export interface CallWithHistory {
  /** The call's event without the messages in `earlier`. */
  stored: StoredUserMessage;
  earlier: Message[];
  /** Hash of the call's last message, which stays in the event. */
  lastHash: Buffer;
}

/** Bytes of a message's hash. They are enough that nobody can make two messages with the same hash. */
export const hashBytes = 20;

/** Returns the hash by which equal messages are recognised. Messages are equal if their JSON texts are. */
export function messageHash(message: Message): Buffer {
  return createHash("sha256").update(JSON.stringify(message)).digest().subarray(0, hashBytes);
}

/** Splits the first event of a single API call. Undefined if the event has no message. */
export function splitCall(event: UserMessageEvent): CallWithHistory | undefined {
  const last = lastMessage(event);
  if (!last) return undefined;
  const { history = [], ...rest } = event;
  const earlier = event.content.length > 0 ? history : history.slice(0, -1);
  const own = history.slice(earlier.length);
  return {
    stored: {
      ...rest,
      ...(own.length > 0 && { history: own }),
      ...(earlier.length > 0 && { earlier: earlier.length }),
    },
    earlier,
    lastHash: messageHash(last),
  };
}

/** An event that may contain a message of a history, with its position in the log. */
export interface HistoryEvent<Position> {
  position: Position;
  event: ChatEvent;
}

/**
 * A message to store as a row. If `position` is set, the event there has those fields of the message that are null in `message`, or the
 * whole message if `message` is `{}`.
 */
export interface HistoryRow<Position> {
  message: string;
  position?: Position;
}

/**
 * Returns the rows for these messages. A message that an event contains is not stored again: `events` are those of the turn that the
 * messages follow, in order.
 */
export function historyRows<Position>(
  messages: readonly Message[],
  events: readonly HistoryEvent<Position>[],
): HistoryRow<Position>[] {
  let from = 0;
  return messages.map((message) => {
    const at = events.findIndex(({ event }, index) => index >= from && hasContentOf(messageIn(event), message));
    const found = events[at];
    if (!found || Object.values(message).includes(null)) return { message: JSON.stringify(message) };
    from = at + 1;
    if (isSame(messageIn(found.event), message)) return { message: "{}", position: found.position };
    const rest = changeFields(message, (key, value) => (isSame(fieldOf(found.event, key), value) ? null : value));
    return { message: JSON.stringify(rest), position: found.position };
  });
}

/**
 * A row as it is read: the JSON of the message, null for the last message of a call, and the JSON and the type of the event that it refers
 * to.
 */
export type ReadRow = [message: string | null, payload: string | null, type: string | null];

/** Returns the message of a row. Throws StoreError if the row is damaged. */
export function messageOfRow([message, payload, type]: ReadRow): Message {
  const event = payload === null || type === null ? undefined : typedEvent(payload, type);
  const row = message === null || message === "{}" ? undefined : (JSON.parse(message) as Message);
  if (row && event) return changeFields(row, (key, value) => (value === null ? fieldOf(event, key) : value));
  const found = row ?? (event && messageIn(event));
  if (!found) throw new StoreError("corrupt", "a message of a stored history is missing");
  return found;
}

/** Parses a stored event. Adds the type, because files store it in a column and not in the JSON. */
export function typedEvent(payload: string, type: string): ChatEvent {
  return Object.assign(JSON.parse(payload), { type });
}

/**
 * Returns the event with its whole history. `rows` is a JSON text with the rows of the earlier messages, in order. Throws StoreError if
 * rows are missing.
 */
export function withEarlier(event: StoredEvent, rows: string | null): StoredEvent {
  if (event.type !== "user_message" || !("earlier" in event)) return event;
  const { earlier, ...whole } = event;
  const messages = (JSON.parse(rows ?? "[]") as ReadRow[]).map(messageOfRow);
  if (messages.length !== earlier) throw new StoreError("corrupt", `the history of ${event.turnId} is incomplete`);
  return { ...whole, history: [...messages, ...(whole.history ?? [])] };
}

function messageIn(event: ChatEvent): Message | undefined {
  switch (event.type) {
    case "user_message":
      return lastMessage(event);
    case "assistant_message":
      return event.message;
    case "tool_result":
      return toolMessage({ id: event.callId }, event, undefined);
    default:
      return undefined;
  }
}

/** Returns the last message that the caller has sent with the event. */
function lastMessage({ content, history = [] }: UserMessageEvent): Message | undefined {
  return content.length > 0 ? { role: "user", content } : history.at(-1);
}

function fieldOf(event: ChatEvent, key: string): unknown {
  return (messageIn(event) as Record<string, unknown> | undefined)?.[key];
}

function hasContentOf(one: Message | undefined, other: Message): boolean {
  return one?.role === other.role && isSame(one.content, other.content);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function changeFields(message: Message, change: (key: string, value: unknown) => unknown): Message {
  const fields = Object.entries(message).map(([key, value]) => [key, change(key, value)]);
  return Object.fromEntries(fields) as Message;
}
