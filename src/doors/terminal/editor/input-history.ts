import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseJson } from "../../../core/json.js";
import { inert } from "../../../core/text/inert.js";

const maxEntries = 1000;
/**
 * Maximum length of an entry that is written to the file. A longer entry was probably pasted, so it is kept in memory only. The
 * conversation contains the text anyway.
 */
const maxEntryLength = 10_000;

/** Lines that were entered at the prompt in this chat and in earlier ones, oldest first. The file has one JSON string per line. */
export class InputHistory {
  readonly #file: string | undefined;
  readonly #entries: string[];

  /** Without a file, the history ends with the chat. If the file cannot be read or written, the chat continues without a stored history. */
  constructor(file?: string) {
    this.#file = file;
    this.#entries = file === undefined ? [] : readEntries(file);
  }

  get entries(): readonly string[] {
    return this.#entries;
  }

  /** Adds an entry. An empty entry, an entry that begins with a space, and a repetition of the last entry are not added. */
  add(entry: string): void {
    if (entry.trim() === "" || entry.startsWith(" ") || entry === this.#entries.at(-1)) return;
    this.#entries.push(entry);
    if (this.#file === undefined || entry.length > maxEntryLength) return;
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      appendFileSync(this.#file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    } catch {
      // the chat continues without a stored history
    }
  }
}

/** Returns the latest entries of the file. A file with more than twice `maxEntries` lines is shortened to `maxEntries` lines. */
function readEntries(file: string): string[] {
  try {
    const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
    const kept = lines.slice(-maxEntries);
    if (lines.length > 2 * maxEntries) {
      const cut = `${file}.${process.pid}.tmp`;
      writeFileSync(cut, `${kept.join("\n")}\n`, { mode: 0o600 });
      renameSync(cut, file);
    }
    chmodSync(file, 0o600);
    return kept.flatMap(entryOf);
  } catch {
    return [];
  }
}

function entryOf(line: string): string[] {
  const entry = parseJson(line); // undefined if the line is broken: two chats wrote at once, or the disk was full
  return typeof entry === "string" ? [inert(entry)] : [];
}

/**
 * Position in the history while the user moves through it. The newest entry of the walk is the text that was being typed when the walk
 * began.
 */
export class HistoryWalk {
  readonly #lines: readonly string[];
  #index: number;

  constructor(entries: readonly string[], begun: string) {
    this.#lines = [...entries, begun];
    this.#index = entries.length;
  }

  older(): string | undefined {
    return this.#to(this.#index - 1);
  }

  newer(): string | undefined {
    return this.#to(this.#index + 1);
  }

  #to(index: number): string | undefined {
    if (index >= 0 && index < this.#lines.length) this.#index = index;
    else return undefined;
    return this.#lines[index];
  }
}

/** History search, started by Ctrl-R. Finds the latest entry that contains the query, and then older entries. */
export class HistorySearch {
  readonly #entries: readonly string[];
  #index: number;
  query = "";

  constructor(entries: readonly string[]) {
    this.#entries = entries;
    this.#index = entries.length - 1;
  }

  get match(): string | undefined {
    return this.query === "" ? undefined : this.#entries[this.#index];
  }

  change(query: string): void {
    this.query = query;
    this.#index = this.#find(this.#entries.length - 1);
  }

  older(): void {
    const found = this.#find(this.#index - 1);
    if (found >= 0) this.#index = found;
  }

  #find(from: number): number {
    return from < 0 ? -1 : this.#entries.findLastIndex((entry, index) => index <= from && entry.includes(this.query));
  }
}
