/** Runs the turns of one conversation, each when it is its time and in whichever process has it. */
import type { ChatEvent, LiveEvent, StoredEvent } from "../core/chat.js";
import { errorInfo, type LlmErrorKind, RequestError, StoreError } from "../core/errors.js";
import type { NewId } from "../core/ids.js";
import type { AbandonedTurn, ChatStore, HubTool, KeptApprovals, ToolHub, TurnLease, TurnMail } from "../core/ports.js";
import { textTokens, toolTokens } from "../history/estimate.js";
import { isMark } from "../history/rewind.js";
import { type Orchestrator, TimeLimitReached } from "../orchestrator/orchestrator.js";
import { isHidden, type PolicyRules } from "../orchestrator/policy.js";
import type { Conversations } from "./conversations.js";
import type { TurnEngine } from "./engine.js";
import { budgetFor, maxToolHopsOf } from "./limits.js";
import type { LiveTurn } from "./live-turn.js";
import type { Questions } from "./questions.js";
import { rulesOf } from "./rules.js";
import { SessionApprovals } from "./session-approvals.js";
import { TurnToolbox } from "./tools/turn-toolbox.js";
import { TurnHistory } from "./turn-history.js";
import type { TurnDefaults, TurnOptions } from "./turn-options.js";

export interface SessionParts {
  store: ChatStore;
  conversations: Conversations;
  engine: TurnEngine;
  /** Where this session's turns belong, where that is not the process's own workspace. */
  workspace?: string;
  hub: ToolHub;
  orchestrator: Orchestrator;
  newId: NewId;
  defaults: TurnDefaults;
  /** Where answers are kept that outlive the host. */
  approvals?: KeptApprovals;
}

/** The most of the model's window that tool definitions may fill, whatever the configuration says. */
const toolShare = 0.25;
/** Node's longest timer, 24.8 days: a longer one would fire at once. */
export const longestTimerMs = 2 ** 31 - 1;
/** A turn that has ended so many hosts is not tried again. */
const maxCrashes = 3;

export class TurnRunner {
  readonly #conversationId: string;
  readonly #parts: SessionParts;
  readonly #questions: Questions;
  readonly #approvals: SessionApprovals;
  /** What the user allowed beyond the limits, for the rest of this session. */
  readonly #granted = new Map<string, number>();
  #compactNext = false;
  /** Turns that run here, or may in a moment. */
  #runs = 0;

  constructor(conversationId: string, parts: SessionParts, questions: Questions) {
    this.#conversationId = conversationId;
    this.#parts = parts;
    this.#questions = questions;
    this.#approvals = new SessionApprovals(parts.approvals, parts.engine.workspace);
  }

  /** The next turn that runs here begins with a summary of the older ones. */
  compactNext(): void {
    this.#compactNext = true;
  }

  /**
   * Until the turn has ended, here or elsewhere. While it waits, `resume` gets the turns before it that nobody has. Rejects with what
   * kept it from ending: StoreError, or RequestError `shutting_down`.
   */
  async drive(turn: LiveTurn, resume: (abandoned: AbandonedTurn) => void): Promise<void> {
    const { engine } = this.#parts;
    for (;;) {
      requireOpen(turn);
      const changed = engine.changed(); // from before the look, so that no change is missed
      const lease = await this.#acquire(turn.turnId);
      if (lease && (await this.#run(turn, lease))) return;
      if (lease) continue;
      if (await this.#follow(turn)) return;
      if (!(await engine.isKnown(this.#conversationId, turn.turnId))) throw wasDeleted(this.#conversationId);
      if (turn.isLeaving && this.#runs === 0) {
        turn.park(); // it waits for another process
        engine.wake();
        continue;
      }
      for (const abandoned of await engine.abandonedIn(this.#conversationId)) resume(abandoned);
      await changed;
    }
  }

  async #acquire(turnId: string): Promise<TurnLease | undefined> {
    this.#runs++;
    let lease: TurnLease | undefined;
    try {
      lease = await this.#parts.engine.acquire(this.#conversationId, turnId);
      return lease;
    } finally {
      if (!lease) this.#runs--;
    }
  }

  /** Shows what another process has written of the turn. True at its end. */
  async #follow(turn: LiveTurn): Promise<boolean> {
    const events = await this.#parts.store.read(this.#conversationId, turn.lastSeq + 1);
    const own = events.filter(({ turnId }) => turnId === turn.turnId);
    for (const event of own) {
      if (event.type === "question") this.#questions.openElsewhere(event.questionId, turn.turnId);
      if (event.type === "answer") this.#questions.closeElsewhere(event.questionId);
      turn.publish(event);
      if (isEnd(event)) return true; // a repetition of the request may have gone on after it
    }
    turn.skipTo(events.at(-1)?.seq ?? 0);
    return false;
  }

  /** False when another process has taken the turn over meanwhile. */
  async #run(turn: LiveTurn, lease: TurnLease): Promise<boolean> {
    const { store, engine, defaults } = this.#parts;
    const options = (lease.options ?? {}) as TurnOptions;
    const run = new AbortController();
    const abort = () => run.abort();
    turn.signal.addEventListener("abort", abort);
    if (turn.signal.aborted) abort();
    const limit =
      options.timeoutMs && setTimeout(() => run.abort(timeUp(options)), Math.min(options.timeoutMs, longestTimerMs));
    let unwritten: ChatEvent | undefined;
    turn.isHere = true;
    try {
      const log = withoutOthers(await store.read(this.#conversationId), turn.turnId);
      const own = log.filter(({ turnId }) => turnId === turn.turnId);
      const rules = rulesOf(options, defaults, this.#approvals);
      const tools = this.#toolbox(options, rules, log);
      let position = own.length;
      for (const event of own) turn.publish(event);
      for await (const event of this.#steps(log, turn.turnId, { lease, options, rules, tools, signal: run.signal })) {
        requireOpen(turn);
        if (event.type === "question") this.#questions.open(event.questionId, run.signal);
        if (!isStored(event)) turn.publish(event);
        else {
          unwritten = event;
          const grant = { fence: lease.fence, position: ++position };
          const stored = await store.append(this.#conversationId, event, grant);
          log.push(stored);
          tools.note(stored);
          if (isEnd(stored)) turn.isHere = false; // nothing is told after it
          turn.publish(stored);
        }
      }
      return true;
    } catch (error) {
      run.abort(); // what its tools still do could not be logged any more
      if (!(error instanceof StoreError && error.kind === "fenced")) throw error;
      turn.isHere = false;
      await this.#passOn(turn, unwritten);
      turn.publish({ type: "discard", reason: "another process goes on with this turn" });
      return false;
    } finally {
      turn.isHere = false;
      this.#runs--;
      if (limit) clearTimeout(limit);
      turn.signal.removeEventListener("abort", abort);
      engine.wake();
    }
  }

  /** What the person said here is for whoever has the turn next. */
  async #passOn({ turnId, signal }: LiveTurn, unwritten: ChatEvent | undefined): Promise<void> {
    const send = (mail: TurnMail) => this.#parts.engine.send(this.#conversationId, turnId, mail);
    if (signal.aborted) await send({ type: "cancel" });
    else if (unwritten?.type === "answer") {
      await send({ type: "answer", questionId: unwritten.questionId, value: unwritten.value });
    }
  }

  async *#steps(
    log: readonly StoredEvent[],
    turnId: string,
    { lease, options, rules, tools, signal }: RunParts,
  ): AsyncGenerator<ChatEvent | LiveEvent> {
    const { hub, orchestrator, defaults } = this.#parts;
    if (lease.crashes >= maxCrashes) {
      yield { type: "turn_error", turnId, error: errorInfo(tooManyCrashes(lease.crashes)) };
      return;
    }
    try {
      await hub.settled(signal);
    } catch (error) {
      if (!signal.aborted) {
        yield { type: "turn_error", turnId, error: errorInfo(error) };
        return;
      }
      // Cancelled: `runTurn` sends nothing then, and knows how such a turn ends.
    }
    const { model } = options;
    const { compaction } = defaults;
    const system = [options.system ?? defaults.systemPrompt, hub.catalogue()].filter(Boolean).join("\n\n");
    const besideTokens = tools.tools().reduce((sum, tool) => sum + toolTokens(tool), textTokens(system));
    const history = new TurnHistory({ orchestrator, log, turnId, model, besideTokens, compaction, signal });
    const summary = await history.compaction(this.#compactNext);
    this.#compactNext = false;
    if (summary) yield summary;
    const parts = { log, options, rules, tools, signal };
    for await (const event of this.#asked(system, history, turnId, parts)) {
      const shorter = isTooLong(event) ? await history.shorten() : undefined;
      if (!shorter) yield event;
      else {
        if (shorter.compaction) yield shorter.compaction;
        yield* this.#asked(system, history, turnId, parts);
        return;
      }
    }
  }

  /** The turn with the history as it is now. */
  #asked(
    system: string,
    history: TurnHistory,
    turnId: string,
    { log, options, rules, tools, signal }: Omit<RunParts, "lease"> & { log: readonly StoredEvent[] },
  ): AsyncGenerator<ChatEvent | LiveEvent> {
    const { orchestrator, defaults } = this.#parts;
    const { messages, point } = history.fold();
    return orchestrator.runTurn(messages, {
      turnId,
      system,
      model: options.model,
      tools,
      streaming: options.streaming ?? defaults.streaming,
      streamRecovery: options.streamRecovery,
      temperature: options.temperature,
      maxTokens: options.maxTokens,
      callerTools: options.callerTools,
      maxToolHops: options.maxToolHops ?? maxToolHopsOf(defaults),
      budget: budgetFor(turnId, log, { ...this.#parts, granted: this.#granted }),
      resume: point,
      rules,
      signal,
      answer: ({ questionId }) => {
        if (options.unattended) this.#questions.open(questionId, signal).resolve(false);
        return this.#questions.wait(questionId, signal);
      },
    });
  }

  #toolbox({ model }: TurnOptions, rules: PolicyRules, log: readonly StoredEvent[]): TurnToolbox {
    const { hub, store, orchestrator, newId, defaults } = this.#parts;
    const { contextWindow, maxTools } = orchestrator.facts(model);
    const maxTokens = Math.min(defaults.toolBudgetTokens, contextWindow * toolShare);
    const { resultLimitTokens } = defaults;
    const limits = { maxTokens, maxTools };
    const parts = {
      hub,
      results: store.results,
      conversationId: this.#conversationId,
      isHidden: (tool: HubTool) => isHidden(tool, rules),
      limits,
      resultLimitTokens,
      newId,
    };
    return new TurnToolbox(parts, log);
  }
}

interface RunParts {
  lease: TurnLease;
  options: TurnOptions;
  rules: PolicyRules;
  tools: TurnToolbox;
  signal: AbortSignal;
}

/** The turn, and the turns that have ended: what waits behind it is not part of its history. */
function withoutOthers(log: readonly StoredEvent[], turnId: string): StoredEvent[] {
  const ended = new Set(log.filter(isEnd).map((event) => event.turnId));
  return log.filter((event) => event.turnId === turnId || ended.has(event.turnId) || isMark(event.type));
}

function isEnd(event: StoredEvent | undefined): boolean {
  return event?.type === "turn_end" || event?.type === "turn_error";
}

function isTooLong(event: ChatEvent | LiveEvent): boolean {
  const kind: LlmErrorKind = "context_length";
  return event.type === "turn_error" && event.error.kind === kind;
}

function requireOpen({ isParked }: LiveTurn): void {
  if (!isParked) return;
  throw new RequestError("shutting_down", "the host is closing; this turn goes on when it is started again", {
    retryable: true,
    hint: "send the same request_id again",
  });
}

function wasDeleted(conversationId: string): RequestError {
  return new RequestError("not_found", `the conversation ${conversationId} was deleted`);
}

function tooManyCrashes(crashes: number): RequestError {
  return new RequestError(
    "crashed",
    `this turn has ended or broken off ${crashes} times with its host and is not tried again`,
    {
      hint: "see what its tools do; to try all the same, send it under a new request_id",
    },
  );
}

function timeUp({ timeoutMs }: TurnOptions): TimeLimitReached {
  return new TimeLimitReached(`the turn's ${timeoutMs} ms are used up`);
}

function isStored(event: ChatEvent | LiveEvent): event is ChatEvent {
  return "turnId" in event;
}
