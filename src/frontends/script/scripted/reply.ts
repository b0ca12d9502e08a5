/** What the scripted model is to answer, as the script has it: templates not yet filled in. */
import type { Place } from "../script.js";

export interface ScriptedReply {
  place: Place;
  /** Left out: the next request that no reply with a condition answers. */
  when?: ReplyCondition;
  /** How many requests it answers; `any`: at least one. */
  times: number | "any";
  /** Before the response begins. */
  delayMs: number;
  answer: ScriptedAnswer | ScriptedRefusal;
}

/** All of them have to hold, of what was said since the model's last answer. */
export interface ReplyCondition {
  contains?: string;
  /** Whatever the case of letters. */
  icontains?: string;
  regex?: string;
  /** Name of the step that asks. */
  step?: string;
  /** Pattern of a tool that a result is from. */
  toolResult?: string;
}

export interface ScriptedAnswer {
  reasoning: string;
  text: string;
  calls: readonly ScriptedCall[];
  /** As providers have it. Left out: what follows from the answer. */
  finish?: "length" | "content_filter";
  /** Tokens. Left out: four characters are one. */
  usage: { input?: number; output?: number; cached?: number; cacheWrite?: number };
  /** It does not end as it should: so many characters of it come, then the connection breaks or nothing more. */
  broken?: { kind: "cut" | "stall"; afterCharacters: number };
}

interface ScriptedCall {
  /** `server.tool`, or any name for the model's side. */
  name: string;
  /** A text is the JSON as the model writes it, which may be none. */
  arguments: Readonly<Record<string, unknown>> | string;
}

export interface ScriptedRefusal {
  /** `reset`: the connection breaks instead. */
  error: number | "reset";
  message?: string;
  /** In the body of the error, as providers have it: `context_length_exceeded`. */
  code?: string;
  retryAfterMs?: number;
}

export function isRefusal(answer: ScriptedReply["answer"]): answer is ScriptedRefusal {
  return "error" in answer;
}
