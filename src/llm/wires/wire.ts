/**
 * What a wire is: how one kind of API wants requests and writes answers. A wire is pure. It knows nothing of HTTP, retries, deadlines or
 * keys beyond what it is given, and no wire imports another; what several share lies in `shared/`. `chat/` shows how one is written.
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
 * Methods, not functions in properties: only so a wire with more quirks of its own is a `Wire` too.
 * `Q`: what the models of this wire disagree on. It starts as `quirks` says and changes by what refusals teach.
 */
export interface Wire<Q extends WireQuirks = WireQuirks> {
  readonly name: WireName;
  /** Events of this wire that are alike but for a text, which need no `JSON.parse` then. Default: each event is parsed. */
  readonly words?: WordPlace;

  /** Where requests are posted. `baseUrl` may carry a query. Gemini has the model and whether it streams in the path. */
  url(to: Destination): string;
  /** What is the same in all requests with that key: the key in the wire's own header, a version. The user's own headers outrank them. */
  headers(provider: Provider, key: string | undefined): Record<string, string>;
  /** The quirks of a model before anything was learnt: a table by the model's name, then `provider.quirks` where the user set one. */
  quirks(provider: Provider, model: string): Q;
  /** The request in the wire's words. Throws nothing; what the model cannot take is said in words. */
  request(request: CompletionRequest, target: Target<Q>): WireRequest;
  /** Reads one answer. */
  fold(options: FoldOptions, target: Target<Q>): AnswerFold;

  /** What the body of an error says; `status` is that of the HTTP response. Never throws, whatever the text. */
  error(text: string, status: number | undefined): ProviderError;
  /** The error that a message of a 200 is, if it is one. `event`: the name of its server-sent event. */
  errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined;
  /** Whether the message has the shape of an answer of this wire: of an answer without content, another one is looked at for a complaint. */
  isAnswer(message: JsonObject): boolean;
  /** What a refused request (a 400) teaches, most likely first. A lesson that does not change the request is passed over. */
  learn(refusal: ProviderError, quirks: Q): Lesson<Q>[];

  /** Why this wire cannot serve the model (or cannot with tools), as far as that is known before it is asked; undefined: it can. */
  unserved?(to: Destination): Unserved | undefined;

  /** Models of one family take each other's kept reasoning: `target.kept` gives it to these alone. */
  family(model: string): string;
}

/** What every wire's quirks have, since the host looks at them. */
export interface WireQuirks {
  /** More tools than that are not sent. */
  readonly maxTools: number;
  /** The provider cuts off the beginning of a prompt that is too long for it, without a word. */
  readonly cutsPrompts: boolean;
}

export interface Destination {
  provider: Provider;
  model: string;
  streaming: boolean;
}

/** Whom a request goes to. */
export interface Target<Q extends WireQuirks = WireQuirks> extends Destination {
  quirks: Q;
  /** What may go back with a message of the model: the parts that this wire, provider, account and model family wrote, or nothing. */
  kept(message: AssistantMessage): readonly KeptPart[] | undefined;
}

export interface WireRequest {
  /** An object is sent as `JSON.stringify` writes it. `extra_body` is in it, see `shared/merged.ts`. */
  body: JsonObject | RequestBody;
  /** Those of this request alone, for instance `anthropic-beta`. */
  headers?: Readonly<Record<string, string>>;
}

/** A change of quirks that a refusal asks for. */
export interface Lesson<Q extends WireQuirks = WireQuirks> {
  /** Kept for the model, for the life of the process. Each quirk is learnt once. */
  changes?: Partial<Q>;
  /** What was sent back (`Target.kept`) is refused: none of what this request holds is sent back again. */
  forgetsKept?: true;
  /** This wire does not serve the model (or does not with tools): it is spoken to by that one, for the life of the process. */
  wire?: WireName;
  /** For the log: what is refused, and what is sent from now on. */
  note: string;
  /** Something that the user asked for is left out: the note is a warning. */
  isLoss?: boolean;
}

export interface Unserved {
  /** A sentence without its subject: "takes tools through Responses only". */
  why: string;
  /** The wire that serves it. Absent: none does there. */
  by?: WireName;
}

export interface FoldOptions {
  /** Shows text and reasoning as they come. */
  onDelta: (delta: Delta) => void;
  /** Called before the first delta. */
  onFirst?: () => void;
  /** What the model may call. */
  tools?: readonly Pick<ToolDefinition, "name">[];
}

/**
 * How much of an answer has come, as far as the wire can tell. `open`: its end is missing, and a connection that ends now cut it.
 * `stopped`: the model has said why it stopped; whole if the connection ends, but while that is open more may come. `trailed`: nothing
 * more is expected, and the end is waited for a moment. `over`: nothing more can come.
 */
export type AnswerEnd = "open" | "stopped" | "trailed" | "over";

/** Folds the events of a stream, or the one body of an answer that was not streamed, to the same answer. */
export interface AnswerFold {
  /** Rises with all that the model says: text, reasoning, pieces of calls. Pings, roles and usage are no progress. */
  readonly progress: number;
  readonly end: AnswerEnd;
  /** Why what has come is no answer, where only the whole of it shows that. `end` is `open` then. */
  readonly failure?: ProviderError | undefined;
  /**
   * `event`: the name of the server-sent event. Must not keep the message itself where the wire has `words`: it may become the next one.
   * Returns true when it was nothing but words, so that those after it may come by `pushWords`; false where the wire has no `words`.
   */
  push(message: JsonObject, event: string | undefined): boolean;
  /** The texts of events that were otherwise the same as the last one, as one. */
  pushWords?(words: string): void;
  /** The body of an answer that was not streamed, also where a stream was asked for. */
  pushWhole(body: JsonObject): void;
  /** Takes only the usage of a message that is an error (`Wire.errorIn`): it is billed all the same. Absent: such messages have none. */
  pushUsage?(message: JsonObject): void;
  /** The server wrote `[DONE]`. */
  pushDone(): void;
  /** The answer. Ids of tool calls are unique and never empty: `isTaken` knows those of the conversation, `newId` makes one up. */
  finish(newId: () => string, isTaken: (id: string) => boolean): Answer;
}

export interface Answer {
  /** Without `kept`, which is made of `parts`. */
  message: AssistantMessage;
  finishReason: FinishReason;
  usage?: Usage;
  /** What the provider wants back, with text and calls in the order of the answer. Absent where it wants nothing. Of a filtered answer neither they nor its calls count. */
  parts?: readonly KeptPart[];
  /** The provider goes on from here once the answer is sent back to it as it is (`pause_turn`). */
  isPaused?: true;
}

/** Where an event of a stream has its text. */
export interface WordPlace {
  /** Key of the text. */
  readonly key: string;
  /** The object that holds it. */
  holder(message: JsonObject): JsonObject | undefined;
}
