/**
 * The interface of wires. A wire says how one kind of API wants requests and writes answers. It is pure: it does no HTTP, no retries and no
 * timing, and knows only the keys passed to it. No wire imports another; `shared/` holds code that several use. `chat/` shows how to write
 * one.
 */

import type { WireName } from "../../core/config.js";
import type { JsonObject } from "../../core/json.js";
import type {
  AssistantMessage,
  CompletionRequest,
  Delta,
  FinishReason,
  KeptPart,
  ToolDefinition,
  Usage,
} from "../../core/messages.js";
import type { Provider } from "../providers/providers.js";
import type { ProviderError } from "./shared/provider-error.js";

/**
 * One kind of API. Has methods, not functions in properties, so that a wire with more quirks is still a `Wire`.
 * `Q`: differences between the models of this wire. They start as `quirks` says and change as refusals teach.
 */
export interface Wire<Q extends WireQuirks = WireQuirks> {
  readonly name: WireName;
  /** Position of the text in events that otherwise equal the event before: such events need no `JSON.parse`. */
  readonly words: WordPlace;

  /**
   * Returns the URL to which requests are posted. `baseUrl` may have a query. In Gemini's API the path names the model and says whether to
   * stream.
   */
  url(to: Destination): string;
  /** Returns the headers that all requests with this key have: the key itself, a version. The user's own headers outrank them. */
  headers(provider: Provider, key: string | undefined): Record<string, string>;
  /** Returns a model's quirks before anything is learnt: from a table of model names, then from the user's `provider.quirks`. */
  quirks(provider: Provider, model: string): Q;
  /** Writes the request. Never throws; content that the model does not accept becomes text. */
  request(request: CompletionRequest, target: Target<Q>): WireRequest;
  fold(options: FoldOptions, target: Target<Q>): AnswerFold;

  /** Reads an error body; `status` is that of the HTTP response. Never throws, whatever the text. */
  error(text: string, status: number | undefined): ProviderError;
  /** Returns the error in a message of a 200, if any. `event`: the name of its server-sent event. */
  errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined;
  /** Returns true if the message has the shape of this wire's answers. A message of another shape is searched for a complaint. */
  isAnswer(message: JsonObject): boolean;
  /** Returns the lessons of a refused request (a 400), most likely first. A lesson that does not change the request is skipped. */
  learn(refusal: ProviderError, quirks: Q): Lesson<Q>[];

  /** Returns why this wire cannot serve the model, or cannot serve it with tools, if that is known beforehand; undefined if it can. */
  unserved?(to: Destination): Unserved | undefined;

  /** Returns the model's family. Models of one family accept each other's kept reasoning (`target.kept`). */
  family(model: string): string;
}

/** Quirks that every wire has, because the host itself reads them. */
export interface WireQuirks {
  readonly maxTools: number;
  /** True if the provider silently cuts off the beginning of a prompt that is too long. */
  readonly cutsPrompts: boolean;
}

export interface Destination {
  provider: Provider;
  model: string;
  streaming: boolean;
}

export interface Target<Q extends WireQuirks = WireQuirks> extends Destination {
  quirks: Q;
  /** Returns the kept parts that may be sent back with a message: those from the same wire, provider, account and model family. */
  kept(message: AssistantMessage): readonly KeptPart[] | undefined;
}

export interface WireRequest {
  /** The body as `JSON.stringify` writes it. The user's `extra_body` is already included, see `shared/merged.ts`. */
  body: JsonObject;
  headers?: Readonly<Record<string, string>>;
}

export interface Lesson<Q extends WireQuirks = WireQuirks> {
  /** Changes of quirks that hold for the model until the process ends. Each quirk is learnt only once. */
  changes?: Partial<Q>;
  /** Set if the provider refused kept parts: the kept parts of this request are not sent again. */
  forgetsKept?: true;
  /** Set if another wire serves the model, or serves it with tools. The model uses that wire until the process ends. */
  wire?: WireName;
  /** Text for the log: what the provider refuses, and what is sent from now on. */
  note: string;
  /** True if the new request leaves out something that the user asked for: the note is then logged as a warning. */
  isLoss?: boolean;
}

export interface Unserved {
  /** Reason, as a sentence without its subject: "takes tools through Responses only". */
  why: string;
  /** The wire that serves the model. Absent if no wire does. */
  by?: WireName;
}

export interface FoldOptions {
  onDelta: (delta: Delta) => void;
  onFirst?: () => void;
  tools?: readonly Pick<ToolDefinition, "name">[];
}

/**
 * State of an answer, as far as the wire can tell. `open`: incomplete, so the answer is cut if the connection ends now. `stopped`: the
 * model has said why it stopped; the answer is whole if the connection ends, but more may arrive until then. `trailed`: nothing more is
 * expected, and the end is awaited briefly. `over`: nothing more can arrive.
 */
export type AnswerEnd = "open" | "stopped" | "trailed" | "over";

/** Collects a stream's events, or one whole body, into an answer. Both give the same answer. */
export interface AnswerFold {
  /** Number of pieces that the model has written: text, reasoning, parts of calls. Pings, roles and usage do not count. */
  readonly progress: number;
  readonly end: AnswerEnd;
  /** Set if the whole answer turns out to be a failure. `end` is then `open`. */
  readonly failure?: ProviderError | undefined;
  /**
   * Takes an event. `event`: the name of the server-sent event. Returns true if the message held only words: the words of later events that
   * are otherwise the same may then come by `pushWords`.
   */
  push(message: JsonObject, event: string | undefined): boolean;
  /** Takes the joined words of events that were otherwise the same as the last one. */
  pushWords(words: string): void;
  /** Takes the body of an answer that was not streamed, even if a stream was requested. */
  pushWhole(body: JsonObject): void;
  /**
   * Takes only the usage from an error (`Wire.errorIn`) or from a message after it, because failed answers are billed too. Returns true if
   * the message had any. Absent if this wire never sends usage with an error or after it.
   */
  pushUsage?(message: JsonObject): boolean;
  pushDone(): void;
  /**
   * Returns the answer. Ids of tool calls are unique and never empty: `isTaken` tells whether the conversation already has an id, `newId`
   * makes one up.
   */
  finish(newId: () => string, isTaken: (id: string) => boolean): WireAnswer;
  /**
   * Returns the parts to send back with the text of an answer that broke off: no reasoning, since its signature may be missing, and no
   * calls. Absent if this wire's texts have nothing beside them.
   */
  brokenParts?(): readonly KeptPart[] | undefined;
}

export interface WireAnswer {
  /** The message without `kept`, which the caller makes from `parts`. */
  message: AssistantMessage;
  finishReason: FinishReason;
  usage?: Usage;
  /**
   * All parts of the answer in order, if the provider wants some of them back; otherwise absent. Parts and calls of a filtered answer are
   * ignored.
   */
  parts?: readonly KeptPart[];
  /** Set if the provider has paused the answer (`pause_turn`), and continues it once it is sent back unchanged. */
  isPaused?: true;
}

export interface WordPlace {
  readonly key: string;
  holder(message: JsonObject): JsonObject | undefined;
  /** Key of a number that only counts the events. Two events that differ in this number alone are regarded as alike. */
  readonly counter?: string;
}
