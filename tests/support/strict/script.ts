/**
 * What the "model" answers, in words that every wire has. A script is a list of steps, one for each request that the mock accepts, or a
 * function that answers any number of them. A refused request uses no step.
 */
export type Script = readonly Step[] | ((seen: Seen) => Step);
type Step = Answer | Failure | ((seen: Seen) => Answer | Failure);

/** What a scripted function may look at, the same on every wire. */
export interface Seen {
  /** How many requests were accepted before this one. */
  hop: number;
  model: string;
  /** The text of the last user message that is not a tool result. */
  userText: string;
  /** The texts of the tool results at the end of the request, in order. */
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
  /** Why the answer ends, where it is not the natural end of its parts. */
  end?: End;
  breaks?: Break;
}

/** The reasons in the host's words. A wire without the reason answers with the nearest that its vendor has. */
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
   * `cut` ends the body, `reset` destroys the socket, `stall` waits and goes on, `error` sends the wire's error event and ends. `failed`
   * is the second form that Responses has for an error (`response.failed`), and `error` elsewhere. A whole body has no event: it is
   * replaced by the error.
   */
  how: "cut" | "reset" | "stall" | "error" | "failed";
  /** `start`: after the headers. `before_text`: before the first text or call. `after_text`, `in_call`: after its first delta. */
  at: "start" | "before_text" | "after_text" | "in_call" | "before_end";
  /** Ends a stall; a function is called when it begins. Without it the stall lasts until the client leaves. */
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

/** An error in place of an answer. */
export interface Failure {
  fails: FailureKind;
  /** OpenAI and Anthropic send it in the header that it is given for; Gemini words it as `RetryInfo` and has no date. */
  retryAfter?: { seconds: number } | { milliseconds: number } | { date: Date } | { body: string };
  headers?: Record<string, string>;
}

export const thinks = (text: string): Part => ({ kind: "thinks", text });
/** Thinking that the vendor does not show (`redacted_thinking`); plain reasoning on the other wires. */
export const thinksRedacted = (text: string): Part => ({ kind: "thinks", text, isRedacted: true });
export const says = (text: string, phase?: "commentary" | "final_answer"): Part => ({ kind: "says", text, phase });
/** A tool call. Arguments given as a string are sent as they are, so they may be broken JSON where the wire can carry it. */
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

/** The steps of a loop: `hops` answers that `hop` makes (each with calls), then the last answer. */
export const loop = (hops: number, hop: (index: number) => Answer, last: Answer): Answer[] => [
  ...Array.from({ length: hops }, (_, index) => hop(index)),
  last,
];
