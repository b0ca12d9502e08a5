/**
 * Finds earlier turns that a caller sends back in its history. The caller knows only the calls of its own tools. The caller does not know
 * the calls of the servers' tools, nor the reasoning and signatures of the answers. So the model gets the whole turn from the log.
 */
import { createHash } from "node:crypto";
import { lookUpAll } from "../../../core/async/slices.js";
import type { StoredEvent } from "../../../core/events.js";
import { groupBy } from "../../../core/lists/long-lists.js";
import type { Message } from "../../../core/messages.js";
import type { Sessions } from "../../../session/sessions.js";
import { answersOf } from "../../../session/turns/turn-answers.js";
import { requireSize } from "./input-size.js";
import { callId, type TurnKey, turnKeyOfItem } from "./turn-ids.js";

export class LoggedTurns {
  readonly #sessions: Pick<Sessions, "history">;
  /** The turns of each log, by conversation id and turn id. A call may refer to many turns of the same log, so each log is read only once. */
  readonly #logs = new Map<string, Promise<ReadonlyMap<string, readonly StoredEvent[]>>>();
  /** Ids that the model gave to calls, keyed by the ids that the caller knows. */
  readonly #modelIds = new Map<string, string>();
  readonly #resultIds = new Set<string>();

  constructor(sessions: Pick<Sessions, "history">) {
    this.#sessions = sessions;
  }

  /**
   * Ids of the stored results of all turns that were found so far. The model may read them: a caller can refer to a turn only by the turn's
   * random id. Undefined if there are none.
   */
  get resultIds(): string[] | undefined {
    return this.#resultIds.size > 0 ? [...this.#resultIds] : undefined;
  }

  /**
   * Returns the answers and results of a turn, with the ids that the caller knows. A call without a result is left out unless its id is in
   * `givenIds`. Undefined if the log does not have the turn any more. Remembers the turn for `resultIds` and `withModelIds`. Rejects with
   * StoreError.
   */
  async turn(turnKey: TurnKey, givenIds: ReadonlySet<string>): Promise<Message[] | undefined> {
    const turns = await this.#read(turnKey.conversationId);
    const events = turns.get(turnKey.turnId);
    if (!events) return undefined;
    for (const event of events)
      if (event.type === "tool_result") for (const resultId of event.resultIds ?? []) this.#resultIds.add(resultId);
    let index = 0;
    return answersOf(events).flatMap(({ message, calls }) => {
      const named = calls.map(({ call, result }) => ({ call, result, id: callId(turnKey, index++) }));
      const kept = named.filter(({ id, result }) => result || givenIds.has(id));
      if (message.content.trim() === "" && kept.length === 0) return [];
      // The model's id is sent back if reasoning is bound to it, or if it is long enough to be unique in the history.
      for (const { call, id } of kept) {
        if (message.kept || call.id.length >= uniqueLength) this.#modelIds.set(id, call.id);
      }
      const toolCalls = kept.map(({ call, id }) => ({ ...call, id }));
      const results = kept.flatMap(({ id, result }) =>
        result?.role === "tool" ? [{ ...result, toolCallId: id }] : [],
      );
      return [{ ...message, toolCalls }, ...results];
    });
  }

  /**
   * Replaces answers in a history of chat completions by the turns of the log. The turn of an answer is found by the ids of the answer's
   * calls, so an answer without calls is not replaced.
   */
  async history(messages: readonly Message[]): Promise<Message[]> {
    const read = await lookUpAll(messages, (message) => this.#answer(message));
    return requireSize(read.flat(), "messages");
  }

  /**
   * Replaces this host's call ids by the ids that the model gave. Called after all turns were read with `turn` or `history`. Reasoning is bound to
   * the model's ids, and providers recognise earlier input by these ids. If the model's id is unknown or already used, the call gets a short hash of
   * this host's id.
   */
  withModelIds(messages: readonly Message[]): Message[] {
    const chosen = new Map<string, string>();
    const taken = new Set<string>();
    const choose = (id: string) => {
      const wanted = this.#modelIds.get(id);
      const sent = wanted === undefined || taken.has(wanted) ? shortId(id) : wanted;
      chosen.set(id, sent);
      taken.add(sent);
      return sent;
    };
    return messages.map((message) => {
      if (message.role === "tool")
        return { ...message, toolCallId: chosen.get(message.toolCallId) ?? shortId(message.toolCallId) };
      if (message.role !== "assistant" || message.toolCalls.length === 0) return message;
      return { ...message, toolCalls: message.toolCalls.map((call) => ({ ...call, id: choose(call.id) })) };
    });
  }

  async #answer(message: Message): Promise<Message[]> {
    if (message.role !== "assistant") return [message];
    const ids = message.toolCalls.map(({ id }) => id);
    const turnKey = ids.every((id) => turnKeyOfItem(id)) ? turnKeyOfItem(ids[0]) : undefined;
    return (turnKey && (await this.turn(turnKey, new Set(ids)))) ?? [message];
  }

  /**
   * Reads the turns of a conversation, without the first event. The first event is not an answer, and it may hold a long history. Rejects
   * with StoreError.
   */
  #read(conversationId: string): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
    const turns = this.#logs.get(conversationId) ?? this.#sessions.history(conversationId, 2).then(byTurn);
    this.#logs.set(conversationId, turns);
    return turns;
  }
}

function byTurn(events: readonly StoredEvent[]): Map<string, StoredEvent[]> {
  return groupBy(events, ({ turnId }) => turnId);
}

/** Length from which an id of the model counts as unique to one call. Shorter ids, such as `call_1`, occur again in later answers. */
const uniqueLength = 16;

/**
 * Returns the answer from the log if that answer has calls, or if the caller's copy has the same text. Otherwise returns the answer that
 * the caller sent, since the caller may have edited it.
 */
export function loggedOrGiven(logged: Message[] | undefined, given: Message[]): Message[] {
  if (!logged) return given;
  const isUnchanged = textsOf(logged) === textsOf(given);
  return isUnchanged || logged.some((message) => message.role === "assistant" && message.toolCalls.length > 0)
    ? logged
    : given;
}

function textsOf(messages: readonly Message[]): string {
  return messages.map((message) => (message.role === "assistant" ? message.content : "")).join("");
}

/** Returns a short hash for an id of this host, since providers limit the length of an id. Returns any other id unchanged. */
function shortId(id: string): string {
  return turnKeyOfItem(id) ? `call_${createHash("sha256").update(id).digest("hex").slice(0, 24)}` : id;
}
