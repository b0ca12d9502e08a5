/**
 * Reads pieces of a long text for a model: characters, lines or matches of a pattern. Each piece has a maximum size, and ends with a note
 * on how to continue.
 */
import { setImmediate as breathe } from "node:timers/promises";
import { WorkerThread } from "../../core/async/worker-thread.js";
import { builtFile } from "../../core/built-file.js";
import { RequestError } from "../../core/errors.js";
import { headOf, isWithinPair } from "../../core/text/excerpt.js";
import { afterLine, longestLine, type MatchQuestion } from "./match-positions.js";

/** Returns `length` characters from `start` on, as JavaScript counts them. A character of two such units is never cut in two. */
export function readCharacters(
  text: string,
  { start, length }: { start: number; length?: number },
  maxBytes: number,
): string {
  const from = Math.min(isWithinPair(text, start) ? start - 1 : start, text.length);
  const to = start + (length ?? text.length);
  const wanted = text.slice(from, isWithinPair(text, to) ? to + 1 : to);
  const piece = headOf(wanted, maxBytes);
  const end = from + piece.length;
  const more = end < text.length ? `; go on with start: ${end}` : "; this is the end";
  return `${piece}\n[characters ${from} to ${end} of ${text.length}${more}]`;
}

const linesPerPause = 100_000;

/** Returns lines of the text. `startLine` is the number of the first of these lines, counted from 1. */
export async function linesOf(
  text: string,
  { startLine, count }: { startLine: number; count: number },
  maxBytes: number,
): Promise<string> {
  const from = await lineStart(text, 0, startLine - 1);
  if (from === undefined) throw new RequestError("usage", `start_line: the result has fewer than ${startLine} lines`);
  const end = (await lineStart(text, from, count)) ?? text.length;
  return readCharacters(text, { start: from, length: end - from }, maxBytes);
}

/** Returns the position of the line that comes `lines` lines after the line at `from`. Returns undefined if the text has too few lines. */
async function lineStart(text: string, from: number, lines: number): Promise<number | undefined> {
  let start = from;
  for (let line = 1; line <= lines; line++) {
    const end = text.indexOf("\n", start);
    if (end < 0) return undefined;
    start = end + 1;
    if (line % linesPerPause === 0) await breathe();
  }
  return start;
}

/**
 * Number of characters that are searched at a time. A line may be longer than that. In such a line, a match of more than
 * `longestMatchChars` characters may be missed.
 */
const chunkChars = 1_000_000;
const longestMatchChars = 10_000;
const maxMatches = 100;
const aroundChars = 120;

const thread = new WorkerThread<MatchQuestion, number[] | undefined>(builtFile("session/tools/match-worker.js"));

/** Returns the lines that match, each with its position in the text. Rejects with RequestError. */
export async function grep(
  text: string,
  { pattern, start, signal }: { pattern: string; start: number; signal: AbortSignal },
  maxBytes: number,
): Promise<string> {
  let shown = "";
  let matches = 0;
  for (let at = start; at < text.length; ) {
    signal.throwIfAborted();
    const { end, next } = chunkAt(text, at);
    const limits = { limit: next - at, most: maxMatches - matches };
    const positions = await thread.ask({ text: text.slice(at, end), pattern, ...limits });
    if (!positions) throw new RequestError("usage", "grep: the pattern takes too long; use a plainer one");
    for (const position of positions) {
      const line = `${at + position}: ${lineAround(text, at + position)}\n`;
      if (matches > 0 && Buffer.byteLength(shown) + Buffer.byteLength(line) > maxBytes) {
        return `${shown}[there may be more: go on with start: ${at + position}]`;
      }
      shown += line;
      matches++;
    }
    if (matches >= maxMatches)
      return `${shown}[there may be more: go on with start: ${afterLine(text, at + (positions.at(-1) ?? 0))}]`;
    at = next;
  }
  return matches === 0
    ? `no match from character ${start} on`
    : `${shown}[each line begins with its character; no more matches]`;
}

/**
 * Returns where the chunk that begins at `at` ends, and where the next chunk begins. If a line ends near the end of the chunk, the chunk
 * ends with that line. Otherwise, the next chunk overlaps this chunk by `longestMatchChars`.
 */
function chunkAt(text: string, at: number): { end: number; next: number } {
  const soft = at + chunkChars;
  if (soft >= text.length) return { end: text.length, next: text.length };
  const newline = text.slice(soft, soft + longestMatchChars).indexOf("\n");
  if (newline >= 0) return { end: soft + newline + 1, next: soft + newline + 1 };
  return { end: Math.min(text.length, soft + longestMatchChars), next: soft };
}

function lineAround(text: string, position: number): string {
  const before = text.slice(Math.max(0, position - longestLine), position);
  const after = text.slice(position, position + longestLine);
  const begin = before.lastIndexOf("\n") + 1;
  const newline = after.indexOf("\n");
  const isWhole =
    (begin > 0 || position <= longestLine) && newline >= 0 && before.length - begin + newline <= longestLine;
  if (isWhole) return before.slice(begin) + after.slice(0, newline);
  const end = newline < 0 ? after.length : newline;
  const left = before.slice(begin).slice(-aroundChars);
  const right = after.slice(0, Math.min(end, longestLine - aroundChars));
  return left + right;
}
