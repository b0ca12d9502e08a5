import type { App } from "../../../src/index.js";

export interface Prompt {
  conversationId: string;
  requestId: string;
  text: string;
  /** What is answered to a question of the turn. */
  answer?: boolean;
  /** The turn is cancelled when this resolves. */
  cancelAt?: Promise<void>;
}

/** What a scenario may need of a door beyond a prompt and its answer. */
export type Ability = "ask" | "name requests" | "show history";

export interface Door {
  name: string;
  /** What there is no way to do through it, and why. What is stored then is in the scenarios. */
  cannot?: Partial<Record<Ability, string>>;
  /** Each request says whether it is to be streamed; else the configuration does. */
  streamsByRequest: boolean;
  open(app: App, streaming: boolean): Promise<OpenDoor>;
}

export interface OpenDoor extends AsyncDisposable {
  /** Resolves when this door has shown the end of the turn, or refused it. Any number at once. */
  prompt(prompt: Prompt): Promise<void>;
  /** All that was said in a conversation of the log so far, in the words and the order in which this door shows it. */
  history?(conversationId: string): Promise<string>;
  /** The id of a conversation, for doors that do not let their client choose it. */
  idOf?(conversationId: string): Promise<string>;
}

/** For doors that tell their client by rejecting that a turn has failed or was refused: what became of it, the log says. */
export async function settled(turn: Promise<unknown>): Promise<void> {
  await Promise.allSettled([turn]);
}

/** What was made for a key the first time that it was asked for. */
export function once<Value>(make: (key: string) => Value): Map<string, Value> & { of(key: string): Value } {
  const made = new Map<string, Value>();
  const of = (key: string) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
  return Object.assign(made, { of });
}
