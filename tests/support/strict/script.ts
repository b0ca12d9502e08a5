/**
 * The answers of the "model", in words that every wire has. A script is a list of steps, one for each request that the mock accepts, or a
 * function that answers any number of requests. A refused request uses no step.
 */
export type Script = readonly Step[] | ((seen: Seen) => Step);
type Step = Answer | Failure | ((seen: Seen) => Answer | Failure);

/** Facts about a request that a scripted function may use, the same on every wire. */
export interface Seen {
  /** Number of requests that were accepted before this one. */
  hop: number;
  model: string;
  /** Text of the last user message that is not a tool result. */
  userText: string;
  /** Texts of the tool results at the end of the request, in order. */
  results: string[];
  /** The body as the client sent it. */
  body: Record<string, unknown>;
}

export type Part =
  | { kind: "thinks"; text: string; isRedacted?: boolean }
  | { kind: "says"; text: string; phase?: "commentary" | "final_answer" }
  | { kind: "calls"; name: string; arguments: string };

export interface Answer {
  parts: readonly Part[];
  /** Reason for the end, if it is not the natural end of the parts. */
  end?: End;
  breaks?: Break;
}

/** Reasons for an end in the host's words. A wire without a reason answers with the nearest one of its vendor. */
export type End =
  | "length"
  | "refusal"
  | "content_filter"
  | "prompt_blocked"
  | "pause"
  | "context_window"
  | "malformed_call"
  | "empty";

/** A fault inside an answer with status 200. */
export interface Break {
  /**
   * `cut` ends the body, `reset` destroys the socket, `stall` waits and then continues, `error` sends the wire's error event and ends.
   * `failed` is the second form of an error on Responses (`response.failed`), and the same as `error` elsewhere. A whole body has no
   * events, so the error replaces it.
   */
  how: "cut" | "reset" | "stall" | "error" | "failed";
  /**
   * `start`: after the headers. `before_text`: before the first text or call. `after_text`, `in_call`: after the first delta of a text or
   * call.
   */
  at: "start" | "before_text" | "after_text" | "in_call" | "before_end";
  /** Ends a stall; a function is called when the stall begins. If it is missing, the stall lasts until the client leaves. */
  until?: Promise<unknown> | (() => Promise<unknown>);
  /** The kind of the error event. */
  error?: FailureKind;
}

export type FailureKind =
  | "rate_limit"
  | "quota"
  | "overloaded"
  | "server"
  | "timeout"
  | "auth"
  | "billing"
  | "forbidden"
  | "not_found"
  | "too_large"
  | "context_overflow"
  | "html";

/** An error instead of an answer. */
export interface Failure {
  fails: FailureKind;
  /** Time to wait. OpenAI and Anthropic send it in the header for its unit; Gemini sends it as `RetryInfo` and has no date. */
  retryAfter?: { seconds: number } | { milliseconds: number } | { date: Date } | { body: string };
  headers?: Record<string, string>;
}

export const thinks = (text: string): Part => ({ kind: "thinks", text });
/** Makes thinking that the vendor does not show (`redacted_thinking`); on the other wires it is plain reasoning. */
export const thinksRedacted = (text: string): Part => ({ kind: "thinks", text, isRedacted: true });
export const says = (text: string, phase?: "commentary" | "final_answer"): Part => ({ kind: "says", text, phase });
/** Makes a tool call. Arguments given as a string are sent unchanged, so they may be broken JSON if the wire can carry it. */
export const calls = (name: string, args: object | string = {}): Part => ({
  kind: "calls",
  name,
  arguments: typeof args === "string" ? args : JSON.stringify(args),
});

/** Makes an answer: `answer("hi")`, `answer(thinks("hm"), calls("add", {a: 2}))`. */
export const answer = (...parts: (Part | string)[]): Answer => ({
  parts: parts.map((part) => (typeof part === "string" ? says(part) : part)),
});
export const ending = (end: End, ...parts: (Part | string)[]): Answer => ({ ...answer(...parts), end });
export const breaking = (breaks: Break, ...parts: (Part | string)[]): Answer => ({ ...answer(...parts), breaks });
export const failing = (fails: FailureKind, more: Omit<Failure, "fails"> = {}): Failure => ({ fails, ...more });

/** Makes the steps of a loop: `hops` answers from `hop` (each with calls), then the last answer. */
export const loop = (hops: number, hop: (index: number) => Answer, last: Answer): Answer[] => [
  ...Array.from({ length: hops }, (_, index) => hop(index)),
  last,
];
