/** Texts that this tab keeps until it is closed. */
import { newPageId } from "../shared/page-ids.js";

/** Texts that are too long for `sessionStorage`, which takes a few megabytes. `recallLongTexts` brings them back after a reload. */
const longTexts = new Map<string, string>();
/** Length from which on a text counts as long, in characters. */
const longFrom = 100_000;

/** Returns the text that this tab keeps under the key. */
export function stored(key: string): string | undefined {
  return longTexts.get(key) ?? sessionStorage.getItem(key) ?? undefined;
}

/** Keeps the text, or no text, until the tab is closed. Resolves when that survives a reload. */
export async function store(key: string, text: string | undefined): Promise<void> {
  const wasLong = longTexts.delete(key);
  sessionStorage.removeItem(key);
  if (text !== undefined && !fits(key, text)) {
    longTexts.set(key, text);
    await keepLongText(key, text);
  } else if (wasLong) await keepLongText(key, undefined);
}

function fits(key: string, text: string): boolean {
  try {
    if (text.length < longFrom) sessionStorage.setItem(key, text);
    return text.length < longFrom;
  } catch {
    return false;
  }
}

/** Name of this tab among the long texts, which all tabs keep in one database. Undefined if the tab has kept none. */
const tabKey = "mcp-platform-tab";
/** Time after which the long texts of a closed tab are deleted, in ms. */
const longestKeptMs = 7 * 24 * 60 * 60 * 1000;

interface LongText {
  id: string;
  at: number;
  tab: string;
  key: string;
  text: string;
}

/** Reads the long texts of this tab. Called before the page is shown. */
export async function recallLongTexts(): Promise<void> {
  const tab = sessionStorage.getItem(tabKey);
  if (tab === null) return;
  const texts = await inDatabase("readonly", (texts) => texts.getAll() as IDBRequest<LongText[]>);
  for (const { key, text, ...kept } of texts ?? []) if (kept.tab === tab) longTexts.set(key, text);
  for (const { id, at } of texts ?? []) {
    if (at < Date.now() - longestKeptMs) void inDatabase("readwrite", (all) => all.delete(id));
  }
}

async function keepLongText(key: string, text: string | undefined): Promise<void> {
  const tab = sessionStorage.getItem(tabKey) ?? newPageId("tab");
  sessionStorage.setItem(tabKey, tab);
  const id = `${tab} ${key}`;
  const kept = { id, at: Date.now(), tab, key, text };
  await inDatabase("readwrite", (texts) => {
    const request: IDBRequest = text === undefined ? texts.delete(id) : texts.put(kept);
    return request;
  });
}

/** Resolves with undefined if the browser keeps nothing: the long texts are then lost when the page is reloaded. */
function inDatabase<Result>(
  mode: IDBTransactionMode,
  work: (texts: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result | undefined> {
  return new Promise((resolve) => {
    const fail = () => resolve(undefined);
    const opening = indexedDB.open("mcp-platform");
    opening.onupgradeneeded = () => opening.result.createObjectStore("texts", { keyPath: "id" });
    opening.onerror = fail;
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction("texts", mode);
      const request = work(transaction.objectStore("texts"));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = fail;
      database.close(); // once the transaction has ended
    };
  });
}
