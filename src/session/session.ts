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
  /** Instead of `text`, for images, audio and resources. */
  content?: ContentPart[];
  /** Cancels what runs or waits in the conversation, here or in another process, instead of waiting for it. */
  interrupt?: boolean;
  /** What was said before, by the caller's word: it comes after what the log has, and before the content. */
  history?: Message[];
  /** Kept in the log with the request, as in `UserMessageEvent`. */
  asked?: Readonly<Record<string, unknown>>;
}

interface SessionListeners {
  /** A turn goes on here without having been asked for. */
  onResumed: (turn: LiveTurn) => void;
  /** What `isInUse`, `isBusy` and `remembers` say may have changed. */
  onUse: () => void;
}

/** A conversation with a person or program behind it. Its turns run one after another, in the order of their requests. */
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

  /** The session's next turns have these servers, and are gone on with by hosts of this workspace. */
  equip({ hub, workspace }: { hub: ToolHub; workspace: string }): void {
    Object.assign(this.#parts, { hub, workspace });
  }

  /** Runs a turn and shows it; see `submit`. Leaving the loop does not cancel the turn: `cancel` does. */
  prompt(request: PromptRequest): AsyncGenerator<TurnEvent> {
    return LiveTurn.watch(() => this.submit(request));
  }

  /**
   * Resolves once the request is in the log. A request id is answered once: while its turn runs, here or in another process, a
   * repetition gets the same turn from its start; afterwards the stored events. Only a turn that failed with a retryable error goes on.
   * Throws RequestError for another text under a known id and for a pattern that is none, StoreError when the log cannot be read or written.
   */
  async submit(request: PromptRequest): Promise<LiveTurn> {
    const {
      requestId,
      text = "",
      content = [{ type: "text", text }],
      interrupt = false,
      history,
      asked,
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
    await this.#turns.claim(turn, this.#intake.start(turn, { history, asked }, options));
    // Should that fail, the turn waits like any other, and meets the log's trouble by itself.
    if (interrupt && !turn.cached) await this.#control.cancelBefore(turn.turnId).catch(() => {});
    return turn;
  }

  /** Goes on with what a dead process has left of this conversation. Rejects with StoreError. */
  async recover(): Promise<LiveTurn[]> {
    const { engine } = this.#parts;
    await engine.begin();
    const turns: (LiveTurn | undefined)[] = [];
    for (const abandoned of await engine.abandonedIn(this.id)) {
      if (!engine.isDispatched(abandoned)) turns.push(await this.#intake.resume(abandoned));
    }
    return turns.filter((turn) => turn !== undefined);
  }

  /** Goes on with a turn that nobody has. Undefined when somebody has it, it has ended, or the log cannot be read. Never rejects. */
  resume(abandoned: TurnName): Promise<LiveTurn | undefined> {
    return this.#intake.resume(abandoned);
  }

  /** Runs a turn that was given to this process, or shows it while another one has it, until it does neither any more. Never rejects. */
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

  /** False when no such question is open here: of a turn that runs here, or is shown. */
  answer(questionId: string, value: unknown): boolean {
    return this.#control.answer(questionId, value);
  }

  /**
   * As `answer`, also where this session has not seen the turn: another process runs it. One answer of all that are given so, wherever,
   * counts: false for the others. Rejects with StoreError.
   */
  answerAnywhere(questionId: string, value: unknown): Promise<boolean> {
    return this.#control.answerAnywhere(questionId, value);
  }

  /** Whether the event is a question that still waits for its answer: a turn that is shown again shows those that had one. */
  isAsking(event: ChatEvent | LiveEvent): event is QuestionEvent {
    return event.type === "question" && this.hasOpen(event.questionId);
  }

  /** Whether `answer` would count. */
  hasOpen(questionId: string): boolean {
    return this.#questions.isOpen(questionId);
  }

  /** As `cancel`, also where this session has not seen the turn yet: another process runs it, or it waits for one. Rejects with StoreError. */
  cancelAnywhere(requestId?: string): Promise<boolean> {
    return this.#control.cancelAnywhere(requestId);
  }

  /** Cancels one request's turn, at once also where it waits, or all, in their order. False when there was nothing to cancel. */
  cancel(requestId?: string): boolean {
    return this.#control.cancel(requestId);
  }

  /**
   * Estimates the tokens of the request that a turn with these options would begin with, its system prompt and tools included. Rejects with
   * RequestError for a pattern that is none, and with StoreError.
   */
  estimate(
    { history = [], content }: { history?: Message[]; content: ContentPart[] },
    options: TurnOptions,
  ): Promise<number> {
    const said: Message[] = content.length > 0 ? [...history, { role: "user", content }] : history;
    return this.#runner.estimate(said, options);
  }

  /** The next turn begins with a summary of the older ones. */
  compactNext(): void {
    this.#runner.compactNext();
    this.#onUse();
  }

  /** Takes turns back: the next one is asked without them. Rejects with RequestError while a turn runs or waits, in any process. */
  rewind(to: RewindTo): Promise<RewindEvent> {
    return this.#parts.conversations.rewind(this.id, to);
  }

  /** Shows whoever watches the running turn what happens beside it. Without a turn nobody is told. */
  tell(event: LiveEvent): void {
    const turns = this.#turns.all().filter(({ isHere }) => isHere);
    if (turns.length > 0) this.#parts.exchange?.note(this.id, event);
    for (const turn of turns) turn.publish(event);
  }

  /** What another process says to a turn that this one has. */
  receive(turnId: string, mail: TurnMail): void {
    this.#control.receive(turnId, mail);
  }

  /**
   * Tells of every event of turns that this process runs or shows, until the returned function is called: each once, but those that it
   * learns of late may come out of their order.
   */
  listen(listener: (event: TurnEvent) => void): () => void {
    return this.#turns.listen(listener);
  }

  /** What turns that this process runs have shown since their last stored event. */
  happening(): TurnEvent[] {
    return this.#turns.all().flatMap((turn) => (turn.isHere ? turn.happening : []));
  }

  /**
   * What is happening in turns that other processes run, for a reader who has the events up to `lastSeq`, until it is left. `onChange`:
   * there is more to take.
   */
  overhear(lastSeq: number, onChange: () => void): { cursor: Cursor; leave: () => void } {
    const followed = this.#parts.exchange?.follow(this.id, onChange);
    const cursor = new Cursor(followed?.feed ?? { open: undefined }, { lastSeq });
    return { cursor, leave: () => followed?.leave() };
  }

  /** Stored events with `seq >= from`. */
  history(from?: number): Promise<StoredEvent[]> {
    return this.#parts.store.read(this.id, from);
  }

  /** Takes no more requests. What runs is to end by itself. */
  refuseMore(): void {
    this.#intake.close();
  }

  /** What runs stops where it is, without an end in the log: the next start goes on with it. */
  park(): void {
    this.#intake.close();
    for (const turn of this.#turns.all()) this.#control.park(turn);
    this.#parts.engine.wake(this.id);
  }

  /** Cancels what runs here, and what waits for it; what another process runs is left to that one. */
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

  /** Whether the request's turn runs or waits here; of one that is parked it does not matter any more. */
  has(requestId: string): boolean {
    return this.#intake.isClosed || this.#turns.has(requestId);
  }

  /** Whether a turn runs or waits. */
  get isBusy(): boolean {
    return this.#turns.count > 0;
  }

  /** Keeps the session, and the conversation from retention, also between turns, until the returned function is called. */
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

  /** Whether a turn runs or waits, or somebody follows or holds the session. */
  get isInUse(): boolean {
    return this.#holds > 0 || this.isBusy || this.#turns.isFollowed;
  }

  /** Whether it knows what the log does not have: answers for this session, and a summary that was asked for. */
  get remembers(): boolean {
    return this.#runner.remembers;
  }

  /** Turns that run here, and those that this process waits for or shows. */
  get turnCounts(): { running: number; waiting: number } {
    const turns = this.#turns.all();
    const running = turns.filter(({ isHere }) => isHere).length;
    return { running, waiting: turns.length - running };
  }

  /** Resolves when no turn runs any more. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }
}
