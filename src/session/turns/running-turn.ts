/** A turn while this host runs it. */

import { LinkedAbort } from "../../core/async/abort.js";
import { longestTimerMs } from "../../core/async/timers.js";
import type { ResultStore } from "../../core/chat-store.js";
import type { OwnedTurn } from "../../core/cluster-port.js";
import { isBilled } from "../../core/event-facts.js";
import { isTurnEnd, type QuestionEvent, type StopReason, type StoredEvent } from "../../core/events.js";
import type { Meter } from "../../core/measurements.js";
import type { Usage } from "../../core/messages.js";
import { addUsage, answersBilled } from "../../core/token-usage.js";
import { type TraceContext, traceOf } from "../../core/trace-context.js";
import type { LogSince } from "../../log/folds/checkpoint.js";
import { Loops } from "../../turn/loops.js";
import { EventQueue } from "../../turn/outlet.js";
import type { PolicyRules } from "../../turn/policy.js";
import { TurnPrices } from "../../turn/spending.js";
import type { Budget } from "../../turn/turn-budget.js";
import { TimeLimitReached, type TurnContext } from "../../turn/turn-context.js";
import type { PromptOptions } from "../shared/prompt-options.js";
import { rulesOf } from "../shared/rules.js";
import { budgetFor, maxToolHopsOf } from "../shared/turn-limits.js";
import { TurnToolbox } from "../tools/turn-toolbox.js";
import type { LiveTurn } from "./live-turn.js";
import type { ConversationParts, TurnSettings } from "./session-parts.js";
import { TurnWriter } from "./turn-writer.js";

/**
 * All that is known of a turn that runs here: ids, options, settings, the log, and what the turn uses. `TurnRunner` builds it once for each run
 * and passes it whole to the history, the loop, the tools and the writer.
 */
export class RunningTurn implements TurnContext, Disposable {
  readonly turnId: string;
  readonly streaming: boolean;
  readonly maxToolHops: number;
  readonly promptCacheName: string;
  readonly rules: PolicyRules;
  /** The log that the model reads. The events of other unfinished turns are not part of it. It grows while the turn runs. */
  readonly log: { checkpoint: LogSince["checkpoint"]; events: StoredEvent[] };
  /** The events of this turn that the log had when the run began. */
  readonly own: readonly StoredEvent[];
  /** `seq` of the conversation's last event when the run began. */
  readonly lastSeq: number;
  readonly signal: AbortSignal;
  readonly writer: TurnWriter;
  readonly out: EventQueue;
  readonly loops = new Loops();
  readonly #abort: LinkedAbort;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #measure: TurnMeasure;
  #tools: TurnToolbox | undefined;
  #budget: Budget | undefined;
  #prices: TurnPrices | undefined;

  /** Starts the time limit of the turn. Throws RequestError `usage` if a pattern of tools is invalid. */
  constructor(
    readonly parts: ConversationParts,
    readonly settings: TurnSettings,
    readonly live: LiveTurn,
    readonly owned: OwnedTurn,
    readonly options: PromptOptions,
    { checkpoint, events }: LogSince,
  ) {
    const { defaults } = settings;
    this.turnId = live.turnId;
    this.streaming = options.streaming ?? defaults.streaming;
    this.maxToolHops = options.maxToolHops ?? maxToolHopsOf(defaults);
    this.promptCacheName = options.promptCacheName ?? parts.conversationId;
    const isAutoWithdrawn = () => live.isAutoWithdrawn;
    this.rules = { isAutoWithdrawn, ...rulesOf(options, defaults, parts.memory) };
    this.log = { checkpoint, events: withoutOthers(events, live.turnId) };
    this.own = ownEvents(live.turnId, this.log.events);
    this.lastSeq = events.at(-1)?.seq ?? 0;
    this.#abort = new LinkedAbort(live.stop);
    this.signal = this.#abort.signal;
    const { timeoutMs } = options;
    if (timeoutMs) this.#timer = setTimeout(() => this.#timeUp(timeoutMs), Math.min(timeoutMs, longestTimerMs));
    this.#measure = new TurnMeasure(this);
    this.writer = new TurnWriter(this);
    this.out = new EventQueue(this.writer);
  }

  get llm() {
    return this.settings.llm;
  }

  get newId() {
    return this.parts.newId;
  }

  get trace(): TraceContext {
    return this.#measure.trace;
  }

  get streamRecovery() {
    return this.options.streamRecovery;
  }

  get beforeRequest() {
    return this.owned.confirm;
  }

  /** Throws LlmError if the model cannot be used. */
  get tools(): TurnToolbox {
    this.#tools ??= new TurnToolbox(this);
    return this.#tools;
  }

  get record() {
    return this.tools.record;
  }

  get budget(): Budget {
    this.#budget ??= budgetFor(this);
    return this.#budget;
  }

  get prices(): TurnPrices {
    this.#prices ??= new TurnPrices(this.llm, this.options.model);
    return this.#prices;
  }

  /**
   * Stores large results. Keeps results that the log refuses for now, as the turn's events are kept, until the turn is stopped. A result that
   * alone does not fit is given up, because the model can work with its beginning and its end.
   */
  get results(): ResultStore {
    const { results } = this.parts.store;
    return {
      read: (id) => results.read(id),
      put: (...result) => this.writer.keep(() => results.put(...result), this.signal),
    };
  }

  answer({ questionId }: QuestionEvent, over?: AbortSignal): Promise<unknown> {
    const { signal, owned, parts, options } = this;
    const timeoutMs = options.unattended ? 0 : parts.questionTimeoutMs;
    const wait = () => parts.questions.wait(questionId, { signal, over, timeoutMs });
    return this.budget.clock.stopDuring(() => owned.whileWaiting(wait, signal));
  }

  stored(event: StoredEvent): void {
    this.log.events.push(event);
    this.#tools?.note(event);
    this.#measure.stored(event);
    if (isTurnEnd(event)) this.live.endIsStored(); // so that no live events of the turn are sent after its end
  }

  /** Stops the run: its tools and requests are aborted. */
  abort(): void {
    this.#abort.abort();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#abort[Symbol.dispose]();
    this.#measure[Symbol.dispose]();
    this.parts.daySpent.needs(this.turnId, undefined);
  }

  #timeUp(timeoutMs: number): void {
    this.#abort.abort(new TimeLimitReached(`the turn has reached its time limit of ${timeoutMs} ms`));
  }
}

/**
 * Returns the log without the events of other unfinished turns. A turn that waits for this turn to end is not part of this turn's history.
 */
function withoutOthers(log: readonly StoredEvent[], turnId: string): StoredEvent[] {
  const others = new Set<string>();
  for (const event of log) {
    if (event.type === "user_message" && event.turnId !== turnId) others.add(event.turnId);
    else if (isTurnEnd(event)) others.delete(event.turnId);
  }
  return others.size === 0 ? [...log] : log.filter((event) => !others.has(event.turnId));
}

/** Returns the events of the turn. Searches from the end, because most events of a long conversation come before this turn. */
export function ownEvents(turnId: string, log: readonly StoredEvent[]): StoredEvent[] {
  const begin = log.findLastIndex((event) => event.turnId === turnId && event.type === "user_message");
  return begin < 0 ? [] : log.slice(begin).filter((event) => event.turnId === turnId);
}

/** Trace span and measurements of a turn, for the time during which this host runs the turn. */
class TurnMeasure implements Disposable {
  readonly trace: TraceContext;
  readonly #meter: Meter | undefined;
  readonly #startedAt = performance.now();
  #end: { end: StopReason | "left"; error?: string } = { end: "left" };
  readonly #usage: Usage = { inputTokens: 0, outputTokens: 0 };

  constructor({ parts, turnId, owned, options }: Pick<RunningTurn, "parts" | "turnId" | "owned" | "options">) {
    const { meter, conversationId } = parts;
    this.#meter = meter;
    // If another host resumes the turn, that host records a span of its own in the same trace.
    this.trace = traceOf(turnId, { carried: options.trace, samples: meter?.samples, run: owned.lease.fence });
    meter?.record({ type: "turn_started", trace: this.trace, conversationId, turnId });
  }

  stored(event: StoredEvent): void {
    if (event.type === "turn_end") this.#end = { end: event.stopReason };
    if (event.type === "turn_error") this.#end = { end: "error", error: event.error.kind };
    if (isBilled(event)) {
      for (const { usage } of answersBilled(event)) if (usage) addUsage(this.#usage, usage);
    }
  }

  [Symbol.dispose](): void {
    const durationMs = performance.now() - this.#startedAt;
    const { trace } = this;
    this.#meter?.record({ type: "turn_ended", trace, durationMs, ...this.#end, usage: this.#usage });
  }
}
