/** Types for the replies of a scripted model, with templates that are not filled in yet. */
import type { ScriptPosition } from "./script-position.js";

export interface ScriptedReply {
  position: ScriptPosition;
  /** Condition of the reply. Requests that meet no reply's condition are answered by the replies without a condition, in order. */
  when?: ReplyCondition;
  /** Number of requests that the reply must answer. `any` means one or more. */
  times: number | "any";
  delayMs: number;
  answer: ScriptedAnswer | ScriptedRefusal;
}

/** Conditions about the messages since the model's last answer. All conditions must hold. */
export interface ReplyCondition {
  contains?: string;
  /** Like `contains`, but ignores upper and lower case. */
  icontains?: string;
  regex?: string;
  /** Name of the step that makes the request. */
  step?: string;
  /** Pattern of a tool. One of the messages must be a result of such a tool. */
  toolResult?: string;
}

export interface ScriptedAnswer {
  reasoning: string;
  text: string;
  calls: readonly ScriptedCall[];
  /** Finish reason that the model reports. Default: the reason that follows from the answer. */
  finish?: "length" | "content_filter";
  /** Numbers of tokens that the model reports. Default: one token per four characters. */
  usage: { input?: number; output?: number; cached?: number; cacheWrite?: number };
  /**
   * Ends the answer early, after this number of characters. `cut` breaks the connection. `stall` keeps the connection open but sends
   * nothing more.
   */
  broken?: { kind: "cut" | "stall"; afterCharacters: number };
}

interface ScriptedCall {
  /** Tool to call: `server.tool`, or any name that a model might write. */
  name: string;
  /** Arguments of the call. A text is sent unchanged and may be invalid JSON. */
  arguments: Readonly<Record<string, unknown>> | string;
}

export interface ScriptedRefusal {
  /** HTTP status of the answer. With `reset`, the connection is broken instead. */
  error: number | "reset";
  message?: string;
  /** Error code in the body of the answer, such as `context_length_exceeded`. */
  code?: string;
  retryAfterMs?: number;
}

export function isRefusal(answer: ScriptedReply["answer"]): answer is ScriptedRefusal {
  return "error" in answer;
}
