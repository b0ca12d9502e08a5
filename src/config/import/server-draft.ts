/** Builds an entry of `mcpServers` key by key from another program's server. Keys that cannot be translated get a note. */
import { resolve } from "node:path";
import { isPlainObject, type JsonObject } from "../../core/json.js";
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

/** Returns true for false and for a list or mapping without items. */
export function isEmpty(value: unknown): boolean {
  return value === false || (typeof value === "object" && Object.keys(value ?? {}).length === 0);
}

export class ServerDraft {
  readonly name: string;
  readonly entry: JsonObject = {};
  readonly notes: Note[] = [];
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

  /** Sets a value in the entry. `target` is a top-level key, or `mapping.key` such as `oauth.scope`. */
  set(target: string, value: unknown): void {
    const [first = "", second] = target.split(".");
    const below = this.entry[first];
    this.entry[first] = second === undefined ? value : { ...(isPlainObject(below) ? below : {}), [second]: value };
  }

  /** Adds pairs to a mapping of the entry. Pairs that other keys have added there are kept. */
  setAll(target: "env" | "headers", pairs: Readonly<Record<string, string>>): void {
    const before = this.entry[target];
    if (Object.keys(pairs).length > 0) this.entry[target] = { ...(isPlainObject(before) ? before : {}), ...pairs };
  }

  addTools(target: "allow" | "deny", patterns: readonly string[]): void {
    const { tools } = this.entry;
    const before = isPlainObject(tools) && Array.isArray(tools[target]) ? tools[target] : [];
    if (patterns.length > 0) this.set(`tools.${target}`, [...new Set([...before, ...patterns])]);
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

  /** Translates each key with the function that `fields` has for the key. Adds a note for a key without one, unless its value is empty. */
  take(raw: JsonObject, fields: FieldImports): void {
    for (const [key, value] of Object.entries(raw)) {
      if (value === null || value === undefined) continue;
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (field) field(value, this, key);
      else if (!isEmpty(value)) this.note(key, "has no counterpart here");
    }
  }
}
