/** Shows an entry of `mcpServers` without its secrets, and puts them back into an entry that was edited. */
import { RequestError } from "../../core/errors.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { redactedMark } from "../../core/text/redaction.js";
import { clearingLines, masked } from "../reading/inline-secrets.js";

const clear = clearingLines([]);

/** Returns the entry with `***` or `[redacted]` in place of secrets. Placeholders stay. */
export function shownEntry(entry: JsonObject): JsonObject {
  return cleared(masked(entry)) as JsonObject;
}

function cleared(value: unknown): unknown {
  if (typeof value === "string") return clear(value);
  if (Array.isArray(value)) return value.map(cleared);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleared(inner)]));
}

/**
 * Returns the edited entry with the secrets of `before` wherever it still has the text that `shownEntry(before)` shows in their place. Throws
 * RequestError if a text stands for a secret that is not there.
 */
export function withSecretsOf(before: JsonObject, edited: JsonObject): JsonObject {
  return restored(edited, shownEntry(before), before, "") as JsonObject;
}

function restored(value: unknown, shown: unknown, real: unknown, path: string): unknown {
  if (typeof value === "string") {
    if (value === shown && real !== undefined) return real;
    if (!value.includes("***") && !value.includes(redactedMark)) return value;
    throw new RequestError("usage", `${path}: *** stands for a secret that is not there`, {
      hint: "write the secret itself, or ${NAME} for the variable NAME of the environment",
    });
  }
  if (Array.isArray(value)) {
    const [shownItems, realItems] = [listOf(shown), listOf(real)];
    return value.map((item, index) => {
      const from = placeBefore(value, index, shownItems);
      return restored(item, shownItems[from], realItems[from], joined(path, String(index)));
    });
  }
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      return [key, restored(inner, memberOf(shown, key), memberOf(real, key), joined(path, key))];
    }),
  );
}

/**
 * Returns where an item of an edited list was before. Several secrets may be shown by the same text, so such an item is found by the item in
 * front of it, such as the option whose value it is. Returns -1 if that does not tell.
 */
function placeBefore(edited: readonly unknown[], index: number, shown: readonly unknown[]): number {
  const places = shown.flatMap((item, place) => (item === edited[index] ? [place] : []));
  const behindSame = places.filter((place) => shown[place - 1] === edited[index - 1]);
  if (behindSame.includes(index)) return index;
  const [place = -1, ...others] = behindSame.length > 0 ? behindSame : places;
  return others.length === 0 ? place : -1;
}

const joined = (path: string, key: string) => (path ? `${path}.${key}` : key);

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const memberOf = (value: unknown, key: string) =>
  isPlainObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
