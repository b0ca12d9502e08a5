/** `chat.storage` for tests that use the event log: a file, or what TEST_STORAGE names. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { StorageConfig } from "../../src/core/config.js";
import { openStore } from "../../src/log/open.js";
import { newDatabase, noServer, type PostgresServer, query, startPostgres } from "./postgres.js";

export type Driver = StorageConfig["driver"];

/** A running server, used instead of one for each test file. Its databases are dropped afterwards. */
const givenUrl = process.env.TEST_DATABASE_URL;
/** A database on that server with nothing but our schema: see shared-postgres.mjs. */
const migrated = process.env.TEST_DATABASE_TEMPLATE;
export const noPostgres = givenUrl ? undefined : noServer;

let server: Promise<PostgresServer> | undefined;
const given: string[] = [];

/** Makes a database and returns its URL: empty, or a copy of `template`. Its server ends with this test file. */
export async function newDatabaseUrl(template?: string): Promise<string> {
  if (givenUrl) {
    const url = await newDatabase(givenUrl, template);
    given.push(url);
    return url;
  }
  server ??= startPostgres();
  return (await server).database();
}

/** `npm run test:kill` drops 188 databases at its end. On a loaded machine this takes longer than a test may. */
const droppingMs = 900_000;

afterAll(async () => {
  await (await server)?.[Symbol.asyncDispose]();
  for (const url of given) await query(givenUrl ?? "", `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
}, droppingMs);

/** Returns the configuration of a new, empty log. `folder` is the place for a file. */
export async function newStorage(folder: string, driver = driverUnderTest): Promise<StorageConfig> {
  if (driver === "postgres") return { driver, url: await newDatabaseUrl(migrated) };
  return driver === "memory" ? { driver } : { driver, path: join(folder, "log.db") };
}

/** The driver of tests that run on SQLite and again on PostgreSQL: see jest.config.js. */
export const driverUnderTest = (process.env.TEST_STORAGE ?? "sqlite") as Driver;

/** Calls `work` with a new store of the driver under test. Its clock starts at 100 and advances by one each time it is read. */
export async function withStore(work: (store: ChatStore, storage: StorageConfig) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "store-"));
  const storage = await newStorage(folder);
  let time = 100;
  const store = await openStore(storage, { now: () => time++, observe: () => undefined });
  try {
    await work(store, storage);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}
