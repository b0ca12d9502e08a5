import type { ContentPart } from "../../core/messages.js";
import type { ToolHub } from "../../core/ports.js";
import type { Session } from "../../session/session.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { whenSettled } from "./host-answers.js";
import type { ClientMessage } from "./incoming.js";
import type { ServerRequests } from "./server-requests.js";

/** Starts turns. The content of a turn is the client's text, or a server's prompt that is fetched first. */
export class PromptTurns {
  readonly #hub: ToolHub;
  readonly #asked: ServerRequests;
  /**
   * For each conversation, the latest turn that waits to be submitted. The promise resolves when this turn no longer waits. Later turns of
   * the conversation wait for the promise.
   */
  readonly #pending = new Map<Session, Promise<void>>();

  constructor(hub: ToolHub, asked: ServerRequests) {
    this.#hub = hub;
    this.#asked = asked;
  }

  /**
   * Calls `submit` with the content: `typed`, or that of a server's prompt. If nothing has to be fetched or waited for, calls it synchronously, so that a `cancel` that follows
   * immediately finds the turn. Rejects with McpError, with RequestError `cancelled`, or with the error of `submit`.
   */
  begin(
    message: ClientMessage<"chat" | "apply_prompt">,
    session: Session,
    { typed, submit }: { typed: ContentPart[]; submit: (content: ContentPart[]) => Promise<LiveTurn> },
  ): Promise<LiveTurn> {
    const { requestId, action, interrupt } = message;
    if (interrupt) this.#asked.cancel((asked) => asked.session === session);
    const earlier = this.#pending.get(session);
    if (action === "chat" && !earlier) return submit(typed);
    const fetched = this.#asked.run({ requestId, session }, async (signal) => {
      await earlier;
      signal.throwIfAborted();
      return action === "chat" ? typed : this.#fetch(message, session, signal);
    });
    const begun = fetched.then(submit);
    const settled = begun
      .then(
        () => {},
        () => {},
      )
      .finally(() => {
        if (this.#pending.get(session) === settled) this.#pending.delete(session);
      });
    this.#pending.set(session, settled);
    return begun;
  }

  /**
   * Returns the content of a server's prompt. For a request id that is already in the log, returns the logged content, because the server's
   * prompt may have changed.
   */
  async #fetch(
    { requestId, name, arguments: values }: ClientMessage<"apply_prompt">,
    session: Session,
    signal: AbortSignal,
  ): Promise<ContentPart[]> {
    for (const event of await session.history()) {
      if (event.type === "user_message" && event.requestId === requestId) return event.content;
    }
    await whenSettled(this.#hub, signal);
    return this.#hub.applyPrompt(name, values, signal);
  }
}
