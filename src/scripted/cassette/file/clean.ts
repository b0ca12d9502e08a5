/** Redacts recordings. The same text is always redacted in the same way, because a replay compares redacted requests. */
import { isPlainObject, parseJson } from "../../../core/json.js";
import { clearedMember, clearedName, clearing, redactedMark } from "../../../core/text/redaction.js";

/** Keys of base64 data, such as images and sound. Their values are not searched. */
const bytes = new Set(["data", "blob"]);

export class Cleaner {
  #secrets: readonly string[] = [];
  #clear = clearing([]);
  #known = clearing([], []);

  /** Removes known secrets from all texts in a line of the file. The line is JSON. */
  line(text: string): string {
    return this.#known(text) === text ? text : JSON.stringify(withTexts(JSON.parse(text), this.#known));
  }

  /** Adds secrets to remove. Ignores secrets of fewer than 6 characters, because the same characters occur in ordinary words. */
  conceal(secrets: readonly string[]): void {
    const fresh = secrets.filter((secret) => secret.length >= 6);
    this.#secrets = [...new Set([...this.#secrets, ...fresh])];
    this.#clear = clearing(this.#secrets);
    this.#known = clearing(this.#secrets, []);
  }

  /** Removes secrets from a value. Returns the same object if it contains no secrets. */
  value<T>(value: T): T {
    return this.#walk(value, "") as T;
  }

  /** Removes secrets from a text, which may be JSON. */
  text(text: string): string {
    const parsed = parsedJson(text);
    if (parsed === undefined) return this.#clear(text);
    const clean = this.#walk(parsed, "");
    return clean === parsed ? text : JSON.stringify(clean);
  }

  #walk(value: unknown, key: string): unknown {
    if (typeof value === "string") return bytes.has(key) ? value : this.#member(key, value);
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#walk(item, key));
      return items.every((item, index) => item === value[index]) ? value : items;
    }
    if (typeof value === "number") return this.#member(key, String(value)) === String(value) ? value : redactedMark;
    if (!isPlainObject(value)) return value;
    const entries = Object.entries(value).map(
      ([name, item]) => [clearedName(this.#clear, name), this.#walk(item, name)] as const,
    );
    const isSame = entries.every(([name, item]) => Object.hasOwn(value, name) && item === value[name]);
    return isSame ? value : Object.fromEntries(entries);
  }

  /**
   * Removes secrets from the value of a key. If the key suggests a secret, the whole value may be removed. A text that is itself JSON, such
   * as the arguments of a call, stays valid JSON.
   */
  #member(key: string, value: string): string {
    return parsedJson(value) === undefined ? clearedMember(this.#clear, key, value) : this.text(value);
  }
}

/** Applies `map` to all texts in a value, and to the keys. */
function withTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => withTexts(item, map));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [map(name), withTexts(item, map)]));
}

function parsedJson(text: string): unknown {
  return /^\s*[[{]/.test(text) ? parseJson(text) : undefined;
}
