import { messageOf, RequestError, StoreError, type StoreErrorKind } from "../../core/errors.js";

/**
 * SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html) or its class, with the error kind and the hint for the user.
 */
const known: readonly [string, StoreErrorKind, (place: Place) => string][] = [
  ["28", "open", () => "check the user and the password in chat.storage.url"],
  [
    "3D000",
    "open",
    ({ database }) => `create it (CREATE DATABASE "${database}"), or name another one in chat.storage.url`,
  ],
  ["42501", "open", () => "grant this user the right to create and use tables there"],
  ["53100", "full", () => "free some space on the disk of the database"],
  ["53300", "locked", () => "allow more connections (max_connections), or set chat.storage.pool_size lower"],
  ["55P03", "locked", () => "look for long transactions in pg_stat_activity"],
  [
    "57014",
    "locked",
    () => "look for long transactions in pg_stat_activity, or set chat.storage.statement_timeout higher",
  ],
  ["25006", "write", () => "it takes no writes (a standby?): name the primary in chat.storage.url"],
  ["XX001", "corrupt", () => "the database's files are damaged: restore a backup"],
  ["XX002", "corrupt", () => "an index of the database is damaged: REINDEX it"],
];

/** Signs of a lost connection or server: SQLSTATE (or its class), system error code, or the driver's message. */
const lostStates: readonly string[] = ["08", "25P03", "57P01", "57P02", "57P03", "57P05"];
const lostCodes: readonly string[] = [
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
];
const lostWords = /^Connection terminated|^timeout exceeded when trying to connect|^Query read timeout|not queryable/;
/** Signs, among those above, that nothing was sent. */
const unsentCodes: readonly string[] = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"];
const unsentWords = /^timeout exceeded when trying to connect|^Connection terminated due to connection timeout/;

/** Parts of the URL that may be shown: no user, no password, no settings. */
export interface Place {
  /** `postgres://host:port/database` */
  shown: string;
  database: string;
}

export function placeOf(url: string): Place {
  const { hostname, port, pathname } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1));
  return { shown: `postgres://${hostname || "localhost"}${port ? `:${port}` : ""}/${database}`, database };
}

/** Returns true if it is unknown whether the statement ran: the connection was lost under it, or there was none. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  return isOf(lostStates, code) || lostCodes.includes(code) || lostWords.test(textOf(error));
}

/** Returns true if the statement certainly did not run, so that it can be retried whatever it does. */
export function isUnsent(error: unknown): boolean {
  const code = codeOf(error);
  return isRolledBack(error) || code === "57P03" || unsentCodes.includes(code) || unsentWords.test(textOf(error));
}

/** Returns true if the database rolled back: because of another transaction, or because this process stalled in the middle. */
export function isRolledBack(error: unknown): boolean {
  return ["25P03", "40001", "40P01"].includes(codeOf(error));
}

/** Converts what the driver threw to an error that says what to do. Passes this program's own errors unchanged. */
export function storeError(error: unknown, place: Place, doing: "open" | "read" | "write"): StoreError | RequestError {
  if (error instanceof StoreError || error instanceof RequestError) return error;
  const [, kind, hint] = known.find(([state]) => isOf([state], codeOf(error))) ?? [];
  const lost = isLost(error);
  return new StoreError(
    kind ?? (error instanceof SyntaxError ? "corrupt" : doing === "open" ? "open" : "write"),
    `cannot ${doing} the event log ${place.shown}: ${textOf(error)}`,
    {
      cause: new Error(textOf(error)), // the driver's error holds values of rows
      hint:
        hint?.(place) ??
        (lost ? "make sure that PostgreSQL runs there and can be reached from here, or set chat.storage.url" : ""),
      retryable: lost || kind === "locked" || kind === "full",
    },
  );
}

function isOf(states: readonly string[], code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && states.some((state) => code.startsWith(state));
}

function codeOf(error: unknown): string {
  const { code, errors } = error as { code?: string; errors?: readonly { code?: string }[] };
  return code ?? errors?.[0]?.code ?? "";
}

/** Returns the error's message. A host with several addresses fails with an AggregateError, whose own message is empty. */
function textOf(error: unknown): string {
  return (
    messageOf(error) || (error as { errors?: readonly Error[] }).errors?.map(messageOf).join(", ") || codeOf(error)
  );
}
