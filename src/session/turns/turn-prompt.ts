import type { CatalogueEvent } from "../../core/events.js";
import { formInstruction, type Message } from "../../core/messages.js";
import type { LogSince } from "../../log/folds/checkpoint.js";
import { textTokens, tokensOf, toolTokens } from "../../log/folds/estimate.js";
import { isHidden } from "../../turn/policy.js";
import type { RunningTurn } from "./running-turn.js";
import type { ConversationParts } from "./session-parts.js";

/** A turn that runs, or one whose tokens are estimated. */
interface PromptTurn extends Pick<RunningTurn, "settings" | "options" | "rules" | "tools" | "turnId"> {
  parts: Pick<ConversationParts, "hub">;
  log: LogSince;
}

export class TurnPrompt {
  readonly #turn: PromptTurn;
  readonly #catalogue: string;

  constructor(turn: PromptTurn) {
    this.#turn = turn;
    this.#catalogue = turn.parts.hub.catalogue((tool) => isHidden(tool, turn.rules));
  }

  /** Returns an event that tells the model how the servers' instructions have changed. Returns undefined if they have not changed. */
  news(): CatalogueEvent | undefined {
    const { tools, turnId } = this.#turn;
    return this.#isNarrowed ? undefined : tools.record.news(this.#catalogue, turnId);
  }

  system(): string {
    const { options, settings } = this.#turn;
    const system = options.system ?? settings.defaults.systemPrompt;
    const schema = this.#isSchemaInLog() ? undefined : options.output?.jsonSchema;
    return [system, this.#front(), schema && formInstruction(schema)].filter(Boolean).join("\n\n");
  }

  /** Records that a request is being sent with this prompt. */
  sends(): void {
    if (!this.#isNarrowed) this.#turn.tools.record.sends(this.#front());
  }

  /** Returns the estimated input tokens of a request with these messages. A tool of the caller replaces a server's tool of the same name. */
  tokens(messages: readonly Message[]): number {
    const { callerTools = [] } = this.#turn.options;
    const names = new Set(callerTools.map(({ name }) => name));
    const tools = [...this.#turn.tools.tools().filter(({ name }) => !names.has(name)), ...callerTools];
    const besideTokens = tools.reduce((sum, tool) => sum + toolTokens(tool), textTokens(this.system()));
    return Math.ceil(besideTokens + tokensOf(messages));
  }

  #front(): string {
    return this.#isNarrowed ? this.#catalogue : this.#turn.tools.record.frontOf(this.#catalogue);
  }

  /**
   * True if the caller hides tools from the model for this turn only. The instructions of these tools' servers are then hidden too.
   */
  get #isNarrowed(): boolean {
    const { deny = [], only } = this.#turn.options;
    return deny.length > 0 || only !== undefined;
  }

  /** True if the turn's user message already contains the schema of the answer. Otherwise the system prompt must contain it. */
  #isSchemaInLog(): boolean {
    const { log, turnId } = this.#turn;
    return log.events.some(
      (event) => event.turnId === turnId && event.type === "user_message" && event.answerSchema !== undefined,
    );
  }
}
