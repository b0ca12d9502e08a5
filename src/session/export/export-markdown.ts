import { indentedJson } from "../../core/json.js";
import { largest } from "../../core/lists/long-lists.js";
import { partsText } from "../../core/messages.js";
import { elapsedText } from "../../core/text/durations.js";
import { inert } from "../../core/text/inert.js";
import { endNote, time, turnFacts } from "./export-facts.js";
import type { ExportedLog } from "./exported-log.js";
import { type TranscriptCall, type TranscriptTurn, transcriptTurn } from "./transcript.js";

/**
 * Formats the turns as Markdown without characters that could control a terminal. The model's texts are already Markdown, so they are not
 * escaped. Arguments and results of tools are put into code fences. Yields the text in pieces.
 */
export async function* toMarkdown(log: ExportedLog): AsyncGenerator<string> {
  const from = log.origins[0] ? `\n\nA copy of ${inline(log.origins[0])}.` : "";
  const named = `Conversation ${inline(log.conversationId)}`;
  yield inert(`# ${log.title ? `${inline(log.title)}\n\n${named}` : named}${from}`);
  for await (const events of log.turns()) yield `\n\n${inert(turnText(transcriptTurn(events)))}`;
  yield "\n";
}

function turnText(turn: TranscriptTurn): string {
  const note = endNote(turn);
  return [
    `## ${time(turn.startedAt)} UTC`,
    quote(partsText(turn.asked)),
    ...turn.hops.flatMap(({ text, interrupted, calls }) => [
      text.trim(),
      interrupted ? "*(broke off)*" : "",
      ...calls.map(callText),
    ]),
    note ? `**${inline(note)}**` : "",
    `*${inline(turnFacts(turn))}*`,
  ]
    .filter(Boolean)
    .join("\n\n");
}

function callText({ name, arguments: written, result, durationMs }: TranscriptCall): string {
  const outcome = result ? (result.isError ? "error" : "ok") : "no result";
  const took = durationMs === undefined ? "" : `, ${elapsedText(durationMs)}`;
  const shown = result ? `\n\n${fenced(partsText(result.content))}` : "";
  return `**Tool ${code(name)}** (${outcome}${took})\n\n${fenced(indentedJson(written), "json")}${shown}`;
}

/** Formats the user's text as a quotation, so that it looks different from the answers. */
function quote(text: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
}

/** Puts the text into a code fence that is longer than any fence in the text. */
function fenced(text: string, language = "text"): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}

function code(text: string): string {
  const ticks = "`".repeat(longestRun(text) + 1);
  return `${ticks}${text.replaceAll(/\s+/g, " ")}${ticks}`;
}

function longestRun(text: string): number {
  return Math.max(0, largest((text.match(/`+/g) ?? []).map(({ length }) => length)));
}

/** Puts the text on one line and escapes its Markdown characters. */
function inline(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(/[\\`*_{}[\]<>#|]/g, "\\$&");
}
