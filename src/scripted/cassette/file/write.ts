/** Converts a recording to the text of its file, and writes the file. */

import { createHash } from "node:crypto";
import { mkdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isPlainObject, type JsonObject } from "../../../core/json.js";
import { addAll } from "../../../core/lists/long-lists.js";
import type { Cleaner } from "./clean.js";
import { rewrittenStream } from "./clean-stream.js";
import { recordedCallsIn } from "./ending-order.js";
import { type Entry, type Head, isExchange, type ModelEntry } from "./format.js";
import { NumberedIds } from "./host-ids.js";
import { normalisedBody, normalisedParams, withHistory } from "./normalise.js";

/** Minimum length, in characters, of a part that is written only once although several requests contain it. */
const partChars = 400;

/**
 * Returns the text of the file, redacted and normalised. The order of its lines does not depend on timing: the same session gives the same
 * text.
 */
export function cassetteText(head: Head, entries: readonly Entry[], cleaner: Cleaner): string {
  const calls = new Map(recordedCallsIn(entries).map((entry, index) => [entry as Entry, index]));
  const ids = new NumberedIds();
  const clean = inOrder(entries).map((entry) =>
    "llm" in entry ? cleanedModelEntry(ids.numbered(entry), cleaner) : cleanedEntry(entry, cleaner, calls.get(entry)),
  );
  const lines = withParts(clean).map((line) => JSON.stringify(line));
  return `${[JSON.stringify(cleaner.value(head)), ...lines].map((line) => cleaner.line(line)).join("\n")}\n`;
}

/** Counter for the names of temporary files, because this process may write the same cassette twice at the same time. */
let drafts = 0;

/**
 * Replaces the file as a whole. If that fails, the old file stays unchanged. Only the user can read the file, because it contains
 * conversations.
 */
export async function writeCassette(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const target = await realpath(path).catch(() => path);
  const draft = `${target}.${process.pid}-${++drafts}.tmp`;
  try {
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * Sorts the entries that lie between two requests of the session by the names of their servers. Servers start at the same time, so the
 * order in which these entries were recorded depends on timing.
 */
function inOrder(entries: readonly Entry[]): Entry[] {
  const sorted: Entry[] = [];
  let run: Entry[] = [];
  const flush = () => {
    addAll(
      sorted,
      run.sort((a, b) => compare(rankOf(a), rankOf(b))),
    );
    run = [];
  };
  for (const entry of entries) {
    if (!isExchange(entry)) {
      run.push(entry);
      continue;
    }
    flush();
    sorted.push(entry);
  }
  flush();
  return sorted;
}

function rankOf(entry: Entry): string {
  if (!("mcp" in entry)) return "";
  const kind = "hello" in entry ? "0" : "method" in entry ? `1 ${entry.method}` : "2";
  return `${entry.mcp} ${kind}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Returns the redacted entry. `index` is the position of the entry among the recorded calls; undefined if it is not one of them. */
function cleanedEntry(entry: Exclude<Entry, ModelEntry>, cleaner: Cleaner, index: number | undefined): JsonObject {
  if (!("method" in entry)) return cleaner.value(entry) as unknown as JsonObject;
  const { mcp, method, params, ended, ...rest } = entry;
  const order = ended === undefined || ended === index ? {} : { ended };
  return { mcp, method, params: normalisedParams(cleaner.value(params)), ...order, ...cleaner.value(rest) };
}

function cleanedModelEntry({ llm, request, chunks, ...rest }: ModelEntry, cleaner: Cleaner): JsonObject {
  return {
    llm: cleaner.value(llm),
    request: normalisedBody(cleaner.value(request)),
    ...cleaner.value(rest),
    chunks: rewrittenStream(chunks, cleaner),
  };
}

/**
 * Moves parts that several requests have in common to lines of their own. Otherwise every request would repeat the tools and the earlier
 * messages.
 */
function withParts(entries: readonly JsonObject[]): JsonObject[] {
  const counts = new Map<string, number>();
  const count = (value: unknown) => {
    const text = JSON.stringify(value);
    if (text.length >= partChars) counts.set(text, (counts.get(text) ?? 0) + 1);
    return value;
  };
  for (const entry of entries) mapParts(entry, count);
  const written = new Set<string>();
  return entries.flatMap((entry) => {
    const parts: JsonObject[] = [];
    const whole = mapParts(entry, (value) => {
      const text = JSON.stringify(value);
      if ((counts.get(text) ?? 0) < 2) return value;
      const part = createHash("sha256").update(text).digest("hex").slice(0, 16);
      if (!written.has(part)) parts.push({ part, value });
      written.add(part);
      return { $part: part };
    });
    return [...parts, whole];
  });
}

function mapParts(entry: JsonObject, map: (value: unknown) => unknown): JsonObject {
  if (!isPlainObject(entry.request)) return entry;
  const { tools } = entry.request;
  const request = {
    ...withHistory(entry.request, (messages) => messages.map(map)),
    ...(tools !== undefined && { tools: map(tools) }),
  };
  return { ...entry, request };
}
