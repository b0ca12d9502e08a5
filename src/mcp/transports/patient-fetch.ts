import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";

type Dispatcher = NonNullable<RequestInit["dispatcher"]>;
type Agent = new (options: { bodyTimeout: number; headersTimeout: number }) => Dispatcher;

/** Where Node keeps the pool of its own fetch, from the first fetch on. */
const globalDispatcher = Symbol.for("undici.globalDispatcher.1");
let patient: Promise<Dispatcher | undefined> | undefined;

/**
 * `fetch` without the limit of 300 s that Node's has between two pieces of a body (undici's bodyTimeout, typescript-sdk#270): an
 * idle stream of notifications is no fault, and calls have limits of their own.
 */
export const patientFetch: FetchLike = async (url, init) => {
  patient ??= patientDispatcher();
  const dispatcher = await patient;
  const options: RequestInit = { ...init, ...(dispatcher && { dispatcher }) };
  return fetch(url, options);
};

/** Undefined where Node keeps it elsewhere: then its limit stays. */
async function patientDispatcher(): Promise<Dispatcher | undefined> {
  await fetch("data:,");
  const { [globalDispatcher]: current } = globalThis as unknown as Record<symbol, { constructor: Agent } | undefined>;
  return current && new current.constructor({ bodyTimeout: 0, headersTimeout: 0 });
}
