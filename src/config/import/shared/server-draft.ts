/** Builds an entry of `mcpServers` key by key from another program's server. Keys that cannot be translated get a note. */

import { resolve } from "node:path";
import { isPlainObject, type JsonObject } from "../../../core/json.js";
import { addAll } from "../../../core/lists/long-lists.js";
import type { Convert } from "./placeholders.js";

/** A note about a key of the imported file that has no counterpart here, or another meaning here. */
export interface Note {
  /** Key in the imported file, or "" if the note is about the whole server. */
  key: string;
  text: string;
}

/** A function that translates one key of the imported file. `value` is the value of that key in the file. */
export type FieldImport = (value: unknown, draft: ServerDraft, key: string) => void;
export type FieldImports = Readonly<Record<string, FieldImport>>;

export class ServerDraft {
  readonly name: string;
  readonly entry: JsonObject = {};
  readonly notes: Note[] = [];
  /** Description of the server in the imported file. It becomes a comment. */
  readonly remarks: string[] = [];
  /** For each translated key of the imported file, the top-level key of our entry that it became. */
  readonly targets = new Map<string, string>();
  /** Absolute path of the folder to which relative paths refer. */
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
    addAll(this.remarks, words.split("\n"));
  }

  /**
   * Sets a value in the entry. `target` is a top-level key, or `mapping.key` such as `tools.allow`. `key` is the key in the imported file.
   */
  set(target: string, value: unknown, key: string): void {
    const [first = "", second] = target.split(".");
    const below = this.entry[first];
    this.entry[first] = second === undefined ? value : { ...(isPlainObject(below) ? below : {}), [second]: value };
    this.targets.set(key, first);
  }

  add(target: string, items: readonly string[], key: string): void {
    const [first = "", second = ""] = target.split(".");
    const below = this.entry[first];
    const before = isPlainObject(below) && Array.isArray(below[second]) ? below[second] : [];
    if (items.length > 0) this.set(target, [...new Set([...before, ...items])], key);
  }

  /** Converts the other program's placeholders in the text to ours. */
  text(value: string, key: string): string {
    const { text, notes } = this.#convert(value);
    for (const note of notes) this.note(key, note);
    return text;
  }

  /** Returns the absolute path. A path that begins with a placeholder or `~` stays as it is. */
  path(value: string, key: string): string {
    const path = this.text(value, key);
    return /^(\$\{|~(?=$|[/\\]))/.test(path) ? path : resolve(this.base, path);
  }

  /** Translates each key with the function that `fields` has for the key. If `fields` has no function for a key, adds a note. */
  take(raw: JsonObject, fields: FieldImports): void {
    for (const [key, value] of Object.entries(raw)) {
      if (value === null || value === undefined) continue;
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (field) field(value, this, key);
      else this.note(key, "has no counterpart here");
    }
  }
}
