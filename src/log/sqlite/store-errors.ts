import { messageOf, StoreError, type StoreErrorKind } from "../../core/errors.js";

/**
 * Error kinds by messages of SQLite and the file system. Messages are used because the SQLite package has a result code only for some
 * errors.
 */
const kinds: readonly [RegExp, StoreErrorKind][] = [
  [/database (table )?is locked/, "locked"],
  [/database or disk is full|ENOSPC|EDQUOT/, "full"],
  [/malformed|not a database/, "corrupt"],
];

/** Converts an error of the driver or the file system to a StoreError with a hint for the user. Returns a StoreError unchanged. */
export function storeError(error: unknown, path: string, doing: "open" | "read" | "write"): StoreError {
  if (error instanceof StoreError) return error;
  const kind = kindOf(error) ?? (doing === "open" ? "open" : "write");
  return new StoreError(kind, `cannot ${doing} the event log ${path}: ${messageOf(error)}`, {
    cause: error,
    hint: hintFor(kind, path),
    retryable: kind === "locked" || kind === "full",
  });
}

/** Returns true if another connection has locked the file. */
export function isLocked(error: unknown): boolean {
  return kindOf(error) === "locked";
}

function kindOf(error: unknown): StoreErrorKind | undefined {
  if (error instanceof StoreError) return error.kind;
  // stored payloads are always valid JSON, so invalid JSON means that the file is damaged
  if (error instanceof SyntaxError) return "corrupt";
  return kinds.find(([text]) => text.test(messageOf(error)))?.[1];
}

/** Returns advice how to move a damaged log aside. Its latest events are in the file `-wal`, which SQLite would add to a new log. */
export function moveAside(path: string): string {
  return `move it aside with its -wal and -shm files (for end in "" -wal -shm; do mv "${path}$end" "${path}.broken$end"; done)`;
}

function hintFor(kind: StoreErrorKind, path: string): string {
  const elsewhere = "or set chat.storage.path to another file";
  if (kind === "locked") return `another process keeps it locked: end that process, ${elsewhere}`;
  if (kind === "full") return `free some space on its disk, ${elsewhere}`;
  if (kind === "corrupt") return `${moveAside(path)} and start again, ${elsewhere}`;
  return `make sure that its folder and the file can be written, ${elsewhere}`;
}
