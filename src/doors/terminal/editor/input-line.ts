import { HistorySearch, HistoryWalk } from "./input-history.js";
import type { Press } from "./keys.js";
import {
  blankLeft,
  left,
  lineAbove,
  lineBelow,
  lineEnd,
  lineStart,
  right,
  TextBuffer,
  wordLeft,
  wordRight,
} from "./text-buffer.js";

/** Editing keys. They are the same as in readline. */
const edits: Readonly<Record<string, (buffer: TextBuffer) => void>> = {
  left: (buffer) => buffer.move(left),
  "ctrl-b": (buffer) => buffer.move(left),
  right: (buffer) => buffer.move(right),
  "ctrl-f": (buffer) => buffer.move(right),
  home: (buffer) => buffer.move(lineStart),
  "ctrl-a": (buffer) => buffer.move(lineStart),
  end: (buffer) => buffer.move(lineEnd),
  "ctrl-e": (buffer) => buffer.move(lineEnd),
  "alt-b": (buffer) => buffer.move(wordLeft),
  "ctrl-left": (buffer) => buffer.move(wordLeft),
  "alt-left": (buffer) => buffer.move(wordLeft),
  "alt-f": (buffer) => buffer.move(wordRight),
  "ctrl-right": (buffer) => buffer.move(wordRight),
  "alt-right": (buffer) => buffer.move(wordRight),
  backspace: (buffer) => void buffer.erase(left),
  delete: (buffer) => void buffer.erase(right),
  "ctrl-d": (buffer) => void buffer.erase(right),
  "ctrl-u": (buffer) => buffer.kill(lineStart),
  "ctrl-k": (buffer) => buffer.kill(lineEnd),
  "ctrl-w": (buffer) => buffer.kill(blankLeft),
  "alt-backspace": (buffer) => buffer.kill(wordLeft),
  "alt-d": (buffer) => buffer.kill(wordRight),
  "ctrl-y": (buffer) => buffer.yank(),
  enter: (buffer) => buffer.insert("\n"),
  "alt-return": (buffer) => buffer.insert("\n"),
};

/** Keys that move between the lines of the text. At the first or last line they move through the history instead. */
const walks: Readonly<Record<string, "older" | "newer">> = {
  up: "older",
  "ctrl-p": "older",
  down: "newer",
  "ctrl-n": "newer",
};

export class InputLine {
  readonly buffer = new TextBuffer();
  readonly #entries: readonly string[];
  #walk: HistoryWalk | undefined;
  #search: HistorySearch | undefined;
  #beforeSearch = "";

  constructor(entries: readonly string[]) {
    this.#entries = entries;
  }

  /** Label before the text during a history search. Undefined if there is no search. */
  get searchLabel(): string | undefined {
    if (!this.#search) return undefined;
    const { query, match } = this.#search;
    return query !== "" && match === undefined ? `(not found: ${query}) ` : `(search: ${query}) `;
  }

  clear(): void {
    this.#walk = undefined;
    this.#search = undefined;
    this.buffer.set("");
  }

  /** Ends a history search and restores the text from before the search. Returns false if there is no search. */
  endSearch(): boolean {
    if (!this.#search) return false;
    this.#search = undefined;
    this.buffer.set(this.#beforeSearch);
    return true;
  }

  press(press: Press): void {
    if (this.#search && this.#searched(this.#search, press)) return;
    this.#search = undefined;
    if (press.type === "text") this.#edit((buffer) => buffer.insert(press.text));
    else if (press.name === "ctrl-r") this.#beginSearch();
    else if (walks[press.name]) this.#go(walks[press.name] as "older" | "newer");
    else if (edits[press.name]) this.#edit(edits[press.name] as (buffer: TextBuffer) => void);
  }

  #edit(change: (buffer: TextBuffer) => void): void {
    const before = this.buffer.text;
    change(this.buffer);
    if (this.buffer.text !== before) this.#walk = undefined;
  }

  #go(direction: "older" | "newer"): void {
    const { cursor } = this.buffer;
    this.buffer.move(direction === "older" ? lineAbove : lineBelow);
    if (this.buffer.cursor !== cursor) return;
    this.#walk ??= new HistoryWalk(this.#entries, this.buffer.text);
    const entry = this.#walk[direction]();
    if (entry !== undefined) this.buffer.set(entry);
  }

  #beginSearch(): void {
    this.#beforeSearch = this.buffer.text;
    this.#search = new HistorySearch(this.#entries);
  }

  /**
   * Handles a key during a history search. Returns false if the key does not belong to the search; the key then ends the search, and the
   * found entry stays.
   */
  #searched(search: HistorySearch, press: Press): boolean {
    if (press.type === "text") search.change(search.query + press.text);
    else if (press.name === "ctrl-r") search.older();
    else if (press.name === "backspace") search.change(search.query.slice(0, left(search.query, search.query.length)));
    else if (press.name === "ctrl-g") return this.endSearch();
    else return false;
    const { match, query } = search;
    if (match !== undefined) this.buffer.set(match, match.indexOf(query) + query.length);
    return true;
  }
}
