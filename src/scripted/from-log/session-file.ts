/**
 * Writes the session file of a logged conversation. The steps of the file are the user's prompts and answers. The results in the log become
 * assertions.
 */

import { dump } from "js-yaml";
import { problemInAnswer } from "../../core/approval.js";
import type { Question } from "../../core/events.js";
import { isPlainObject } from "../../core/json.js";
import { largest } from "../../core/lists/long-lists.js";
import { type JsonSchema, partsText, textOf } from "../../core/messages.js";
import { readStructured } from "../../core/schemas/structured-output.js";
import { withFinalText } from "../../doors/shared/final-text.js";
import { isDeniedResult } from "../../session/conversations/called-tools.js";
import type { PlayableCall, PlayableTurn } from "../../session/export/playable.js";
import { summarizeTurn } from "../../session/shared/summary.js";
import { permissionsOf } from "./recorded-permissions.js";

export interface SessionFileParts {
  conversationId: string;
  turns: readonly PlayableTurn[];
  model: { provider: string; model: string };
  /** Configuration of the servers, with the keys of `mcpServers` in config.yaml. */
  mcpServers: Readonly<Record<string, unknown>>;
  /** Texts that become comments at the start of the file, one line each. */
  notes: readonly string[];
}

/**
 * Maximum length of an answer for which the assertion contains the whole text. For a longer answer, the assertion contains only the start
 * of the text.
 */
const maxEqualChars = 500;
const maxPartChars = 120;
/** Default value of `chat.service.max_tool_hops`. */
const usualHops = 8;

/** Returns the text of the file. The text is YAML after a `#!` line, which makes the file executable. */
export function sessionFile({ conversationId, turns, model, mcpServers, notes }: SessionFileParts): string {
  const { provider, model: name } = model;
  const hops = hopsOf(turns);
  const session = {
    description: escaped(`The conversation ${conversationId}.`),
    model: `${provider}/${name}`,
    mcpServers,
    config: {
      llm: { active: provider, providers: { [provider]: { model: name } } },
      // Compaction is turned off: the log contains the whole conversation, but not the requests that asked for summaries.
      ...(turns.some(({ isCompacted }) => isCompacted) && { chat: { service: { compaction: "off" } } }),
    },
    permissions: permissionsOf(turns.flatMap(callsOf)),
    ...(hops !== undefined && { limits: { hops } }),
    steps: turns.flatMap(stepsOf),
  };
  const comments = notes.map((note) => `# ${note.replaceAll(/\s+/g, " ")}\n`).join("");
  return `#!/usr/bin/env -S mcp-platform run\n${comments}${dump(session, { flowLevel: 4, lineWidth: 120, noRefs: true })}`;
}

const callsOf = ({ hops }: PlayableTurn) => hops.flatMap(({ calls }) => calls);

/**
 * Returns the hop limit for the file, or undefined if the default limit is enough. A hop is a model request with the tool calls that it
 * leads to. A turn that reached its limit has one hop more than the limit, because the host then sends a last request without tools.
 */
function hopsOf(turns: readonly PlayableTurn[]): number | undefined {
  const ended = turns.filter(({ stopReason }) => stopReason === "max_tool_hops").map(({ hops }) => hops.length - 1);
  const most = largest(turns.map(({ hops }) => hops.length));
  if (ended.length > 0) return largest(ended);
  return most > usualHops ? most : undefined;
}

function stepsOf(turn: PlayableTurn): object[] {
  const questions = turn.questions.filter(({ question }) => question.kind !== "limit" || question.limit === "loop");
  const answers = questions.map(({ question, value }) => ({
    answer: answerOf(question, value),
    ...(questions.length > 1 && addressOf(question)),
  }));
  const output = outputOf(turn);
  return [
    { user: escaped(partsText(turn.content)), ...(output && { output }), assert: assertionsOf(turn) },
    ...answers,
  ];
}

/**
 * Returns the `output` setting for the turn's step, or undefined if the step needs no such setting. The schema in the setting is not
 * escaped, because schemas are not searched for templates.
 */
function outputOf(turn: PlayableTurn): { json_schema: JsonSchema } | undefined {
  return turn.answerSchema && hasAskedShape(turn) ? { json_schema: turn.answerSchema } : undefined;
}

/** Returns false if the answer was cut and therefore violates the turn's schema. A step with this schema would fail. */
export function hasAskedShape({ answerSchema, events }: PlayableTurn): boolean {
  if (!answerSchema) return true;
  const final = events.findLast((event) => event.type === "assistant_message");
  return final !== undefined && "value" in readStructured(final.message.content, answerSchema);
}

function assertionsOf(turn: PlayableTurn): object[] {
  // If a step has a schema, its output is only the final answer.
  const { text } = summarizeTurn(outputOf(turn) ? turn.events.map(withFinalText) : turn.events);
  const steps = callsOf(turn).filter(isMade).map(nameOf);
  const start = escaped(text.trimStart().split("\n")[0]?.slice(0, maxPartChars) ?? "");
  return [
    ...(steps.length > 0 ? [{ type: "trajectory:tool-sequence", value: { mode: "exact", steps } }] : []),
    { type: "stop-reason", value: turn.stopReason },
    ...(text !== "" && text.length <= maxEqualChars ? [{ type: "equals", value: escaped(text) }] : []),
    ...(text.length > maxEqualChars && start !== "" ? [{ type: "contains", value: start }] : []),
  ];
}

function isMade({ isSent, result: { content, isError } }: PlayableCall): boolean {
  return isSent || !isDeniedResult({ isError, text: textOf(content) });
}

/** Returns a pattern that matches the tool. */
function nameOf({ server, tool }: { server: string; tool: string }): string {
  return (server === "" ? `${tool}*` : `${server}.${tool}`).replaceAll(/[@()]/g, "*");
}

/** Returns the answer for the file. A malformed answer counted as no. */
function answerOf(question: Question, value: unknown): unknown {
  return problemInAnswer(question, value) === undefined ? escaped(value) : false;
}

function addressOf(question: Question): object {
  if (question.kind === "approval") return { to: { tool: nameOf(question) } };
  const isPlain = question.kind === "elicitation" && question.message !== "" && !question.message.includes("{{");
  return isPlain ? { to: { elicitation: question.message } } : {};
}

/** Escapes `{{` in all texts, because text from the log must not be read as a template. */
function escaped<Value>(value: Value): Value {
  if (typeof value === "string") return value.replaceAll("{{", "\\{{") as Value;
  if (Array.isArray(value)) return value.map(escaped) as Value;
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)])) as Value;
}
