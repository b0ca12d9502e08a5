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
/** Of one list. Nobody offers more on purpose, and each of them stays in memory. */
const maxItems = 50_000;
/** Of the JSON of all pages but the first, which has the limit of a message. */
const maxMoreChars = 64 * 1024 * 1024;

/** Stops at a cursor that was seen before, as some servers page in circles, and where the list would take the host's memory. */
export async function listAll<Item>(ask: Ask, { method, key, read, nameOf }: ListKind<Item>): Promise<Listed<Item>> {
  const items = new Map<string, Item>();
  const problems: string[] = [];
  const cursors = new Set<string>();
  let count = 0;
  let moreChars = 0;
  for (let cursor = ""; ; ) {
    const page = await ask(method, cursor ? { cursor } : {});
    const listed = asArray(page[key]);
    for (const raw of listed.slice(0, maxItems - count)) {
      try {
        if (!isRecord(raw)) throw new Error("not an object");
        const item = read(raw);
        if (items.has(nameOf(item))) throw new Error("is listed twice");
        items.set(nameOf(item), item);
      } catch (error) {
        problems.push(`${labelOf(raw)}: ${messageOf(error)}`);
      }
    }
    count += listed.length;
    if (cursor) moreChars += JSON.stringify(page).length;
    cursor = asText(page.nextCursor);
    if (count > maxItems) problems.push(`${method} has more than ${maxItems} items`);
    else if (moreChars > maxMoreChars) problems.push(`${method} has more than ${maxMoreChars / 1024 / 1024} MB`);
    else if (cursors.has(cursor)) problems.push(`${method} pages in a circle`);
    else if (cursors.size + 1 >= maxPages) problems.push(`${method} has more than ${maxPages} pages`);
    else if (cursor) {
      cursors.add(cursor);
      continue;
    }
    return { items: [...items.values()], problems };
  }
}

const maxLabelChars = 300;

function labelOf(raw: unknown): string {
  const { name, uri, uriTemplate } = isRecord(raw) ? raw : {};
  return (asText(name) || asText(uri) || asText(uriTemplate) || "(without a name)").slice(0, maxLabelChars);
}
