import type { App } from "../../../src/index.js";

export interface Prompt {
  conversationId: string;
  requestId: string;
  text: string;
  /** The answer to a question of the turn. */
  answer?: boolean;
  /** Cancels the turn when it resolves. */
  cancelAt?: Promise<void>;
}

/** An ability of a door that a scenario may need, beyond a prompt and its answer. */
export type Ability = "ask" | "name requests" | "show history";

export interface Door {
  name: string;
  /** Abilities that the door does not have, with the reason. The scenarios say which events are stored then. */
  cannot?: Partial<Record<Ability, string>>;
  /** True if each request says whether it is streamed; otherwise the configuration decides. */
  streamsByRequest: boolean;
  open(app: App, streaming: boolean): Promise<OpenDoor>;
}

export interface OpenDoor extends AsyncDisposable {
  /** Resolves when this door has shown the end of the turn, or has refused it. Any number of calls may run at once. */
  prompt(prompt: Prompt): Promise<void>;
  /** Returns the conversation so far, in the words and the order in which this door shows it. */
  history?(conversationId: string): Promise<string>;
  /** Returns the id of a conversation, for doors whose client cannot choose it. */
  idOf?(conversationId: string): Promise<string>;
}

/** Waits for the turn to settle. Some doors reject if a turn fails or is refused; the log then has the outcome. */
export async function settled(turn: Promise<unknown>): Promise<void> {
  await Promise.allSettled([turn]);
}

/** Returns a map that makes each value only once, when its key is first requested. */
export function once<Value>(make: (key: string) => Value): Map<string, Value> & { of(key: string): Value } {
  const made = new Map<string, Value>();
  const of = (key: string) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
  return Object.assign(made, { of });
}
