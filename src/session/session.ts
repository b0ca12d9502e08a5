import type {
  ChatEvent,
  ContentPart,
  LiveEvent,
  Message,
  QuestionEvent,
  RewindEvent,
  StoredEvent,
  TurnEvent,
} from "../core/chat.js";
import type { ToolHub } from "../core/ports.js";
import type { TurnMail, TurnName } from "../core/store-ports.js";
import { Cursor } from "./live/cursor.js";
import { LiveTurn } from "./live-turn.js";
import { Questions } from "./questions.js";
import type { RewindTo } from "./rewind.js";
import { requirePatterns } from "./rules.js";
import type { SessionParts } from "./session-parts.js";
import { TurnControl } from "./turn-control.js";
import { TurnIntake } from "./turn-intake.js";
import type { TurnOptions } from "./turn-options.js";
import { TurnRunner } from "./turn-runner.js";
import { TurnsHere } from "./turns-here.js";

export interface PromptRequest extends TurnOptions {
  /** The caller's idempotency key within the conversation. */
  requestId: string;
  text?: string;
  /** Replaces `text`, for images, audio and resources. */
  content?: ContentPart[];
  /** Cancels what runs or waits in the conversation, on any host, instead of waiting for it. */
  interrupt?: boolean;
  /** Earlier messages as the caller states them: placed after the log's own and before the content. */
  history?: Message[];
  /** Stored with the request, as in `UserMessageEvent`. */
  asked?: Readonly<Record<string, unknown>>;
  /**
   * True if the caller brings the whole history with every request, without what this host adds to a message: the system prompt then states
   * the schema of the answer.
   */
  bringsAll?: boolean;
}

interface SessionListeners {
  /** Called when a turn resumes here that was not requested here. */
  onResumed: (turn: LiveTurn) => void;
  /** Called when `isInUse`, `isBusy` or `remembers` may have changed. */
  onUse: () => void;
}

/** A conversation that a person or program uses. Its turns run one after another, in the order of their requests. */
export class Session {
  readonly #parts: SessionParts;
  readonly #questions = new Questions();
  readonly #runner: TurnRunner;
  readonly #turns: TurnsHere;
  readonly #control: TurnControl;
  readonly #intake: TurnIntake;
  readonly #onUse: () => void;
  #holds = 0;

  constructor(
    readonly id: string,
    parts: SessionParts,
    { onResumed, onUse }: SessionListeners,
  ) {
    this.#parts = { ...parts };
    this.#onUse = onUse;
    this.#turns = new TurnsHere(onUse);
    const [turns, questions] = [this.#turns, this.#questions];
    const runner = new TurnRunner(id, this.#parts, questions);
    this.#runner = runner;
    const intake = new TurnIntake({ conversationId: id, session: this.#parts, turns, questions, runner, onResumed });
    this.#intake = intake;
    const follow = (turn: TurnName) => intake.follow(turn);
    const { engine, store } = parts;
    this.#control = new TurnControl({ engine, store, conversationId: id, turns, questions, follow });
  }

  /** Sets the servers of the next turns, and the workspace whose hosts may resume them. */
  equip({ hub, workspace }: { hub: ToolHub; workspace: string }): void {
    Object.assign(this.#parts, { hub, workspace });
  }

  /** Runs a turn and shows it; see `submit`. Leaving the loop does not cancel the turn; `cancel` does. */
  prompt(request: PromptRequest): AsyncGenerator<TurnEvent> {
    return LiveTurn.watch(() => this.submit(request));
  }

  /**
   * Resolves once the request is in the log. A request id is answered once: while its turn runs on any host, a repetition gets the same
   * turn from its start; afterwards the stored events. Only a turn that failed with a retryable error is resumed. Throws RequestError for
   * another text under a known id and for an invalid pattern, StoreError when the log cannot be read or written.
   */
  async submit(request: PromptRequest): Promise<LiveTurn> {
    const {
      requestId,
      text = "",
      content = [{ type: "text", text }],
      interrupt = false,
      history,
      asked,
      bringsAll = false,
      ...options
    } = request;
    requirePatterns(options);
    const running = this.#turns.get(requestId);
    if (running) {
      running.requireContent(content);
      await this.#turns.claimOf(running);
      return running;
    }
    const turn = this.#turns.begin(requestId, content);
    const answerSchema = bringsAll ? undefined : options.output?.jsonSchema;
    await this.#turns.claim(turn, this.#intake.start(turn, { history, asked, answerSchema }, options));
    // If this fails, the turn waits like any other, and reports the log's error itself.
    if (interrupt && !turn.cached) await this.#control.cancelBefore(turn.turnId).catch(() => {});
    return turn;
  }

  /** Resumes the turns that a lost host has left in this conversation. Rejects with StoreError. */
  async recover(): Promise<LiveTurn[]> {
    const { engine } = this.#parts;
    await engine.begin();
    const turns: (LiveTurn | undefined)[] = [];
    for (const abandoned of await engine.abandonedIn(this.id)) {
      if (!engine.isDispatched(abandoned)) turns.push(await this.#intake.resume(abandoned));
    }
    return turns.filter((turn) => turn !== undefined);
  }

  /** Resumes a turn that no host owns. Undefined if a host owns it, it has ended, or the log cannot be read. Never rejects. */
  resume(abandoned: TurnName): Promise<LiveTurn | undefined> {
    return this.#intake.resume(abandoned);
  }

  /** Runs a turn dispatched to this host, or shows it while another host owns it. Resolves when it does neither. Never rejects. */
  async take(given: TurnName): Promise<void> {
    const running = this.#turns.get(given.requestId);
    if (running) await this.#turns.claimOf(running).catch(() => {});
    const turn = running ?? (await this.#intake.follow(given));
    if (!turn) return;
    turn.isQueued = false;
    if (!running) turn.isGuest = true;
    this.#parts.engine.wake(this.id);
    await turn.ended();
  }

  /** Answers a question. False if it is not open in a turn that runs or is shown here. */
  answer(questionId: string, value: unknown): boolean {
    return this.#control.answer(questionId, value);
  }

  /**
   * Answers like `answer`, also if this session has not seen the turn because another host runs it. Of all such answers on all hosts, the
   * first counts; the others get false. Rejects with StoreError.
   */
  answerAnywhere(questionId: string, value: unknown): Promise<boolean> {
    return this.#control.answerAnywhere(questionId, value);
  }

  /** True if the event is a question that still waits for its answer. A turn shown again repeats answered ones. */
  isAsking(event: ChatEvent | LiveEvent): event is QuestionEvent {
    return event.type === "question" && this.hasOpen(event.questionId);
  }

  /** True if `answer` would count. */
  hasOpen(questionId: string): boolean {
    return this.#questions.isOpen(questionId);
  }

  /**
   * Cancels like `cancel`, also if this session has not seen the turn because another host runs it or it waits. Rejects with StoreError.
   */
  cancelAnywhere(requestId?: string): Promise<boolean> {
    return this.#control.cancelAnywhere(requestId);
  }

  /** Cancels the turn of one request at once, even while it waits, or all turns in order. False if there was nothing to cancel. */
  cancel(requestId?: string): boolean {
    return this.#control.cancel(requestId);
  }

  /**
   * Estimates the tokens of the first request of a turn with these options, including system prompt and tools. Rejects with RequestError
   * for an invalid pattern, and with StoreError.
   */
  estimate(
    { history = [], content }: { history?: Message[]; content: ContentPart[] },
    options: TurnOptions,
  ): Promise<number> {
    const said: Message[] = content.length > 0 ? [...history, { role: "user", content }] : history;
    return this.#runner.estimate(said, options);
  }

  /** Makes the next turn begin with a summary of the older ones. */
  compactNext(): void {
    this.#runner.compactNext();
    this.#onUse();
  }

  /** Takes turns back, so that the next one does not see them. Rejects with RequestError while a turn runs or waits on any host. */
  rewind(to: RewindTo): Promise<RewindEvent> {
    return this.#parts.conversations.rewind(this.id, to);
  }

  /** Shows an event to the watchers of the turn that runs here; without such a turn, drops it. */
  tell(event: LiveEvent): void {
    const turns = this.#turns.all().filter(({ isHere }) => isHere);
    if (turns.length > 0) this.#parts.exchange?.note(this.id, event);
    for (const turn of turns) turn.publish(event);
  }

  /** Receives mail from another host for a turn that this host owns. */
  receive(turnId: string, mail: TurnMail): void {
    this.#control.receive(turnId, mail);
  }

  /**
   * Calls the listener once for every event of turns that run or are shown here, until the returned function is called. Events learned late
   * may arrive out of order.
   */
  listen(listener: (event: TurnEvent) => void): () => void {
    return this.#turns.listen(listener);
  }

  /** Returns what turns that run here have shown since their last stored event. */
  happening(): TurnEvent[] {
    return this.#turns.all().flatMap((turn) => (turn.isHere ? turn.happening : []));
  }

  /**
   * Follows turns that other hosts run, for a reader who has the events up to `lastSeq`, until `leave`. `onChange`: there is more to take.
   */
  overhear(lastSeq: number, onChange: () => void): { cursor: Cursor; leave: () => void } {
    const followed = this.#parts.exchange?.follow(this.id, onChange);
    const cursor = new Cursor(followed?.feed ?? { open: undefined }, { lastSeq });
    return { cursor, leave: () => followed?.leave() };
  }

  /** Returns stored events with `seq >= from`. */
  history(from?: number): Promise<StoredEvent[]> {
    return this.#parts.store.read(this.id, from);
  }

  /** Refuses further requests; running turns may end. */
  refuseMore(): void {
    this.#intake.close();
  }

  /** Stops all turns without an end in the log; the next start resumes them. */
  park(): void {
    this.#intake.close();
    for (const turn of this.#turns.all()) this.#control.park(turn);
    this.#parts.engine.wake(this.id);
  }

  /** Cancels what runs here and what waits for it; parks the rest for other hosts. */
  leave(): void {
    const turns = this.#turns.all();
    if (turns.some(({ isHere }) => isHere)) {
      this.#intake.close();
      for (const turn of turns) {
        if (turn.isGuest) this.#control.park(turn);
        else {
          turn.isLeaving = true;
          turn.cancel();
        }
      }
      this.#parts.engine.wake(this.id);
    } else this.park();
  }

  /** True if the request's turn runs or waits here, or the session is closed: a parked turn no longer matters. */
  has(requestId: string): boolean {
    return this.#intake.isClosed || this.#turns.has(requestId);
  }

  /** True while a turn runs or waits. */
  get isBusy(): boolean {
    return this.#turns.count > 0;
  }

  /** Keeps the session in memory and the conversation from retention, even between turns, until the returned function is called. */
  hold(): () => void {
    this.#holds++;
    this.#onUse();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds--;
      this.#onUse();
    };
  }

  /** True while a turn runs or waits, or somebody follows or holds the session. */
  get isInUse(): boolean {
    return this.#holds > 0 || this.isBusy || this.#turns.isFollowed;
  }

  /** True if it remembers what the log lacks: answers for this session, or a requested summary. */
  get remembers(): boolean {
    return this.#runner.remembers;
  }

  /** Number of turns that run here, and of those that wait here or are shown from another host. */
  get turnCounts(): { running: number; waiting: number } {
    const turns = this.#turns.all();
    const running = turns.filter(({ isHere }) => isHere).length;
    return { running, waiting: turns.length - running };
  }

  /** Resolves when no turn runs. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }
}
