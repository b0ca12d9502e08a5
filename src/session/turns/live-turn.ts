import type { LiveTurnState, TurnClosing, WatchedTurn } from "../../core/cluster-port.js";
import { RequestError } from "../../core/errors.js";
import type { TurnEvent } from "../../core/events.js";
import type { ContentPart } from "../../core/messages.js";
import type { TurnMail } from "../../core/turn-leases.js";
import { isSameContent, requestMismatch } from "../../log/shared/repeated-requests.js";
import { abortReason, TimeLimitReached } from "../../turn/turn-context.js";
import type { PromptOptions } from "../shared/prompt-options.js";
import { TurnEvents } from "./turn-events.js";

/** Facts about the request of a turn that are known from the beginning. */
interface LiveRequest extends Pick<PromptOptions, "model" | "endsWithCaller" | "approval" | "allow"> {
  requestId: string;
}

/** A turn that runs, waits or is shown on this host: its state, with a method for each transition, and its events. */
export class LiveTurn extends TurnEvents implements WatchedTurn {
  readonly requestId: string;
  readonly content: readonly ContentPart[];
  /** The model that the request names. */
  readonly model: string | undefined;
  /** True if a caller on this host waits for the turn, and cannot ask for the answer again: see `PromptOptions.endsWithCaller`. */
  readonly endsWithCaller: boolean;
  /** Permission of the caller (`--yes`, `--allow`). It holds on this host only: another host may have other servers under the same names. */
  readonly permission: Pick<PromptOptions, "approval" | "allow">;
  readonly #stopping = new AbortController();
  /** Aborts when the turn is cancelled or parked. */
  readonly stop: AbortSignal = this.#stopping.signal;
  #state: LiveTurnState = { at: "claiming" };
  #closing: TurnClosing = "open";
  #turnId = "";
  #isCached = false;
  #isGuest = false;
  #endsOutOfTurn = false;
  #isAutoWithdrawn = false;

  constructor(
    { requestId, model, endsWithCaller = false, approval, allow }: LiveRequest,
    content: readonly ContentPart[],
    onEvent?: (event: TurnEvent) => void,
  ) {
    super(onEvent);
    this.requestId = requestId;
    this.content = content;
    this.model = model;
    this.endsWithCaller = endsWithCaller;
    this.permission = { ...(approval && { approval }), ...(allow && { allow }) };
  }

  get state(): LiveTurnState {
    return this.#state;
  }

  get isRunning(): boolean {
    return this.#state.at === "running";
  }

  /**
   * Id of the turn. The id is empty until the request is in the log, because only then it is known whether the request resumes an old turn.
   */
  get turnId(): string {
    return this.#turnId;
  }

  /** True if the log already contained the whole answer, so that nothing was run or paid for. */
  get cached(): boolean {
    return this.#isCached;
  }

  /** True if this host got the turn from the queue or from a dead host, so that the turn was not requested here. */
  get isGuest(): boolean {
    return this.#isGuest;
  }

  /** True if the turn was cancelled by its request id. The turn then ends at once, and does not wait for earlier turns. */
  get endsOutOfTurn(): boolean {
    return this.#endsOutOfTurn;
  }

  /** True once the user wants to be asked, although the turn began with the approval mode `auto`. It holds as long as the turn is on this host. */
  get isAutoWithdrawn(): boolean {
    return this.#isAutoWithdrawn;
  }

  withdrawAuto(): void {
    this.#isAutoWithdrawn = true;
  }

  becomeGuest(): void {
    this.#isGuest = true;
  }

  /** The request is in the log, as this turn. With `hasEnded`, the log has the whole answer already. */
  claimed(turnId: string, hasEnded = false): void {
    this.#turnId = turnId;
    this.#isCached = hasEnded;
    this.#become("waiting");
  }

  /** The turn is in the queue, which will give it to a host. */
  enterQueue(): void {
    this.#become("queued");
  }

  /**
   * Called when the queue has given the turn to a host. The turn may then run here, after the earlier turns. Does nothing if the turn was
   * not in the queue.
   */
  leaveQueue(): void {
    if (this.#state.at === "queued") this.#become("waiting");
  }

  startRunning(): void {
    this.#become("running");
  }

  /** This host does not run the turn any more. Unless the end of the turn is in the log, the turn waits again. */
  stopRunning(): void {
    if (this.isRunning) this.#become("waiting");
  }

  endIsStored(): void {
    this.#become("stored");
  }

  /**
   * Stops the turn. It ends with this stop reason or, if it was stopped before, with the earlier one. With `isOutOfTurn`, it does not wait for
   * earlier turns.
   */
  cancel(stopReason: "cancelled" | "budget" = "cancelled", { isOutOfTurn = false } = {}): void {
    if (isOutOfTurn) this.#endsOutOfTurn = true;
    this.#stopping.abort(stopReason === "budget" ? new TimeLimitReached() : undefined);
  }

  /** Mail that ends a cancelled turn on another host as it was cancelled here. */
  get cancelMail(): TurnMail {
    const isBudget = abortReason(this.stop) === "budget";
    return {
      type: "cancel",
      ...(this.#endsOutOfTurn && { isOutOfTurn: true }),
      ...(isBudget && { stopReason: "budget" }),
    };
  }

  get closing(): TurnClosing {
    return this.#closing;
  }

  /** Cancels the turn because the host is closing. If the turn is still waiting, it is left to another host. */
  leave(): void {
    if (this.#closing === "open") this.#closing = "leaving";
    this.cancel();
  }

  /** Cancels the turn because the host is closing. If the turn is still waiting, it ends at once, because no other host may run it. */
  leaveOutOfTurn(): void {
    this.#endsOutOfTurn = true;
    this.leave();
  }

  /** Stops the turn without storing an end, because the host is closing. Even a turn that was cancelled but has not ended gets no end. */
  park(): void {
    this.#closing = "parked";
    this.cancel();
  }

  /** Error for the caller if the closing host has cancelled a turn that ends with its caller; otherwise undefined. A repetition is a new call. */
  get closingError(): RequestError | undefined {
    if (!this.endsWithCaller || this.#closing === "open") return undefined;
    return new RequestError("shutting_down", "the host is closing, and this call was cancelled", { retryable: true });
  }

  /**
   * Throws RequestError if the turn is parked. A closing host parks its turns, so that another host, or this one after a restart, continues
   * them.
   */
  requireOpen(): void {
    if (this.#closing !== "parked") return;
    if (this.closingError) throw this.closingError;
    throw new RequestError("shutting_down", "the host is closing; the turn continues when the host is started again", {
      retryable: true,
      hint: "send the same request_id again",
    });
  }

  /** Throws RequestError if this content differs from the content of the turn's request. */
  requireContent(content: readonly ContentPart[]): void {
    if (!isSameContent(this.content, content)) throw requestMismatch(this.requestId);
  }

  /** Ends the turn. Watchers get the remaining events, and after them the error, if there is one. */
  override end(failure: { error?: unknown } = {}): void {
    this.#state = { at: "ended", ...failure };
    super.end(failure);
  }

  /** Changes the state. Does nothing if the turn has ended. */
  #become(at: Exclude<LiveTurnState["at"], "claiming" | "ended">): void {
    if (this.#state.at !== "ended") this.#state = { at };
  }
}
