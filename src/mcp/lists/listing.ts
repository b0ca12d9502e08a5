/**
 * Reading of servers' lists, page by page and item by item. A malformed item is left out, with the reason. The SDK's own schemas would
 * refuse the whole list for one bad item (typescript-sdk 1.32.2).
 */

import { messageOf } from "../../core/errors.js";
import { asArray, isPlainObject, type JsonObject, textOrEmpty } from "../../core/json.js";

export type AskServer = (method: string, params: JsonObject) => Promise<JsonObject>;

export interface ListKind<Item> {
  method: string;
  /** Key in the result that holds the list of items. */
  key: string;
  /** Converts an item of the list. Throws if the item is unusable. */
  read(raw: JsonObject): Item;
  nameOf(item: Item): string;
  /** Maximum number of items, if it is smaller than that of any list. */
  maxItems?: number;
}

export interface Listed<Item> {
  items: Item[];
  /** The items that were left out, each with the reason. */
  problems: string[];
}

/** Maximum number of pages in one list. A server that sends more pages is looping. */
const maxPages = 200;
/** Maximum number of items in one list. Every item stays in memory, and no server offers this many on purpose. */
const mostItems = 50_000;
/** Maximum size of all pages after the first, in characters of JSON. The first page has the size limit of any message. */
const maxMoreChars = 64 * 1024 * 1024;

/**
 * Reads all pages of a list. Stops early if a cursor repeats, because some servers send their pages in circles, or if the list is too large
 * for the memory.
 */
export async function listAll<Item>(
  ask: AskServer,
  { method, key, read, nameOf, maxItems = mostItems }: ListKind<Item>,
): Promise<Listed<Item>> {
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
        if (!isPlainObject(raw)) throw new Error("not an object");
        const item = read(raw);
        if (items.has(nameOf(item))) throw new Error("is listed twice");
        items.set(nameOf(item), item);
      } catch (error) {
        problems.push(`${labelOf(raw)}: ${messageOf(error)}`);
      }
    }
    count += listed.length;
    if (cursor) moreChars += JSON.stringify(page).length;
    cursor = textOrEmpty(page.nextCursor);
    if (count > maxItems) problems.push(`${method} has more than ${maxItems} items; the others are left out`);
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
  const { name, uri, uriTemplate } = isPlainObject(raw) ? raw : {};
  return (textOrEmpty(name) || textOrEmpty(uri) || textOrEmpty(uriTemplate) || "(without a name)").slice(
    0,
    maxLabelChars,
  );
}
