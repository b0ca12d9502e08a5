import { messageOf } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import { parseToolPattern } from "../../core/patterns/tool-pattern.js";
import { child } from "../../core/source/tree.js";
import { parseDuration } from "../../core/text/durations.js";
import { didYouMean } from "../../core/text/nearest.js";
import type { ReplyCondition, ScriptedReply } from "../shared/reply.js";
import { innerSteps, type Step } from "../shared/script.js";
import type { ScriptDocument } from "./document.js";

/** A reply that the schema has accepted. */
interface WrittenReply {
  when?: { contains?: string; icontains?: string; regex?: string; step?: string; tool_result?: string };
  repeat?: boolean;
  times?: number;
  delay?: number | string;
  reply?: string;
  reasoning?: string;
  tool_calls?: { name: string; arguments?: JsonObject | string }[];
  finish?: "length" | "content_filter";
  usage?: { input_tokens?: number; output_tokens?: number; cached_tokens?: number; cache_write_tokens?: number };
  cut?: number;
  stall?: number;
  error?: number | string;
  message?: string;
  code?: string;
  retry_after?: number | string;
}

/** Reads and checks the replies for `model: scripted`. Problems are added to the document. */
export function readReplies(list: unknown, steps: readonly Step[], document: ScriptDocument): ScriptedReply[] {
  const replies: ScriptedReply[] = [];
  let endless: number | undefined;
  for (const [index, item] of (Array.isArray(list) ? list : []).entries()) {
    const pointer = child("/scripted", index);
    if (!document.isSound(pointer)) continue;
    const written = item as WrittenReply;
    checkSense(written, pointer, document);
    checkCondition(written.when ?? {}, `${pointer}/when`, { steps, document });
    document.checkTemplates(pointer, item);
    const reply = read(written, pointer, document);
    if (!reply.when && endless !== undefined) {
      const message = `this reply is never used, because the reply in line ${endless} is repeated for ever`;
      document.complain({ pointer, part: "value", message });
    }
    if (!reply.when && reply.times === "any") endless ??= reply.position.line;
    replies.push(reply);
  }
  return replies;
}

const ofAnswers = ["reply", "reasoning", "tool_calls", "finish", "usage", "cut", "stall"] as const;
const ofErrors = ["message", "code", "retry_after"] as const;

function checkSense(written: WrittenReply, pointer: string, document: ScriptDocument): void {
  const complain = (key: keyof WrittenReply, message: string) =>
    document.complain({ pointer: child(pointer, key), part: "key", message });
  if (!["reply", "tool_calls", "error"].some((key) => key in written)) {
    document.complain({ pointer, part: "value", message: "a reply has reply, tool_calls or error" });
  } else if (written.error !== undefined) {
    if (typeof written.error === "string" && written.error !== "reset") {
      const message = `expected a status from 400 to 599 or "reset", got ${JSON.stringify(written.error)}`;
      document.complain({ pointer: `${pointer}/error`, part: "value", message });
    }
    for (const key of ofAnswers) if (key in written) complain(key, `"${key}" cannot be combined with "error"`);
  } else {
    for (const key of ofErrors) if (key in written) complain(key, `"${key}" goes with "error"`);
  }
  if (written.cut !== undefined && written.stall !== undefined) complain("stall", `"cut" is given twice`);
  if (written.repeat && written.times !== undefined) complain("times", `it has "repeat" already`);
}

function checkCondition(
  when: NonNullable<WrittenReply["when"]>,
  pointer: string,
  { steps, document }: { steps: readonly Step[]; document: ScriptDocument },
): void {
  const complain = (key: keyof typeof when, message: string) =>
    document.complain({ pointer: child(pointer, key), part: "value", message });
  const regexMessage = when.regex === undefined ? undefined : regexProblem(when.regex);
  if (regexMessage !== undefined) complain("regex", regexMessage);
  const pattern = when.tool_result === undefined ? undefined : parseToolPattern(when.tool_result);
  if (pattern && "problem" in pattern) complain("tool_result", pattern.problem);
  const names = namesOf(steps);
  if (when.step !== undefined && !names.includes(when.step)) {
    complain("step", `there is no step of the name ${JSON.stringify(when.step)}${didYouMean(when.step, names)}`);
  }
}

function regexProblem(regex: string): string | undefined {
  try {
    new RegExp(regex, "su");
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function namesOf(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => [step.name, ...namesOf(innerSteps(step) ?? [])]);
}

function read(written: WrittenReply, pointer: string, document: ScriptDocument): ScriptedReply {
  const { repeat, times = repeat ? "any" : 1, delay = 0 } = written;
  return {
    position: document.position(pointer),
    ...(written.when && { when: conditionOf(written.when) }),
    times,
    delayMs: millisecondsOf(delay),
    answer: answerOf(written),
  };
}

function conditionOf({ tool_result: toolResult, ...when }: NonNullable<WrittenReply["when"]>): ReplyCondition {
  return { ...when, ...(toolResult !== undefined && { toolResult }) };
}

function answerOf(written: WrittenReply): ScriptedReply["answer"] {
  const { error, message, code, retry_after: retryAfter } = written;
  if (error !== undefined) {
    return {
      error: typeof error === "number" ? error : "reset",
      message,
      code,
      retryAfterMs: retryAfter === undefined ? undefined : millisecondsOf(retryAfter),
    };
  }
  const { reply: text = "", reasoning = "", tool_calls: calls = [], finish, usage, cut, stall } = written;
  return {
    reasoning,
    text,
    calls: calls.map(({ name, arguments: given = {} }) => ({ name, arguments: given })),
    finish,
    usage: {
      input: usage?.input_tokens,
      output: usage?.output_tokens,
      cached: usage?.cached_tokens,
      cacheWrite: usage?.cache_write_tokens,
    },
    ...(cut !== undefined && { broken: { kind: "cut" as const, afterCharacters: cut } }),
    ...(stall !== undefined && { broken: { kind: "stall" as const, afterCharacters: stall } }),
  };
}

function millisecondsOf(duration: number | string): number {
  return typeof duration === "string" ? (parseDuration(duration) ?? 0) : duration;
}
