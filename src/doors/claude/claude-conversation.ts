import { RequestError } from "../../core/errors.js";
import type { QuestionEvent, TurnEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";
import type { PromptOptions } from "../../session/shared/prompt-options.js";
import { summarizeTurn } from "../../session/shared/summary.js";
import { printTurn } from "../printed/printed-turn.js";
import type { DoorParts } from "../shared/door.js";
import { exitCodes } from "../shared/exit-codes.js";
import { SessionUsage } from "./anthropic-usage.js";
import { type ClaudeInput, parseInput } from "./claude-input.js";
import { Control } from "./control.js";
import { Inquiries } from "./inquiries.js";
import { type ClaudeOptions, ClaudeView } from "./view.js";

export interface PipeOptions extends ClaudeOptions {
  conversationId?: string;
  turn: PromptOptions;
  systemPrompt: string;
  /** True if calls that need approval are asked about with `can_use_tool`; otherwise they are denied. */
  canAsk: boolean;
  /** True if each prompt is echoed when its turn begins. */
  replaysPrompts: boolean;
}

/**
 * One conversation with the program that controls this host over stdin. The program's messages are answered in order, each with exactly one
 * `result`.
 */
export class ClaudeConversation {
  readonly #parts: DoorParts;
  readonly #options: PipeOptions;
  readonly #write: (message: object) => Promise<void>;
  readonly #session: Session;
  readonly #release: () => void;
  readonly #control: Control;
  readonly #inquiries: Inquiries;
  readonly #account = new SessionUsage();
  /** Ids of the requests that have no result yet. The turn of the first request is being shown. */
  readonly #queue: string[] = [];
  #shown: Promise<void> = Promise.resolve();
  #hasLeft = false;
  /** Exit code of the last turn. */
  exitCode: number = exitCodes.done;

  constructor(parts: DoorParts, options: PipeOptions, write: (message: object) => Promise<void>) {
    this.#parts = parts;
    this.#options = options;
    this.#write = write;
    this.#session = parts.sessions.open(options.conversationId);
    this.#release = this.#session.hold();
    this.#control = new Control(parts, options, {
      interrupt: (all) => this.#interrupt(all),
      withdrawAuto: () => this.#session.withdrawAuto(),
    });
    this.#inquiries = new Inquiries({
      answer: (questionId, value) => void this.#session.answer(questionId, value),
      interrupt: () => void this.#interrupt(false).catch(() => {}), // the end of the turn shows it
      write,
    });
  }

  /** Handles one line. Lines take effect in the order in which this function is called. */
  async receive(line: string): Promise<void> {
    const message = parseInput(line);
    if (!("problem" in message)) return this.#take(message);
    if (message.asks === "result") this.#refuse(message.problem);
    else await this.reject(message.problem, message.requestId);
  }

  /** Sends an error. The request id is empty if the error is about a line without a request id. */
  reject(error: string, requestId = ""): Promise<void> {
    return this.#write({ type: "control_response", response: { subtype: "error", request_id: requestId, error } });
  }

  /** Denies all questions, because no more answers can come. Resolves when every turn has been shown to its end. */
  async leave(): Promise<void> {
    this.#hasLeft = true;
    this.#inquiries.leave();
    await this.#shown;
    this.#release();
  }

  cancelAll(): void {
    this.#session.cancel();
  }

  async #take(message: ClaudeInput): Promise<void> {
    switch (message.type) {
      case "user":
        return this.#prompt(message);
      case "control_request": {
        const response = await this.#control.answer(message.requestId, message.request);
        return this.#write({ type: "control_response", response });
      }
      case "control_response": {
        const { requestId, value, isError } = message;
        if (this.#inquiries.settle(requestId, value, isError)) return;
        return this.reject(
          `nothing was asked under the request_id ${JSON.stringify(requestId.slice(0, 80))}`,
          requestId,
        );
      }
    }
  }

  /** Submits the turn at once, before the next line is read. The turn is shown after all earlier turns. */
  #prompt(input: Extract<ClaudeInput, { type: "user" }>): void {
    const { content, message, requestId = this.#parts.newId("req") } = input;
    const { model, system, denied, permission, refusal } = this.#control;
    if (refusal) {
      this.#refuse(refusal);
      return;
    }
    const { approval } = permission;
    const submit = async () => {
      const resolved = this.#parts.resolveModel(model);
      const { turn } = this.#options;
      const deny = [...(turn.deny ?? []), ...denied];
      // A program that has lost this process, or has ended it, counts its prompt as over.
      const options = {
        ...turn,
        model,
        system,
        deny,
        approval,
        streamRecovery: "restart" as const,
        endsWithCaller: true,
      };
      return { model: resolved, turn: await this.#session.submit({ ...options, requestId, content }) };
    };
    const submitting = submit();
    submitting.catch(() => {}); // `printTurn` reports this error, after the earlier turns have been shown
    this.#queue.push(requestId);
    this.#then(async () => {
      if (this.#options.replaysPrompts) {
        const echo = { type: "user", message, parent_tool_use_id: null, isReplay: true };
        await this.#write({ ...echo, session_id: this.#session.id, uuid: requestId });
      }
      const view = this.#view(approval);
      const { exitCode } = await printTurn(submitting, view, (event) => this.#follow(event));
      this.exitCode = exitCode;
      this.#queue.shift();
    });
  }

  /** Refuses a user message: sends a `result` with the problem, after the results of earlier messages. */
  #refuse(problem: string): void {
    const { kind, message, retryable, hint } = new RequestError("usage", problem);
    this.#then(async () => {
      const view = this.#view(this.#control.permission.approval);
      await view.end({ ...summarizeTurn([]), stopReason: "error", error: { kind, message, retryable, hint } });
      this.exitCode = exitCodes.usage;
    });
  }

  #then(show: () => Promise<void>): void {
    this.#shown = this.#shown.then(show);
  }

  #view(approval = this.#options.approval): ClaudeView {
    const { cwd, version, includePartialMessages, newUuid } = this.#options;
    return new ClaudeView({
      cwd,
      version,
      includePartialMessages,
      newUuid,
      approval,
      parts: this.#parts,
      conversationId: this.#session.id,
      account: this.#account,
      write: this.#write,
    });
  }

  #follow(event: TurnEvent): void {
    if (this.#session.isAsking(event)) this.#ask(event);
    if (event.type === "answer") void this.#inquiries.over(event.questionId);
  }

  #ask(event: QuestionEvent): void {
    const { questionId, question } = event;
    const { isAsked } = this.#control.permission;
    const canBeAsked =
      (question.kind === "approval" && isAsked) || (question.kind === "elicitation" && this.#control.isInitialized);
    if (this.#hasLeft || !canBeAsked) this.#session.answer(questionId, false);
    else void this.#inquiries.ask(questionId, question);
  }

  /**
   * Cancels all requests if `all` is true. Otherwise cancels only the current request, and the waiting requests stay in the queue. Resolves
   * when the cancellation is in the log. Rejects with StoreError.
   */
  async #interrupt(all: boolean): Promise<{ still_queued: string[]; cancelled?: string[] }> {
    const [, ...waiting] = this.#queue;
    const cancelled = all ? this.#queue : this.#queue.slice(0, 1);
    // All turns are stopped before the first confirmation, so that no waiting turn begins to run meanwhile.
    await Promise.all(cancelled.map((requestId) => this.#session.cancelAnywhere(requestId)));
    if (!all) return { still_queued: waiting };
    return { still_queued: [], cancelled: waiting };
  }
}
