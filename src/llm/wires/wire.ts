/**
 * The interface of wires: how one kind of API wants requests and writes answers. A wire is pure: it knows no HTTP, retries, deadlines or
 * keys beyond what it is given. No wire imports another; `shared/` holds what several share. `chat/` shows how to write one.
 */
import type {
  AssistantMessage,
  CompletionRequest,
  Delta,
  FinishReason,
  KeptPart,
  ToolDefinition,
  Usage,
} from "../../core/chat.js";
import type { WireName } from "../../core/config.js";
import type { JsonObject } from "../json.js";
import type { Provider } from "../providers/providers.js";
import type { ProviderError } from "./shared/provider-error.js";
import type { RequestBody } from "./shared/request-body.js";

/**
 * One kind of API. Has methods, not functions in properties, so that a wire with more quirks is still a `Wire`.
 * `Q`: differences between the models of this wire. They start as `quirks` says and change as refusals teach.
 */
export interface Wire<Q extends WireQuirks = WireQuirks> {
  readonly name: WireName;
  /** Place of the text in events that are otherwise alike, which then need no `JSON.parse`. */
  readonly words: WordPlace;

  /** Returns where requests are posted. `baseUrl` may carry a query. Gemini has model and streaming in the path. */
  url(to: Destination): string;
  /** Returns the headers common to all requests with that key: the key itself, a version. The user's own headers outrank them. */
  headers(provider: Provider, key: string | undefined): Record<string, string>;
  /** Returns a model's quirks before anything is learnt: from a table by name, then from the user's `provider.quirks`. */
  quirks(provider: Provider, model: string): Q;
  /** Writes the request. Never throws; content that the model cannot take becomes text. */
  request(request: CompletionRequest, target: Target<Q>): WireRequest;
  fold(options: FoldOptions, target: Target<Q>): AnswerFold;

  /** Reads an error body; `status` is that of the HTTP response. Never throws, whatever the text. */
  error(text: string, status: number | undefined): ProviderError;
  /** Returns the error in a message of a 200, if any. `event`: the name of its server-sent event. */
  errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined;
  /** Returns true if the message has the shape of this wire's answers. A message of another shape is searched for a complaint. */
  isAnswer(message: JsonObject): boolean;
  /** Returns what a refused request (a 400) teaches, most likely first. A lesson that does not change the request is skipped. */
  learn(refusal: ProviderError, quirks: Q): Lesson<Q>[];

  /** Returns why this wire cannot serve the model (or not with tools), if that is known beforehand; undefined if it can. */
  unserved?(to: Destination): Unserved | undefined;

  /** Returns the model's family, whose members take each other's kept reasoning (`target.kept`). */
  family(model: string): string;
}

/** Quirks of every wire, which the host itself reads. */
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
  /** Returns the parts that may go back with a message: those that this wire, provider, account and model family wrote. */
  kept(message: AssistantMessage): readonly KeptPart[] | undefined;
}

export interface WireRequest {
  /** An object is sent as `JSON.stringify` writes it. Includes `extra_body`, see `shared/merged.ts`. */
  body: JsonObject | RequestBody;
  headers?: Readonly<Record<string, string>>;
}

export interface Lesson<Q extends WireQuirks = WireQuirks> {
  /** Kept for the model, for the life of the process. Each quirk is learnt once. */
  changes?: Partial<Q>;
  /** Set if the kept parts were refused: those of this request are not sent again. */
  forgetsKept?: true;
  /** Set if another wire serves the model (or serves it with tools): the model's wire for the life of the process. */
  wire?: WireName;
  /** For the log: what is refused, and what is sent from now on. */
  note: string;
  /** True if something that the user asked for is left out: the note is a warning. */
  isLoss?: boolean;
}

export interface Unserved {
  /** A sentence without its subject: "takes tools through Responses only". */
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
 * State of an answer, as far as the wire can tell. `open`: a connection that ends now cut it. `stopped`: the model has said why it stopped;
 * whole if the connection ends, but more may arrive until then. `trailed`: nothing more is expected, and the end is awaited briefly.
 * `over`: nothing more can arrive.
 */
export type AnswerEnd = "open" | "stopped" | "trailed" | "over";

/** Fold of a stream's events, or of one whole body, to the same answer. */
export interface AnswerFold {
  /** Count of all that the model says: text, reasoning, pieces of calls. Pings, roles and usage do not count. */
  readonly progress: number;
  readonly end: AnswerEnd;
  /** Set if only the whole answer shows that it is a failure. `end` is `open` then. */
  readonly failure?: ProviderError | undefined;
  /**
   * Takes an event. `event`: the name of the server-sent event. Returns true if it was only words, so that the words of later events that
   * are otherwise the same may come by `pushWords`.
   */
  push(message: JsonObject, event: string | undefined): boolean;
  /** Takes the joined texts of events that were otherwise the same as the last one. */
  pushWords(words: string): void;
  /** Takes the body of an answer that was not streamed, even if a stream was requested. */
  pushWhole(body: JsonObject): void;
  /** Takes only the usage of an error (`Wire.errorIn`), since it is billed too. Absent if errors of this wire have none. */
  pushUsage?(message: JsonObject): void;
  pushDone(): void;
  /** Returns the answer. Ids of tool calls are unique and never empty: `isTaken` knows those of the conversation, `newId` makes one up. */
  finish(newId: () => string, isTaken: (id: string) => boolean): Answer;
}

export interface Answer {
  /** Lacks `kept`, which is made of `parts`. */
  message: AssistantMessage;
  finishReason: FinishReason;
  usage?: Usage;
  /**
   * Parts that the provider wants back, with text and calls, in order. Absent if it wants nothing. Of a filtered answer neither parts nor
   * calls count.
   */
  parts?: readonly KeptPart[];
  /** Set if the provider continues once the answer is sent back unchanged (`pause_turn`). */
  isPaused?: true;
}

export interface WordPlace {
  readonly key: string;
  holder(message: JsonObject): JsonObject | undefined;
  /** Key of a number that counts the events and means nothing else: it does not make two events different. */
  readonly counter?: string;
}
