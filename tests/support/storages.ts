/** `chat.storage` for the tests of whatever stands on the event log: on each store there is, or on the one that TEST_STORAGE names. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import type { StorageConfig } from "../../src/core/config.js";
import type { ChatStore } from "../../src/core/store-ports.js";
import { openStore } from "../../src/history/open.js";
import { newDatabase, noServer, type PostgresServer, query, startPostgres } from "./postgres.js";

export type Driver = StorageConfig["driver"];

/** A server that is there already, in place of one for each file of tests: its databases are dropped again. */
const givenUrl = process.env.TEST_DATABASE_URL;
/** One of its databases, with nothing in it but our schema: see shared-postgres.mjs. */
const migrated = process.env.TEST_DATABASE_TEMPLATE;
export const noPostgres = givenUrl ? undefined : noServer;

let server: Promise<PostgresServer> | undefined;
const given: string[] = [];

/** The URL of a new, empty database, on a server that ends with this file of tests; a copy of the one that is named, if any. */
export async function newDatabaseUrl(template?: string): Promise<string> {
  if (givenUrl) {
    const url = await newDatabase(givenUrl, template);
    given.push(url);
    return url;
  }
  server ??= startPostgres();
  return (await server).database();
}

afterAll(async () => {
  await (await server)?.[Symbol.asyncDispose]();
  for (const url of given) await query(givenUrl ?? "", `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
});

/** An empty log, in the shape of the configuration's file too. `folder` is where a file may be. */
export async function newStorage(folder: string, driver = driverUnderTest): Promise<StorageConfig> {
  if (driver === "postgres") return { driver, url: await newDatabaseUrl(migrated) };
  return driver === "memory" ? { driver } : { driver, path: join(folder, "log.db") };
}

/** Of tests that are run on SQLite and again on PostgreSQL: see jest.config.js. */
export const driverUnderTest = (process.env.TEST_STORAGE ?? "sqlite") as Driver;

/** Of the same tests: the stores that such a run tries. */
export const drivers: readonly Driver[] = driverUnderTest === "postgres" ? ["postgres"] : ["sqlite", "memory"];

/** Runs with a new store, whose clock says 100 and one more each time. */
export async function withStore(
  driver: Driver,
  work: (store: ChatStore, storage: StorageConfig) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "store-"));
  const storage = await newStorage(folder, driver);
  let time = 100;
  const store = await openStore(storage, { now: () => time++, observe: () => undefined });
  try {
    await work(store, storage);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}
