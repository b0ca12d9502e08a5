/** A reply of the scripted model. Its templates are not yet filled in. */
import type { Place } from "../script.js";

export interface ScriptedReply {
  place: Place;
  /** Default: answers the next request that no reply with a condition answers. */
  when?: ReplyCondition;
  /** Number of requests that it answers; `any`: at least one. */
  times: number | "any";
  delayMs: number;
  answer: ScriptedAnswer | ScriptedRefusal;
}

/** Conditions on what was said since the model's last answer. All must hold. */
export interface ReplyCondition {
  contains?: string;
  /** Case-insensitive `contains`. */
  icontains?: string;
  regex?: string;
  /** Name of the asking step. */
  step?: string;
  /** Pattern of the tool that returned a result. */
  toolResult?: string;
}

export interface ScriptedAnswer {
  reasoning: string;
  text: string;
  calls: readonly ScriptedCall[];
  /** Finish reason of providers. Default: follows from the answer. */
  finish?: "length" | "content_filter";
  /** Tokens. Default: one per four characters. */
  usage: { input?: number; output?: number; cached?: number; cacheWrite?: number };
  /** Breaks the answer off after so many characters: `cut` breaks the connection, `stall` sends nothing more. */
  broken?: { kind: "cut" | "stall"; afterCharacters: number };
}

interface ScriptedCall {
  /** `server.tool`, or any model-side name. */
  name: string;
  /** A text is sent as the model's arguments and may be invalid JSON. */
  arguments: Readonly<Record<string, unknown>> | string;
}

export interface ScriptedRefusal {
  /** HTTP status. `reset` breaks the connection instead. */
  error: number | "reset";
  message?: string;
  /** Code in the body of the error, as providers send it: `context_length_exceeded`. */
  code?: string;
  retryAfterMs?: number;
}

export function isRefusal(answer: ScriptedReply["answer"]): answer is ScriptedRefusal {
  return "error" in answer;
}
