import { inert } from "../../core/inert.js";
import { mapInSlices } from "../../core/slices.js";
import { partsText } from "../command-text.js";
import { duration, endNote, pretty, time, turnFacts } from "./facts.js";
import type { Transcript, TranscriptCall, TranscriptTurn } from "./transcript.js";

/**
 * For readers and other tools, unable to steer the terminal that it is shown on. Texts of the model are Markdown already and stay as
 * they are; those of tools are fenced.
 */
export async function toMarkdown({ conversationId, origins, turns }: Transcript): Promise<string> {
  const from = origins[0] ? `\n\nA copy of ${inline(origins[0])}.` : "";
  const texts = await mapInSlices(turns, (turn) => inert(turnText(turn)));
  return [inert(`# Conversation ${inline(conversationId)}${from}`), ...texts].join("\n\n").concat("\n");
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
  const took = durationMs === undefined ? "" : `, ${duration(durationMs)}`;
  const shown = result ? `\n\n${fenced(partsText(result.content))}` : "";
  return `**Tool ${code(name)}** (${outcome}${took})\n\n${fenced(pretty(written), "json")}${shown}`;
}

/** What a person typed, apart from what was answered. */
function quote(text: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
}

/** A fence that nothing in the text can close. */
function fenced(text: string, language = "text"): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}

function code(text: string): string {
  const ticks = "`".repeat(longestRun(text) + 1);
  return `${ticks}${text.replaceAll(/\s+/g, " ")}${ticks}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
}

/** On one line, and nothing in it is markup. */
function inline(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(/[\\`*_{}[\]<>#|]/g, "\\$&");
}
