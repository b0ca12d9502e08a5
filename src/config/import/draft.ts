/** A server of another tool on its way to an entry of `mcpServers`, key by key; everything lost is noted. */
import { resolve } from "node:path";
import { isMapping, type Mapping } from "../../core/tree.js";
import type { Convert } from "./variables.js";

/** A note about a key of the source that has no counterpart here, or another meaning. */
export interface Note {
  /** Key in the source; "" for the whole server. */
  key: string;
  text: string;
}

/** Translates a key of the source. Gets the value as written there. */
export type Field = (value: unknown, draft: Draft, key: string) => void;
export type Fields = Readonly<Record<string, Field>>;

export class Draft {
  readonly name: string;
  readonly entry: Mapping = {};
  readonly notes: Note[] = [];
  /** The tool's description of the server, which becomes a comment here. */
  readonly remarks: string[] = [];
  /** Our key for each translated key of the source. */
  readonly targets = new Map<string, string>();
  /** Absolute folder for relative paths. */
  readonly base: string;
  readonly #convert: Convert;

  constructor(name: string, { base, convert }: { base: string; convert: Convert }) {
    this.name = name;
    this.base = base;
    this.#convert = convert;
  }

  note(key: string, text: string): void {
    if (!this.notes.some((note) => note.key === key && note.text === text)) this.notes.push({ key, text });
  }

  remark(words: string): void {
    this.remarks.push(...words.split("\n"));
  }

  /** Sets a value. `target` may go one mapping down: `tools.allow`. */
  set(target: string, value: unknown, key: string): void {
    const [first = "", second] = target.split(".");
    const below = this.entry[first];
    this.entry[first] = second === undefined ? value : { ...(isMapping(below) ? below : {}), [second]: value };
    this.targets.set(key, first);
  }

  add(target: string, items: readonly string[], key: string): void {
    const [first = "", second = ""] = target.split(".");
    const below = this.entry[first];
    const before = isMapping(below) && Array.isArray(below[second]) ? below[second] : [];
    if (items.length > 0) this.set(target, [...new Set([...before, ...items])], key);
  }

  /** Returns the text with our placeholders. */
  text(value: string, key: string): string {
    const { text, notes } = this.#convert(value);
    for (const note of notes) this.note(key, note);
    return text;
  }

  /** Returns an absolute path, unless it begins with a placeholder. */
  path(value: string, key: string): string {
    const path = this.text(value, key);
    return /^(\$\{|~(?=$|[/\\]))/.test(path) ? path : resolve(this.base, path);
  }

  /** Translates every key by its field, and notes the keys without one. */
  take(raw: Mapping, fields: Fields): void {
    for (const [key, value] of Object.entries(raw)) {
      if (value === null || value === undefined) continue;
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (field) field(value, this, key);
      else this.note(key, "has no counterpart here");
    }
  }
}
