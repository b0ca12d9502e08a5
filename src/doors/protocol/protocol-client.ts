import { errorInfo, RequestError } from "../../core/errors.js";
import type { ContentPart } from "../../core/messages.js";
import type { DoorParts } from "../shared/door.js";
import { requireSeen } from "../shared/seen-event.js";
import { readSentContent } from "../shared/sent-content.js";
import { Backlog, Slots } from "./back-pressure.js";
import type { WireChunk } from "./chunks.js";
import { ClientSessions } from "./client-sessions.js";
import { Followings } from "./followings.js";
import { HostAnswers } from "./host-answers.js";
import { type ClientMessage, parseMessage } from "./incoming.js";
import { PromptTurns } from "./prompt-turns.js";
import { errorMessage, historyMessages, type WireMessage } from "./protocol.js";
import { ServerRequests, type ShownRequest } from "./server-requests.js";
import { ShownTurns } from "./shown-turns.js";

/** Sends a message. Resolves when the client can take the next message. */
type Send = (message: WireMessage) => Promise<void>;

/** Maximum number of unread messages and unanswered requests of one client. At this number, nothing more is read from the client. */
const mostOwed = 1000;

/** Maximum number of histories that are sent concurrently. A page of each history stays in memory until the client has read it. */
const mostHistories = 1;

type TurnMessage = ClientMessage<"chat" | "apply_prompt">;

/**
 * One client of the message protocol, over any transport. The client's turns start at once, and messages of different turns interleave. If
 * an answer of the model breaks off, a `discard` message is sent and the answer starts again. `turn_end` has the whole text, for clients
 * that ignore the chunks.
 */
export class ProtocolClient {
  readonly #parts: DoorParts;
  readonly #send: Send;
  readonly #backlog = new Backlog(mostOwed);
  readonly #histories = new Slots(mostHistories);
  readonly #asked = new ServerRequests();
  readonly #host: HostAnswers;
  readonly #prompts: PromptTurns;
  readonly #shown: ShownTurns;
  readonly #sessions: ClientSessions;
  readonly #followings: Followings;
  readonly #work = new Set<Promise<void>>();
  /** Settles when all `answer` messages so far were accepted or refused. */
  #answered: Promise<unknown> = Promise.resolve();

  constructor(parts: DoorParts, send: Send) {
    this.#parts = parts;
    this.#send = send;
    this.#sessions = new ClientSessions(parts.sessions);
    this.#host = new HostAnswers(parts.hub, this.#asked);
    this.#followings = new Followings(parts.sessions, send);
    this.#prompts = new PromptTurns(parts.hub, this.#asked);
    this.#shown = new ShownTurns(async (message) => {
      const paid = this.#backlog.owe();
      await send(message).finally(paid);
    });
  }

  /** Handles one line or frame. Messages take effect in the order in which `receive` is called. */
  receive(line: string): void {
    const message = parseMessage(line);
    if ("problem" in message) this.reject(message.problem, message.requestId);
    else {
      const paid = this.#backlog.owe();
      this.#track(this.#act(message, paid), paid, message);
    }
  }

  reject(problem: string, requestId: string | null = null): void {
    const hint = "send one JSON object with an action and a request_id";
    const error = { kind: "bad_message", message: problem, retryable: false, hint };
    this.#track(this.#send(errorMessage(requestId, error)), this.#backlog.owe());
  }

  /**
   * True if the next message may be read from the client. While the client does not read the messages that are sent to it, no message is
   * read from it, because more answers would fill the memory.
   */
  get hasRoom(): boolean {
    return this.#backlog.hasRoom;
  }

  room(): Promise<void> {
    return this.#backlog.room();
  }

  /** Answers every question with no, because the client will send nothing more. Resolves when all messages of every turn were sent. */
  async leave(): Promise<void> {
    this.endFollowings();
    await this.#answered;
    this.#shown.leaveUnattended();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** Stops sending events of followed conversations. Called when the client has disconnected. */
  endFollowings(): void {
    this.#followings.end();
    this.#sessions.leave();
  }

  cancelAll(): void {
    this.endFollowings();
    this.#asked.cancel(() => true);
    this.#sessions.cancelAll();
  }

  #track(work: Promise<void>, paid: () => void, message?: ClientMessage): void {
    const action = message?.action === "chat" || message?.action === "apply_prompt" ? undefined : message?.action;
    const settled = work
      .catch((error: unknown) => this.#send(errorMessage(message?.requestId ?? null, errorInfo(error), action)))
      .finally(() => {
        paid();
        this.#work.delete(settled);
      });
    this.#work.add(settled);
  }

  async #act(message: ClientMessage, paid: () => void): Promise<void> {
    switch (message.action) {
      case "chat":
      case "apply_prompt":
        return this.#turn(message, paid);
      case "answer":
        return this.#answer(message);
      case "cancel":
        return this.#cancel(message);
      case "clear_session":
        return this.#clear(message);
      case "history":
        return this.#history(message);
      case "watch_sessions":
        return this.#followings.watchSessions(message.requestId);
      case "list_servers":
      case "list_tools":
      case "list_prompts":
      case "list_resources":
        return this.#host.list(message, (chunk) => this.#complete(message, chunk));
      case "complete":
      case "read_resource":
        return this.#host.ask(message, (chunk) => this.#complete(message, chunk));
      case "ping":
        return this.#complete(message, { type: "pong", data: null });
    }
  }

  async #turn(message: TurnMessage, begun: () => void): Promise<void> {
    const { requestId, conversationId, streaming, model, interrupt, temperature, effort, system } = message;
    const answering = this.#parts.resolveModel(model);
    const typed = message.action === "chat" ? typedContent(message, answering) : [];
    const session = this.#sessions.of(conversationId);
    const options = { temperature, effort, system, deny: message.withoutTools };
    const shown = { streamRecovery: "restart" as const, isTitled: true };
    const wanted = { requestId, streaming, model, interrupt, ...shown, ...options };
    const submit = (content: ContentPart[]) => session.submit({ ...wanted, content });
    const turn = await this.#prompts.begin(message, session, { typed, submit });
    await this.#shown.show({ turn, session, requestId, model: answering, begun });
  }

  async #answer(message: ClientMessage<"answer">): Promise<void> {
    const { conversationId, questionId, value } = message;
    const answered = this.#sessions.answer(conversationId, questionId, value);
    this.#answered = Promise.allSettled([this.#answered, answered]);
    try {
      if (!(await answered)) await this.#refuse(message, `no question "${questionId}" is open`);
    } catch (error) {
      if (!(error instanceof RequestError && error.kind === "usage")) throw error;
      await this.#refuse(message, error.message, error.hint);
    }
  }

  async #cancel(message: ClientMessage<"cancel">): Promise<void> {
    const { requestId, conversationId } = message;
    const isThere = ({ session }: ShownRequest) => !conversationId || !session || session.id === conversationId;
    if (this.#followings.cancel(requestId)) return;
    if (this.#asked.cancel((asked) => asked.requestId === requestId && isThere(asked))) return;
    if (await this.#sessions.cancel(conversationId, requestId)) return;
    await this.#refuse(message, `no turn of request "${requestId}" is running`);
  }

  #clear(message: ClientMessage<"clear_session">): Promise<void> {
    const session = this.#sessions.startAnew(message.conversationId);
    if (!session) {
      const problem = `conversation "${message.conversationId}" cannot be cleared: clear_session is only for messages that name no conversation`;
      return this.#refuse(
        message,
        problem,
        "leave conversation_id out, or send the next messages with a conversation_id of your own",
      );
    }
    const metadata = { new_conversation_id: session.id };
    return this.#complete(message, { type: "session_cleared", data: null, metadata });
  }

  async #history(message: ClientMessage<"history">): Promise<void> {
    const { requestId = null, conversationId = this.#sessions.own.id, from, follow, seen } = message;
    const send = async () => {
      await requireSeen(this.#parts.sessions, conversationId, seen);
      let last = from - 1;
      const pages = this.#parts.sessions.pages(conversationId, from);
      for await (const messages of historyMessages(pages, { requestId, conversationId, from })) {
        for (const each of messages) await this.#send(each);
        last = messages.at(-1)?.seq ?? last;
      }
      return last + 1;
    };
    const sent = () => this.#histories.run(send);
    if (follow) await this.#followings.follow({ requestId, conversationId }, sent);
    else await sent();
  }

  #complete({ requestId }: ClientMessage, chunk: WireChunk): Promise<void> {
    return this.#send({ request_id: requestId ?? null, status: "complete", chunk });
  }

  #refuse(
    { requestId, action }: ClientMessage<"answer" | "cancel" | "clear_session">,
    message: string,
    mistake?: string,
  ): Promise<void> {
    const hint = mistake ?? "it may have ended; see the turn's messages";
    const error = { kind: mistake ? "bad_message" : "nothing_to_do", message, retryable: false, hint };
    return this.#send(errorMessage(requestId, error, action));
  }
}

/** Returns the content of a message that a person has written. Throws RequestError if the model does not take a part of it. */
function typedContent(
  { text = "", content }: ClientMessage<"chat">,
  model: ReturnType<DoorParts["resolveModel"]>,
): ContentPart[] {
  return content ? readSentContent(content, model) : [{ type: "text", text }];
}
