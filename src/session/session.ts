import { isDeepStrictEqual } from "node:util";
import type { ChatEvent, ContentPart, LiveEvent, StoredEvent, TurnEvent } from "../core/chat.js";
import type { StreamRecovery } from "../core/config.js";
import { errorInfo, RequestError } from "../core/errors.js";
import type { NewId } from "../core/ids.js";
import type { ChatStore, ToolHub } from "../core/ports.js";
import { toMessages, trimTurns } from "../history/replay.js";
import { type Orchestrator, TimeLimitReached } from "../orchestrator/orchestrator.js";
import { LiveTurn } from "./live-turn.js";
import { Questions } from "./questions.js";

/** How a turn runs unless its request says otherwise. */
interface TurnDefaults {
  systemPrompt: string;
  streaming: boolean;
  maxToolHops: number;
  approval: "ask" | "auto";
  changedTools: "ask" | "allow";
}

export interface SessionParts {
  store: ChatStore;
  hub: ToolHub;
  orchestrator: Orchestrator;
  newId: NewId;
  defaults: TurnDefaults;
}

export interface PromptRequest {
  /** The caller's idempotency key within the conversation. */
  requestId: string;
  text?: string;
  /** Instead of `text`, for images, audio and resources. */
  content?: ContentPart[];
  streaming?: boolean;
  /** `restart`: the watcher can void what it has shown, at a `discard` event. Default: `fail`. */
  streamRecovery?: StreamRecovery;
  /** `model` of the active provider, or `provider/model`. */
  model?: string;
  system?: string;
  maxToolHops?: number;
  approval?: "ask" | "auto";
  /** Patterns of tools that need no approval, and of tools that the model must not see. */
  allow?: readonly string[];
  deny?: readonly string[];
  /** Wall time of the whole turn; at its end the turn stops as `budget`. */
  timeoutMs?: number;
}

/** The share of the model's window that history may fill; the rest is for the system prompt, tools and the answer. */
const historyShare = 0.75;
/** Node's longest timer, 24.8 days: a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** A conversation with a person or program behind it. Its turns run one after another, in the order of their requests. */
export class Session {
  readonly #parts: SessionParts;
  readonly #questions = new Questions();
  readonly #turns = new Map<string, LiveTurn>();
  /** Patterns that the user allowed for the rest of this session. */
  readonly #remembered: string[] = [];
  #previous: Promise<void> = Promise.resolve();
  #running: LiveTurn | undefined;

  constructor(
    readonly id: string,
    parts: SessionParts,
  ) {
    this.#parts = parts;
  }

  /** Runs a turn and shows it; see `submit`. Leaving the loop does not cancel the turn: `cancel` does. */
  async *prompt(request: PromptRequest): AsyncGenerator<TurnEvent> {
    yield* (await this.submit(request)).watch();
  }

  /**
   * Resolves once the request is in the log. A request id is answered once: while its turn runs, a repetition gets the same
   * turn from its start; afterwards the stored events. Only a turn that failed with a retryable error goes on.
   * Throws RequestError for another text under a known id, StoreError when the log cannot be read or written.
   */
  async submit(request: PromptRequest): Promise<LiveTurn> {
    const content = request.content ?? [{ type: "text" as const, text: request.text ?? "" }];
    const running = this.#turns.get(request.requestId);
    if (running) {
      requireSameContent(request.requestId, running.content, content);
      return running;
    }
    const turn = new LiveTurn(request.requestId, content);
    this.#turns.set(request.requestId, turn);
    try {
      await this.#claim(turn);
    } catch (error) {
      this.#turns.delete(request.requestId);
      turn.end({ error });
      throw error;
    }
    if (turn.cached) this.#finish(turn);
    else this.#previous = this.#previous.then(() => this.#run(turn, request));
    return turn;
  }

  /** False when no such question is open. `{"allow": true, "remember": …}` also allows the tool's later calls. */
  answer(questionId: string, value: unknown): boolean {
    return this.#questions.answer(questionId, value);
  }

  /** Cancels one request's turn, or all. False when there was nothing to cancel. */
  cancel(requestId?: string): boolean {
    const turns = [...this.#turns.values()].filter((turn) => requestId === undefined || turn.requestId === requestId);
    for (const turn of turns) turn.cancel();
    return turns.length > 0;
  }

  /** Shows whoever watches the running turn what happens beside it. Without a turn nobody is told. */
  tell(event: LiveEvent): void {
    this.#running?.publish(event);
  }

  /** Stored events with `seq >= from`. */
  history(from?: number): Promise<StoredEvent[]> {
    return this.#parts.store.read(this.id, from);
  }

  /** Resolves when no turn runs any more. */
  async idle(): Promise<void> {
    await this.#previous;
  }

  /** Puts the request into the log, or finds it there. */
  async #claim(turn: LiveTurn): Promise<void> {
    const { requestId, content } = turn;
    const turnId = this.#parts.newId("turn");
    const message = { type: "user_message" as const, turnId, requestId, content: [...content] };
    const { created, events } = await this.#parts.store.claim(this.id, message);
    const first = events[0];
    if (!created && first?.type === "user_message") requireSameContent(requestId, first.content, content);
    turn.turnId = first?.turnId ?? turnId;
    turn.cached = !created && isAnswered(events);
    for (const event of turn.cached ? events : events.filter(stillHolds)) turn.publish(event);
  }

  async #run(turn: LiveTurn, request: PromptRequest): Promise<void> {
    const { timeoutMs } = request;
    const limit = timeoutMs
      ? setTimeout(
          () => turn.cancel(new TimeLimitReached(`the turn's ${timeoutMs} ms are used up`)),
          Math.min(timeoutMs, longestTimerMs),
        )
      : undefined;
    this.#running = turn;
    try {
      for await (const event of this.#steps(turn, request)) {
        if (event.type === "question") this.#questions.open(event.questionId, turn.signal);
        const shown = isStored(event) ? await this.#parts.store.append(this.id, event) : event;
        if (isEnd(event)) this.#running = undefined; // nothing comes after it
        turn.publish(shown);
      }
      this.#finish(turn);
    } catch (error) {
      turn.cancel(); // what its tools still do could not be logged any more
      this.#finish(turn, { error });
    } finally {
      this.#running = undefined;
      clearTimeout(limit);
    }
  }

  async *#steps(turn: LiveTurn, request: PromptRequest): AsyncGenerator<ChatEvent | LiveEvent> {
    const { hub, orchestrator, store, defaults } = this.#parts;
    const turnId = turn.turnId ?? "";
    try {
      await hub.settled(turn.signal);
    } catch (error) {
      if (!turn.signal.aborted) {
        yield { type: "turn_error", turnId, error: errorInfo(error) };
        return;
      }
      // Cancelled: `runTurn` sends nothing then, and knows how such a turn ends.
    }
    const waiting = new Set([...this.#turns.values()].filter((other) => other !== turn).map((other) => other.turnId));
    const log = (await store.read(this.id)).filter((event) => !waiting.has(event.turnId));
    const budget = Math.floor(orchestrator.contextWindow(request.model) * historyShare);
    const events = orchestrator.runTurn(trimTurns(toMessages(log, turnId), budget), {
      turnId,
      system: [request.system ?? defaults.systemPrompt, hub.catalogue()].filter(Boolean).join("\n\n"),
      model: request.model,
      streaming: request.streaming ?? defaults.streaming,
      streamRecovery: request.streamRecovery,
      maxToolHops: request.maxToolHops ?? defaults.maxToolHops,
      rules: {
        approval: request.approval ?? defaults.approval,
        allow: request.allow ?? [],
        deny: request.deny ?? [],
        remembered: this.#remembered,
        changedTools: defaults.changedTools,
      },
      signal: turn.signal,
      answer: async (question) => {
        const value = await this.#questions.wait(question.questionId, turn.signal);
        const asked = question.question;
        // A tool that calls itself `*` would be remembered as a pattern for all.
        if (asked.kind === "approval" && isRemembered(value) && !asked.tool.includes("*")) {
          this.#remembered.push(`${asked.server}__${asked.tool}`);
        }
        return value;
      },
    });
    yield* events;
  }

  #finish(turn: LiveTurn, failure?: { error: unknown }): void {
    this.#turns.delete(turn.requestId);
    turn.end(failure);
  }
}

function requireSameContent(requestId: string, known: readonly ContentPart[], sent: readonly ContentPart[]): void {
  if (isDeepStrictEqual(asStored(known), asStored(sent))) return;
  throw new RequestError("request_mismatch", `request id "${requestId}" was already used with another text`, {
    hint: "send a new request_id for a new message",
  });
}

/** What JSON cannot carry is no difference. */
function asStored(content: readonly ContentPart[]): unknown {
  return JSON.parse(JSON.stringify(content));
}

/** A turn is over when it ended, or failed in a way that a repetition would not mend. */
function isAnswered(events: readonly StoredEvent[]): boolean {
  const last = events.at(-1);
  return last?.type === "turn_end" || (last?.type === "turn_error" && !last.error.retryable);
}

/** Of a turn that goes on after a failure: all but the failure, and the text that broke off there. */
function stillHolds(event: StoredEvent): boolean {
  return event.type !== "turn_error" && !(event.type === "assistant_message" && event.interrupted);
}

function isStored(event: ChatEvent | LiveEvent): event is ChatEvent {
  return "turnId" in event;
}

function isEnd({ type }: ChatEvent | LiveEvent): boolean {
  return type === "turn_end" || type === "turn_error";
}

function isRemembered(value: unknown): boolean {
  return typeof value === "object" && value !== null && "allow" in value && value.allow === true && "remember" in value;
}
