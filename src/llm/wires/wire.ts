/**
 * The interface of wires. A wire knows how one kind of API expects requests and how it writes answers. A wire has no side effects: no HTTP,
 * no retries, no timing. It knows only the keys that are passed to it. No wire imports another; code that several wires use is in
 * `shared/`. `chat/` is an example of a wire.
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
 * One kind of API. It is declared with methods instead of function properties, because TypeScript then accepts a wire with more quirks as a
 * `Wire`. `Q`: the quirks by which the models of this wire differ. A model's quirks are at first as `quirks` returns them, and change when
 * a provider refuses something.
 */
export interface Wire<Q extends WireQuirks = WireQuirks> {
  readonly name: WireName;
  /**
   * Position of the text inside an event. If an event differs from the previous event only in this text, `JSON.parse` is not called for it.
   */
  readonly textPosition: TextPosition;

  /**
   * Returns the URL to which requests are sent. `baseUrl` may have a query. In Gemini's API, the path contains the model and whether to
   * stream.
   */
  url(to: Destination): string;
  /**
   * Returns the headers that all requests with this key have: the key itself and, for some APIs, a version. If the user has configured the
   * same header, the user's value is sent.
   */
  headers(provider: Provider, key: string | undefined): Record<string, string>;
  /** Returns a model's quirks as known before the first request: from a table of model names, then from the user's `provider.quirks`. */
  quirks(provider: Provider, model: string): Q;
  /** Writes the request. Never throws; content that the model does not accept becomes text. */
  request(request: CompletionRequest, target: Target<Q>): WireRequest;
  fold(options: FoldOptions, target: Target<Q>): AnswerFold;

  /** Reads an error body; `status` is that of the HTTP response. Never throws, whatever the text. */
  error(text: string, status: number | undefined): ProviderError;
  /** Returns the error in a message that came with status 200, if any. `event`: the name of its server-sent event. */
  errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined;
  /** Returns true if the message has the shape of this wire's answers. A message of another shape may be an error. */
  isAnswer(message: JsonObject): boolean;
  /**
   * Returns possible lessons of a refused request (a 400), most likely first. A lesson changes how later requests are written. A lesson
   * that does not change the request is skipped.
   */
  learn(refusal: ProviderError, quirks: Q): Lesson<Q>[];

  /** Returns the model's family. Models of one family accept each other's kept reasoning (`target.kept`). */
  family(model: string): string;
}

/** Quirks that every wire has, because code outside the wires reads them. */
export interface WireQuirks {
  readonly maxTools: number;
  /** Maximum number of characters of a tool's description. Undefined if no limit is known. */
  readonly maxDescription?: number;
  /** True if the model takes pictures. Absent if no model of this wire does; the same for sound and PDFs. */
  readonly images?: boolean;
  readonly audio?: boolean;
  readonly files?: boolean;
  /** True if the provider silently cuts off the beginning of a prompt that is too long. */
  readonly cutsPrompts: boolean;
  /** False if the provider refuses to stream. Every answer of the model is then requested as a whole. Absent if it streams. */
  readonly streams?: boolean;
}

interface Destination {
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
  /** Changes to the quirks, which hold for the model until the process ends. A quirk is changed at most once. */
  changes?: Partial<Q>;
  /**
   * Set if the provider may have refused a picture or sound of the conversation. The request is then sent again with notes in place of those
   * that the refusal may be about.
   */
  leavesOutMedia?: true;
  /** Set if only another wire can serve the model, or serve it with tools. The model uses that wire until the process ends. */
  wire?: WireName;
  /** Text for the log: what the provider refuses, and how requests are changed because of it. */
  note: string;
  /** True if later requests leave out something that the user asked for. The note is then logged as a warning. */
  isLoss?: boolean;
}

export interface FoldOptions {
  onDelta: (delta: Delta) => void;
  /** Called before the first delta. */
  onFirst?: () => void;
  /** Called with the first piece of the answer, such as a text or a tool call, also if it is not shown. */
  onBegun?: (() => void) | undefined;
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
  /** About how many characters these pieces have, with the parts that are kept. */
  readonly length: number;
  readonly end: AnswerEnd;
  /** Set if the answer turns out to be a failure as a whole. In this case, `end` is `open`. */
  readonly failure?: ProviderError | undefined;
  /**
   * Takes an event. `event`: the name of the server-sent event. Returns true if the message held only text of the answer. If later events
   * differ from this event only in their text, their text may then be passed to `pushText` instead.
   */
  push(message: JsonObject, event: string | undefined): boolean;
  /** Takes the joined text of events that differed from the previous event only in their text. */
  pushText(text: string): void;
  /** Takes the body of an answer that came as a whole, even if a stream was requested. */
  pushWhole(body: JsonObject): void;
  /**
   * Takes the usage from an error (`Wire.errorIn`) or from a message after the error, because failed answers are billed too. Returns true
   * if there was any usage. Absent if this wire never sends usage with an error or after it.
   */
  pushUsage?(message: JsonObject): boolean;
  pushDone(): void;
  /**
   * Returns the answer. Ids of tool calls are unique and never empty. `isTaken` tells whether the conversation already has an id; `newId`
   * creates a new one.
   */
  finish(newId: () => string, isTaken: (id: string) => boolean): WireAnswer;
  /**
   * Returns the parts to send back together with the text of an answer that broke off. They hold no reasoning, since its signature may be
   * missing, and no calls. Absent if this wire sends back nothing but the text.
   */
  brokenParts?(): readonly KeptPart[] | undefined;
}

export interface WireAnswer {
  /** The message without `kept`. The caller derives `kept` from `parts`. */
  message: AssistantMessage;
  finishReason: FinishReason;
  usage?: Usage;
  /**
   * All parts of the answer in order. Absent if the provider wants none of them back. Parts and calls of an answer that was stopped by a
   * content filter are ignored.
   */
  parts?: readonly KeptPart[];
  /** Set if the provider has paused the answer (`pause_turn`). The provider continues it if it is sent back unchanged. */
  isPaused?: true;
}

export interface TextPosition {
  readonly key: string;
  holder(message: JsonObject): JsonObject | undefined;
  /** Key of a number that only counts events. Two events that differ only in this number and in their text count as equal. */
  readonly counter?: string;
}
