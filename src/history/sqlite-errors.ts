import { messageOf, StoreError, type StoreErrorKind } from "../core/errors.js";

/** SQLite's primary result codes, https://www.sqlite.org/rescode.html */
const kinds: Readonly<Record<number, StoreErrorKind>> = {
  5: "locked", // SQLITE_BUSY
  6: "locked", // SQLITE_LOCKED
  11: "corrupt", // SQLITE_CORRUPT
  13: "full", // SQLITE_FULL
  26: "corrupt", // SQLITE_NOTADB
};

/** What a driver or the file system threw, as the error that says what to do. A StoreError passes as it is. */
export function storeError(error: unknown, path: string, doing: "open" | "read" | "write"): StoreError {
  if (error instanceof StoreError) return error;
  const kind = kindOf(error) ?? (doing === "open" ? "open" : "write");
  return new StoreError(kind, `cannot ${doing} the event log ${path}: ${messageOf(error)}`, {
    cause: error,
    hint: hintFor(kind, path),
    retryable: kind === "locked" || kind === "full",
  });
}

/** Both drivers carry SQLite's extended result code, whose low byte is the primary one. */
function kindOf(error: unknown): StoreErrorKind | undefined {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code === "ENOSPC" || code === "EDQUOT") return "full";
  return typeof errcode === "number" ? kinds[errcode & 0xff] : undefined;
}

function hintFor(kind: StoreErrorKind, path: string): string {
  const elsewhere = "or set chat.storage.path to another file";
  if (kind === "locked") return `another process keeps it locked: end that process, ${elsewhere}`;
  if (kind === "full") return `free some space on its disk, ${elsewhere}`;
  if (kind === "corrupt") return `move it aside (mv "${path}" "${path}.broken") and start again, ${elsewhere}`;
  return `make sure that its folder and the file can be written, ${elsewhere}`;
}
