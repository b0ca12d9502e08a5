import type { Session } from "../../session/session.js";
import type { Sessions } from "../../session/sessions.js";

export interface NamedConversation {
  name: string;
  session: Session;
  /**
   * Returns a new request id, by which the host recognises a repeated request. The sequence of ids is the same in every run of the script.
   */
  nextRequestId(): string;
}

/** The named conversations of a script, in the order in which they began. */
export class ScriptConversations {
  readonly #sessions: Sessions;
  readonly #named = new Map<string, NamedConversation>();

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** Returns the conversation with this name. Begins a new one if there is none. */
  open(name: string): NamedConversation {
    const known = this.#named.get(name);
    if (known) return known;
    let requests = 0;
    const nextRequestId = () => `${name}-${++requests}`;
    const conversation = { name, session: this.#sessions.open(), nextRequestId };
    this.#named.set(name, conversation);
    return conversation;
  }

  /** Begins a new conversation with the next free name: `NAME/1`, `NAME/2`, …. */
  branch({ name }: NamedConversation): NamedConversation {
    let number = 1;
    while (this.#named.has(`${name}/${number}`)) number++;
    return this.open(`${name}/${number}`);
  }

  all(): readonly NamedConversation[] {
    return [...this.#named.values()];
  }
}
