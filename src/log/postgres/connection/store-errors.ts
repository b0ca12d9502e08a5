import { messageOf, RequestError, StoreError, type StoreErrorKind } from "../../../core/errors.js";

/** Error kinds and hints for the user, by SQLSTATE or its class. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const known: readonly [string, StoreErrorKind, (address: DatabaseAddress) => string][] = [
  ["28", "open", () => "check the user and the password in chat.storage.url"],
  [
    "3D000",
    "open",
    ({ database }) => `create it (CREATE DATABASE "${database}"), or name another one in chat.storage.url`,
  ],
  ["42501", "open", () => "grant this user the right to create and use tables there"],
  ["53100", "full", () => "free some space on the disk of the database"],
  ["53300", "locked", () => "allow more connections (max_connections), or lower chat.storage.pool_size"],
  ["55P03", "locked", () => "look for long transactions in pg_stat_activity"],
  ["57014", "locked", () => "look for long transactions in pg_stat_activity, or raise chat.storage.statement_timeout"],
  ["25006", "write", () => "it accepts no writes (a standby?): name the primary in chat.storage.url"],
  ["XX001", "corrupt", () => "the database's files are damaged: restore a backup"],
  ["XX002", "corrupt", () => "an index of the database is damaged: run REINDEX on it"],
];

/**
 * SQLSTATEs of a database that refuses statements for a while, as in a failover: it takes no writes, has too many connections, takes no
 * connections, or is starting. The statement certainly did not run.
 */
const refusedStates: readonly string[] = ["25006", "53300", "55000", "57P03"];
/**
 * Errors that mean that the connection or the server was lost: SQLSTATE or its class, error code of the system, or message of the driver.
 */
const lostStates: readonly string[] = ["08", "25P03", "57P01", "57P02", "57P05", ...refusedStates];
const lostCodes: readonly string[] = [
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
];
const lostWords = /^Connection terminated|^timeout expired$|^Query read timeout|not queryable/;
/** Codes from `lostCodes` that mean that the statement certainly was not sent. */
const unsentCodes: readonly string[] = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"];
const unsentWords = /^timeout expired$|^Connection terminated due to connection timeout/;
const poolWords = /^timeout exceeded when trying to connect/;

/** The parts of the URL that may be shown. User, password and settings are left out. */
export interface DatabaseAddress {
  /** `postgres://host:port/database` */
  shown: string;
  database: string;
}

export function addressOf(url: string): DatabaseAddress {
  const { hostname, port, pathname } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1));
  return { shown: `postgres://${hostname || "localhost"}${port ? `:${port}` : ""}/${database}`, database };
}

/** Returns true if the connection was lost, could not be opened or is of no use for now. This does not tell whether the statement ran; see `isUnsent`. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  return isOf(lostStates, code) || lostCodes.includes(code) || lostWords.test(textOf(error));
}

/** Returns true if the statement certainly did not run. Any statement can then be retried. */
export function isUnsent(error: unknown): boolean {
  const code = codeOf(error);
  return (
    isRolledBack(error) || refusedStates.includes(code) || unsentCodes.includes(code) || unsentWords.test(textOf(error))
  );
}

/** Returns true if the database rolled back the transaction, because of another transaction or because this process stalled during it. */
export function isRolledBack(error: unknown): boolean {
  return ["25P03", "40001", "40P01"].includes(codeOf(error)) || isOvertaken(error);
}

/** Returns true if another transaction has stored an event at the same position of the conversation or turn. The next position is then free. */
function isOvertaken(error: unknown): boolean {
  const { constraint = "" } = error as { constraint?: string };
  return codeOf(error) === "23505" && ["events_seq", "events_position"].includes(constraint);
}

/** Returns true if no connection of the pool became free in time. This does not mean that the database cannot be reached. */
export function isPoolTimeout(error: unknown): boolean {
  return poolWords.test(textOf(error));
}

/** Converts an error of the driver to a StoreError with a hint for the user. Returns StoreError and RequestError unchanged. */
export function storeError(
  error: unknown,
  address: DatabaseAddress,
  doing: "open" | "read" | "write",
): StoreError | RequestError {
  if (error instanceof StoreError || error instanceof RequestError) return error;
  // A client sent an id or a text that PostgreSQL cannot hold. Nothing is wrong with the log.
  if (codeOf(error) === "22021") {
    return new RequestError("usage", "an id or a text contains the character NUL, which the event log cannot hold");
  }
  if (isPoolTimeout(error)) {
    return new StoreError(
      "locked",
      `cannot ${doing} the event log ${address.shown}: no connection became free in time`,
      {
        hint: "send fewer prompts at once (chat.service.max_turns), use more hosts, or raise chat.storage.pool_size",
        retryable: true,
      },
    );
  }
  const [, kind, hint] = known.find(([state]) => isOf([state], codeOf(error))) ?? [];
  const lost = isLost(error);
  return new StoreError(
    kind ?? (error instanceof SyntaxError ? "corrupt" : doing === "open" ? "open" : "write"),
    `cannot ${doing} the event log ${address.shown}: ${textOf(error)}`,
    {
      cause: new Error(textOf(error)), // the driver's error itself is not kept, because it holds values of rows
      hint:
        hint?.(address) ??
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

/**
 * Returns the message of an error. If a host name has several addresses, the error is an AggregateError without a message of its own, so
 * the messages of its errors are joined.
 */
function textOf(error: unknown): string {
  return (
    messageOf(error) || (error as { errors?: readonly Error[] }).errors?.map(messageOf).join(", ") || codeOf(error)
  );
}
