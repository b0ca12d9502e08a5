import type { ContentPart } from "../core/chat.js";
import type { ToolHub } from "../core/ports.js";
import type { LiveTurn } from "../session/live-turn.js";
import type { Session } from "../session/session.js";
import { whenSettled } from "./host-answers.js";
import type { ClientMessage } from "./incoming.js";
import type { ServerRequests } from "./server-requests.js";

/** Turns started with a client's text or with a server's prompt, which must be fetched first. */
export class PromptTurns {
  readonly #hub: ToolHub;
  readonly #asked: ServerRequests;
  /** The last start in a conversation that is still waiting; later messages there start after it. */
  readonly #pending = new Map<Session, Promise<void>>();

  constructor(hub: ToolHub, asked: ServerRequests) {
    this.#hub = hub;
    this.#asked = asked;
  }

  /**
   * Calls `submit` with the content. Does so synchronously when there is nothing to wait for, so that a cancel right after finds the turn.
   * Rejects with McpError, RequestError `cancelled`, and as `submit` does.
   */
  begin(
    message: ClientMessage<"chat" | "apply_prompt">,
    session: Session,
    submit: (content: ContentPart[]) => Promise<LiveTurn>,
  ): Promise<LiveTurn> {
    const { requestId, action, interrupt } = message;
    if (interrupt) this.#asked.cancel((asked) => asked.session === session);
    const said: ContentPart[] = action === "chat" ? [{ type: "text", text: message.text }] : [];
    const earlier = this.#pending.get(session);
    if (action === "chat" && !earlier) return submit(said);
    const fetched = this.#asked.run({ requestId, session }, async (signal) => {
      await earlier;
      signal.throwIfAborted();
      return action === "chat" ? said : this.#fetch(message, session, signal);
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

  /** Reuses the logged content of a known request: the server's prompt may have changed. */
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
