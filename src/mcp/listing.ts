/**
 * Lists of servers, all pages, item by item: one malformed item is left out alone, with its reason. The SDK's own schemas
 * refuse the whole list for one bad tool (typescript-sdk 1.32.2).
 */
import { messageOf } from "../core/errors.js";
import { asArray, asText, isRecord, type Json } from "./json.js";

/** One JSON-RPC request to a server. */
export type Ask = (method: string, params: Json) => Promise<Json>;

export interface ListKind<Item> {
  method: string;
  /** Where the items are in the result. */
  key: string;
  /** Throws the reason why the item cannot be used. */
  read(raw: Json): Item;
  nameOf(item: Item): string;
}

export interface Listed<Item> {
  items: Item[];
  /** What was left out, and why. */
  problems: string[];
}

/** A server that still has more is looping. */
const maxPages = 200;

/** Stops at a cursor that was seen before: some servers page in circles. */
export async function listAll<Item>(ask: Ask, { method, key, read, nameOf }: ListKind<Item>): Promise<Listed<Item>> {
  const items = new Map<string, Item>();
  const problems: string[] = [];
  const cursors = new Set<string>();
  for (let cursor = ""; ; ) {
    const page = await ask(method, cursor ? { cursor } : {});
    for (const raw of asArray(page[key])) {
      try {
        if (!isRecord(raw)) throw new Error("not an object");
        const item = read(raw);
        if (items.has(nameOf(item))) throw new Error("is listed twice");
        items.set(nameOf(item), item);
      } catch (error) {
        problems.push(`${labelOf(raw)}: ${messageOf(error)}`);
      }
    }
    cursor = asText(page.nextCursor);
    if (cursors.has(cursor)) problems.push(`${method} pages in a circle`);
    else if (cursors.size + 1 >= maxPages) problems.push(`${method} has more than ${maxPages} pages`);
    else if (cursor) {
      cursors.add(cursor);
      continue;
    }
    return { items: [...items.values()], problems };
  }
}

function labelOf(raw: unknown): string {
  const { name, uri, uriTemplate } = isRecord(raw) ? raw : {};
  return asText(name) || asText(uri) || asText(uriTemplate) || "(without a name)";
}
