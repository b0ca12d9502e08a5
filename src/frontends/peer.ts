import { readApproval } from "../core/approval.js";
import type { Question } from "../core/chat.js";
import { errorInfo } from "../core/errors.js";
import type { LiveTurn } from "../session/live-turn.js";
import type { Session } from "../session/session.js";
import type { DoorParts } from "./door.js";
import { type ClientMessage, type HistoryMessage, parseMessage } from "./incoming.js";
import { errorMessage, historyMessages, TurnEncoder, type WireMessage } from "./protocol.js";

/** Resolves when the wire can take the next message. */
type Send = (message: WireMessage) => Promise<void>;

/**
 * One client of the message protocol, whatever the wire. Its turns run at once and their messages interleave. An answer
 * that breaks off is started again after a `discard` message; `turn_end` carries the whole text for who does not follow.
 */
export class Peer {
  readonly #parts: DoorParts;
  readonly #send: Send;
  /** Where this client has been: an answer or a cancel reaches no conversation of somebody else. */
  readonly #sessions = new Map<string, Session>();
  readonly #openQuestions = new Map<string, { session: Session; kind: Question["kind"] }>();
  /** Turns that are being sent to this client, until they have been. */
  readonly #shown = new Map<LiveTurn, Promise<void>>();
  readonly #work = new Set<Promise<void>>();
  /** The conversation of messages that name none, from the first of them on. */
  #own: Session | undefined;
  #left = false;

  constructor(parts: DoorParts, send: Send) {
    this.#parts = parts;
    this.#send = send;
  }

  /** Takes one line or frame. Messages take effect in the order of these calls. */
  receive(line: string): void {
    const message = parseMessage(line);
    if ("problem" in message) this.reject(message.problem, message.requestId);
    else this.#track(this.#act(message), message.requestId);
  }

  reject(problem: string, requestId: string | null = null): void {
    const hint = "send one JSON object with an action and a request_id";
    const error = { kind: "bad_message", message: problem, retryable: false, hint };
    this.#track(this.#send(errorMessage(requestId, error)));
  }

  /** No more messages will come, so nobody will answer: questions are denied. Resolves when every turn has been sent. */
  async leave(): Promise<void> {
    this.#left = true;
    for (const [questionId, { session }] of this.#openQuestions) session.answer(questionId, false);
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  cancelAll(): void {
    for (const session of this.#sessions.values()) session.cancel();
  }

  get #current(): Session {
    this.#own ??= this.#open();
    return this.#own;
  }

  #open(conversationId?: string): Session {
    const session = this.#parts.sessions.open(conversationId);
    this.#sessions.set(session.id, session);
    return session;
  }

  #track(work: Promise<void>, requestId: string | null = null): void {
    const settled = work
      .catch((error: unknown) => this.#send(errorMessage(requestId, errorInfo(error))))
      .finally(() => this.#work.delete(settled));
    this.#work.add(settled);
  }

  async #act(message: ClientMessage | HistoryMessage): Promise<void> {
    switch (message.action) {
      case "chat":
        return this.#chat(message);
      case "answer": {
        const problem = this.#answerProblem(message);
        if (problem) return this.#refuse(message, problem, "the question is still open; answer it again");
        if (this.#reached(message, (session) => session.answer(message.questionId, message.value))) return;
        return this.#refuse(message, `no question "${message.questionId}" is open`);
      }
      case "cancel":
        if (this.#reached(message, (session) => session.cancel(message.requestId))) return;
        return this.#refuse(message, `no turn of request "${message.requestId}" is running`);
      case "clear_session":
        return this.#clear(message);
      case "history":
        return this.#history(message);
      case "ping":
        return this.#send({ request_id: message.requestId, status: "complete", chunk: { type: "pong", data: null } });
    }
  }

  async #chat(message: Extract<ClientMessage, { action: "chat" }>): Promise<void> {
    const { requestId, text, streaming, interrupt } = message;
    const model = this.#parts.resolveModel(message.model);
    const session = message.conversationId === undefined ? this.#current : this.#open(message.conversationId);
    const turn = await session.submit({
      requestId,
      text,
      streaming,
      interrupt,
      streamRecovery: "restart",
      model: message.model,
    });
    const earlier = this.#shown.get(turn);
    const encoder = new TurnEncoder({
      requestId,
      conversationId: session.id,
      turnId: turn.turnId,
      cached: turn.cached || earlier !== undefined,
      model,
    });
    // The client would take two interleaved copies of one turn for one garbled answer.
    const showing = (earlier ?? Promise.resolve()).then(() => this.#show(turn, session, encoder));
    this.#shown.set(turn, showing);
    try {
      await showing;
    } finally {
      if (this.#shown.get(turn) === showing) this.#shown.delete(turn);
    }
  }

  async #show(turn: LiveTurn, session: Session, encoder: TurnEncoder): Promise<void> {
    await this.#send(encoder.start());
    for await (const event of turn.watch()) {
      if (event.type === "question") {
        this.#openQuestions.set(event.questionId, { session, kind: event.question.kind });
        if (this.#left) session.answer(event.questionId, false);
      }
      if (event.type === "answer") this.#openQuestions.delete(event.questionId);
      for (const message of encoder.encode(event)) await this.#send(message);
    }
  }

  /** Without a conversation id, or for the current one, the new conversation becomes the current one. */
  #clear({ requestId, conversationId }: ClientMessage): Promise<void> {
    const session = this.#open();
    if (conversationId === undefined || conversationId === this.#own?.id) this.#own = session;
    const chunk = { type: "session_cleared", data: null, metadata: { new_conversation_id: session.id } };
    return this.#send({ request_id: requestId, status: "complete", chunk });
  }

  async #history({ requestId, conversationId, from }: HistoryMessage): Promise<void> {
    const session = conversationId === undefined ? this.#current : this.#parts.sessions.open(conversationId);
    const events = await session.history(from);
    for (const message of historyMessages(events, { requestId: requestId ?? null, conversationId: session.id, from })) {
      await this.#send(message);
    }
  }

  /** Tries the named conversation, or the current one and then the others of this client. */
  #reached({ conversationId }: ClientMessage, act: (session: Session) => boolean): boolean {
    if (conversationId === undefined) return act(this.#current) || [...this.#sessions.values()].some(act);
    const session = this.#sessions.get(conversationId);
    return session !== undefined && act(session);
  }

  /** Nothing that is meant for an approval is taken for a plain no. */
  #answerProblem({ questionId, value }: Extract<ClientMessage, { action: "answer" }>): string | undefined {
    if (this.#openQuestions.get(questionId)?.kind !== "approval") return undefined;
    const approval = readApproval(value);
    return "problem" in approval ? `"payload.value": ${approval.problem}` : undefined;
  }

  #refuse({ requestId, action }: ClientMessage, message: string, mistake?: string): Promise<void> {
    const hint = mistake ?? "it may have ended; the turn's messages say so";
    const error = { kind: mistake ? "bad_message" : "nothing_to_do", message, retryable: false, hint };
    return this.#send(errorMessage(requestId, error, action));
  }
}
