/** Facts about the types of events, for code that treats several types alike. */
import type { ChatEvent } from "./events.js";

interface EventFacts {
  /** True if the model was asked for it, so that it has the usage and the cost of requests. */
  isBilled?: true;
  /** True if from this event on the model gets none of the turns that had ended at its `upToSeq`. */
  isShortening?: true;
  /** True if it belongs to no turn, so that no other event has its `turnId`. */
  isOfNoTurn?: true;
  /** True if a message cannot continue an event before it. */
  isMark?: true;
}

const facts = {
  user_message: {},
  assistant_message: { isBilled: true },
  tool_call: {},
  tool_sent: {},
  tool_result: {},
  question: {},
  answer: {},
  compaction: { isBilled: true, isShortening: true },
  trim: { isShortening: true },
  state_lost: {},
  catalogue: {},
  turn_end: {},
  turn_error: {},
  fork: { isOfNoTurn: true, isMark: true },
  rewind: { isOfNoTurn: true, isMark: true },
  title: { isBilled: true, isOfNoTurn: true },
} as const satisfies Record<ChatEvent["type"], EventFacts>;

type TypesWith<Fact extends keyof EventFacts> = {
  [Type in ChatEvent["type"]]: (typeof facts)[Type] extends Record<Fact, true> ? Type : never;
}[ChatEvent["type"]];

/** Returns the types of events of which this fact is true. */
export function eventTypes<Fact extends keyof EventFacts>(fact: Fact): TypesWith<Fact>[] {
  return Object.entries(facts).flatMap(([type, known]) => (fact in known ? [type as TypesWith<Fact>] : []));
}

const billed = new Set<string>(eventTypes("isBilled"));
const shortening = new Set<string>(eventTypes("isShortening"));
const ofNoTurn = new Set<string>(eventTypes("isOfNoTurn"));

type With<Event, Fact extends keyof EventFacts> = Extract<Event, { type: TypesWith<Fact> }>;

export function isBilled<Event extends { type: string }>(event: Event): event is With<Event, "isBilled"> {
  return billed.has(event.type);
}

export function isShortening<Event extends { type: string }>(event: Event): event is With<Event, "isShortening"> {
  return shortening.has(event.type);
}

export function isOfNoTurn<Event extends { type: string }>(event: Event): event is With<Event, "isOfNoTurn"> {
  return ofNoTurn.has(event.type);
}
