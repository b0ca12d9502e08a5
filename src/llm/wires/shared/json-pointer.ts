import type { JsonObject } from "../../json.js";

/** What a JSON pointer within the document leads to: `#/$defs/a~1b`. Never throws. */
export function at(document: JsonObject, reference: string): unknown {
  if (!/^#(\/|$)/.test(reference)) return undefined;
  const keys = reference.split("/").slice(1).map(unescaped);
  return keys.reduce<unknown>((value, key) => {
    return typeof value === "object" && value !== null && Object.hasOwn(value, key)
      ? (value as JsonObject)[key]
      : undefined;
  }, document);
}

function unescaped(key: string): string {
  const text = key.replaceAll("~1", "/").replaceAll("~0", "~");
  return /^([^%]|%[0-7][\da-f])*$/i.test(text) ? decodeURIComponent(text) : text;
}
