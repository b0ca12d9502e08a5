/**
 * The steps of one turn: building the messages and tools for the model, and running the loop over requests. They are the same on every
 * host.
 */

import type { ResultStore } from "../../core/chat-store.js";
import type { OwnedTurn } from "../../core/cluster-port.js";
import { errorInfo, type LlmErrorKind, RequestError } from "../../core/errors.js";
import type { ChatEvent, QuestionEvent } from "../../core/events.js";
import { formInstruction, type JsonSchema, type Message, type ToolDefinition } from "../../core/messages.js";
import type { HubTool } from "../../core/ports.js";
import type { TraceContext } from "../../core/trace-context.js";
import { maxCrashes } from "../../core/turn-leases.js";
import type { LogSince } from "../../log/folds/checkpoint.js";
import { textTokens, tokensOf, toolTokens } from "../../log/folds/estimate.js";
import { toMessages } from "../../log/folds/replay.js";
import type { Outlet } from "../../turn/outlet.js";
import { isHidden, type PolicyRules } from "../../turn/policy.js";
import type { Budget } from "../../turn/turn-budget.js";
import type { PromptOptions } from "../shared/prompt-options.js";
import { askedLimits, budgetFor, maxToolHopsOf } from "../shared/turn-limits.js";
import { TurnToolbox } from "../tools/turn-toolbox.js";
import type { Questions } from "./questions.js";
import type { SessionParts, TurnSettings } from "./session-parts.js";
import { TurnHistory } from "./turn-history.js";

interface StepParts {
  log: LogSince;
  turnId: string;
  owned: OwnedTurn;
  trace: TraceContext;
  settings: TurnSettings;
  options: PromptOptions;
  rules: PolicyRules;
  tools: TurnToolbox;
  signal: AbortSignal;
  outlet: Outlet;
}

type EstimateParts = Pick<StepParts, "log" | "settings" | "options" | "rules">;

/** Maximum share of the model's window for tool definitions. No configuration can raise it. */
const toolShare = 0.25;

export class TurnSteps {
  readonly #conversationId: string;
  readonly #parts: SessionParts;
  readonly #questions: Questions;
  /** Amounts that the user has allowed in addition to the limits. These amounts are valid until the session ends. */
  readonly #granted = new Map<string, number>();
  #compactNext = false;

  constructor(conversationId: string, parts: SessionParts, questions: Questions) {
    this.#conversationId = conversationId;
    this.#parts = parts;
    this.#questions = questions;
  }

  compactNext(): void {
    this.#compactNext = true;
  }

  get remembers(): boolean {
    return this.#compactNext || this.#granted.size > 0;
  }

  /** `results`: where large results are stored. */
  toolbox(
    { orchestrator, defaults }: TurnSettings,
    { model, toolChoice }: PromptOptions,
    rules: PolicyRules,
    log: LogSince,
    results: ResultStore,
  ): TurnToolbox {
    const { hub, newId } = this.#parts;
    const { contextWindow, maxTools } = orchestrator.facts(model);
    const maxTokens = Math.min(defaults.toolBudgetTokens, contextWindow * toolShare);
    const { resultLimitTokens } = defaults;
    const limits = { maxTokens, maxTools };
    const parts = {
      hub,
      results,
      conversationId: this.#conversationId,
      isHidden: (tool: HubTool) => isHidden(tool, rules),
      limits,
      resultLimitTokens,
      newId,
    };
    return new TurnToolbox(parts, log, typeof toolChoice === "object" ? toolChoice.name : undefined);
  }

  /**
   * Runs the whole turn. If a server or the model fails, the failure is stored as the end of the turn. Rejects only if `outlet` rejects.
   */
  async run(parts: StepParts): Promise<void> {
    const { log, turnId, owned, trace, settings, options, rules, tools, signal, outlet } = parts;
    const { hub } = this.#parts;
    const { orchestrator, defaults } = settings;
    const fail = (error: unknown) => outlet.store([{ type: "turn_error", turnId, error: errorInfo(error) }]);
    const { crashes } = owned.lease;
    if (crashes >= maxCrashes) return fail(tooManyCrashes(crashes));
    try {
      await hub.offered(signal);
    } catch (error) {
      if (!signal.aborted) return fail(error);
      // The turn was cancelled. The call of `driveTurn` below then sends no request and ends the turn.
    }
    const lost = await owned.lostState({ events: log.events, processes: log.checkpoint?.processes ?? [] }, hub);
    if (lost) await outlet.store([lost]);
    const { model } = options;
    const { compaction } = defaults;
    const catalogue = hub.catalogue((tool) => isHidden(tool, rules));
    const news = isNarrowed(options) ? undefined : tools.record.news(catalogue, turnId);
    if (news) await outlet.store([news]);
    const system = systemText(parts, tools.record.frontOf(catalogue), untoldSchema(parts));
    const besideTokens = tools.tools().reduce((sum, tool) => sum + toolTokens(tool), textTokens(system));
    const history = new TurnHistory({
      orchestrator,
      log,
      turnId,
      trace,
      model,
      besideTokens,
      compaction,
      bringsAll: options.bringsAll === true,
      signal,
      store: (events) => outlet.store(events),
      mayAsk: (tokens) => this.#mayAsk(parts, tokens),
      beforeRequest: owned.confirm,
      readTrimmed: (before, mostTokens) => this.#parts.logs.readTrimmed(this.#conversationId, before, mostTokens),
    });
    await history.makeRoom(this.#compactNext);
    this.#compactNext = false;
    for (;;) {
      const ending = await this.#drive(catalogue, history, parts);
      if (!isTooLong(ending.at(-1))) return outlet.store(ending);
      if (ending.length > 1) await outlet.store(ending.slice(0, -1));
      if (!(await history.shorten())) return outlet.store(ending.slice(-1));
    }
  }

  /**
   * Estimates the input tokens of the first request of a turn that would start now. `said` are the messages that follow the log, including
   * the user's next message.
   */
  estimate(said: readonly Message[], { log, settings, options, rules }: EstimateParts): number {
    const toolbox = this.toolbox(settings, options, rules, log, this.#parts.store.results);
    const catalogue = this.#parts.hub.catalogue((tool) => isHidden(tool, rules));
    const front = toolbox.record.frontOf(catalogue);
    const system = systemText({ settings, options }, front, options.output?.jsonSchema);
    return promptTokens([...toMessages(log.events), ...said], { system, offered: toolbox.tools(), options });
  }

  #budget({ turnId, log, settings: { defaults } }: StepParts): Budget {
    const { daySpent } = this.#parts;
    return budgetFor(turnId, log, { daySpent, defaults, granted: this.#granted });
  }

  /**
   * Returns true if the limits allow a request that cannot ask the user. If a limit is already reached, the turn's own request will ask the
   * user.
   */
  async #mayAsk(parts: StepParts, tokens: number): Promise<boolean> {
    const budget = this.#budget(parts);
    if (budget.limitsMoney && !parts.settings.orchestrator.isPriced(parts.options.model)) return false;
    return (await budget.reached({ tokens, usd: 0 })) === undefined;
  }

  /** Runs the loop over requests with the current history. Resolves with the last events; the caller must store them. */
  #drive(catalogue: string, history: TurnHistory, parts: StepParts): Promise<readonly ChatEvent[]> {
    const { turnId, owned, trace, settings, options, rules, tools, signal, outlet } = parts;
    const { orchestrator, defaults } = settings;
    const { messages, point } = history.fold();
    const front = isNarrowed(options) ? catalogue : tools.record.frontOf(catalogue);
    if (!isNarrowed(options)) tools.record.sends(front);
    const system = systemText(parts, front, untoldSchema(parts));
    const turn = {
      ...options,
      turnId,
      trace,
      conversation: options.promptCacheName ?? this.#conversationId,
      system,
      ...(options.bringsAll && { uncutTokens: promptTokens(messages, { system, offered: tools.tools(), options }) }),
      tools,
      streaming: options.streaming ?? defaults.streaming,
      record: tools.record,
      maxToolHops: options.maxToolHops ?? maxToolHopsOf(defaults),
      budget: this.#budget(parts),
      askedLimits: askedLimits(turnId, parts.log.events),
      resume: point,
      rules,
      signal,
      beforeRequest: owned.confirm,
      answer: ({ questionId }: QuestionEvent, over?: AbortSignal) => {
        const timeoutMs = options.unattended ? 0 : this.#parts.questionTimeoutMs;
        return owned.whileWaiting(() => this.#questions.wait(questionId, { signal, over, timeoutMs }), signal);
      },
    };
    return orchestrator.driveTurn(messages, turn, outlet);
  }
}

/**
 * Returns true if the caller hides tools from the model for this turn only. The instructions of these tools' servers are then hidden too.
 */
function isNarrowed({ deny = [], only }: PromptOptions): boolean {
  return deny.length > 0 || only !== undefined;
}

/**
 * Returns the schema of the answer if it must be put into the system prompt. Returns undefined if the turn's user message already contains
 * the schema.
 */
function untoldSchema({ log, turnId, options }: StepParts): JsonSchema | undefined {
  const isTold = log.events.some(
    (event) => event.turnId === turnId && event.type === "user_message" && event.answerSchema !== undefined,
  );
  return isTold ? undefined : options.output?.jsonSchema;
}

/** Returns the estimated input tokens of a request. A tool of the caller replaces a server's tool of the same name. */
function promptTokens(
  messages: readonly Message[],
  { system, offered, options }: { system: string; offered: readonly ToolDefinition[]; options: PromptOptions },
): number {
  const { callerTools = [] } = options;
  const names = new Set(callerTools.map(({ name }) => name));
  const tools = [...offered.filter(({ name }) => !names.has(name)), ...callerTools];
  const besideTokens = tools.reduce((sum, tool) => sum + toolTokens(tool), textTokens(system));
  return Math.ceil(besideTokens + tokensOf(messages));
}

function systemText(
  { options, settings }: Pick<StepParts, "options" | "settings">,
  catalogue: string,
  schema: JsonSchema | undefined,
): string {
  const system = options.system ?? settings.defaults.systemPrompt;
  return [system, catalogue, schema && formInstruction(schema)].filter(Boolean).join("\n\n");
}

function isTooLong(event: ChatEvent | undefined): boolean {
  const kind: LlmErrorKind = "context_length";
  return event?.type === "turn_error" && event.error.kind === kind;
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
