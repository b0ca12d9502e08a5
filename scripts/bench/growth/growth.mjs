/**
 * Measures what grows with the event log. Makes logs of 1,000 to 100,000 conversations by direct inserts, files in a temporary folder and
 * databases of a temporary PostgreSQL from npm, and prints a table for each engine: times in milliseconds, after the slash the longest
 * time for which the work blocked the event loop, the growth from the smallest to the largest log, and whether that keeps to its bounds.
 *
 *   npm run build && node scripts/bench/growth/growth.mjs [--million] [--events 30] [--sizes 1000,100000] [--engines sqlite,postgres]
 *     [--dist dist] [--docs]
 *
 * An event has 1 KB, so 100,000 conversations of 30 events take 4 GB on the disk. A log is deleted before the next one is made.
 * `--million` adds logs of 1,000,000 conversations; with `--events 3` these take 4 GB and some minutes. `--docs` writes the tables into
 * docs/benchmarks.md. Linux only.
 *
 * What does not grow with the log has benchmarks of its own: long conversations (`stored-conversation.mjs`), calls whose client
 * keeps the history (`stateless.mjs`), hosts that met many conversations (`serve-soak.mjs`), and many hosts (`statements.mjs`, `scale.mjs`).
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { tableOf } from "./figures-table.mjs";
import { Home } from "./host.mjs";
import { fillDatabase, fillFile } from "./log-maker.mjs";
import { measureReads, measureTurns } from "./rows.mjs";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,10000,100000" },
    million: { type: "boolean" },
    engines: { type: "string", default: "sqlite,postgres" },
    events: { type: "string", default: "30" },
    dist: { type: "string", default: "dist" },
    docs: { type: "boolean" },
  },
});
const load = (path) => import(pathToFileURL(resolve(flags.dist, path)).href);
const [{ openStore: open }, { connect }, { Retention }] = await Promise.all(
  ["log/open.js", "log/sqlite/connection.js", "session/conversations/retention.js"].map(load),
);
const openStore = (storage) => open(storage, { now: Date.now, observe: () => {} });
const events = Math.max(3, Number(flags.events));
const sizes = [...flags.sizes.split(",").map(Number), ...(flags.million ? [1_000_000] : [])];

const folder = mkdtempSync(join(tmpdir(), "growth-"));
const home = new Home(folder, flags.dist);
const tables = [];
try {
  for (const engine of flags.engines.split(",")) {
    const server = engine === "postgres" ? await startServer() : undefined;
    const columns = {};
    for (const size of sizes) columns[size] = await measured(size, server);
    columns[sizes[0]]["space of an event of 1,000 bytes"] = { value: await eventSpace(server) };
    await server?.end();
    const table = tableOf(server ? "PostgreSQL" : "SQLite", columns);
    process.stdout.write(`${table}\n`);
    tables.push(table);
  }
} finally {
  home.close();
  rmSync(folder, { recursive: true });
}
if (flags.docs) writeDocs();

async function measured(size, server) {
  const sinceMidnightMs = Date.now() - new Date().setHours(0, 0, 0, 0);
  const reads = await withLog({ conversations: size, events }, server, (storage) =>
    measureReads({ home, storage, conversations: size, openStore, Retention }),
  );
  // Only answers of today count against a limit of the day, so their conversations can be small.
  const today = { conversations: size, events: 3, eventBytes: 300, periodMs: sinceMidnightMs };
  const turns = await withLog(today, server, (storage) => measureTurns({ home, storage }));
  return { ...reads, ...turns };
}

/** Calls `work` with a log of this content, and deletes the log. */
async function withLog(log, server, work) {
  const place = join(folder, "log");
  mkdirSync(place);
  const storage = server
    ? { driver: "postgres", url: await server.database() }
    : { driver: "sqlite", path: join(place, "log.db") };
  try {
    await (await openStore(storage)).close();
    const startedAt = performance.now();
    await (server ? fillDatabase(storage.url, log) : fillFile(storage.path, log, connect));
    process.stderr.write(
      `${log.conversations} conversations made in ${Math.round((performance.now() - startedAt) / 1000)} s\n`,
    );
    return await work(storage);
  } finally {
    rmSync(place, { recursive: true });
    await server?.drop(storage.url);
  }
}

/** Returns the space that an event takes in a log of conversations of 30 events, with all tables and indexes. */
async function eventSpace(server) {
  const sizeOf = async (log) =>
    withLog(log, server, (storage) => (server ? server.size(storage.url) : statSync(storage.path).size));
  const log = { conversations: 2_000, events: 30 };
  const [empty, filled] = [await sizeOf({ ...log, conversations: 0 }), await sizeOf(log)];
  return (filled - empty) / (log.conversations * log.events);
}

async function startServer() {
  await import("../../ts-node.mjs");
  const { query, startPostgres } = await import("../../../tests/support/postgres.ts");
  const server = await startPostgres();
  const administer = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
  return {
    database: () => server.database(),
    drop: (url) => query(administer, `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`),
    size: async (url) => Number((await query(url, "SELECT pg_database_size(current_database()) AS bytes"))[0].bytes),
    end: () => server[Symbol.asyncDispose](),
  };
}

/** Writes the tables between the markers in docs/benchmarks.md. Throws if the markers are missing. */
function writeDocs() {
  const page = fileURLToPath(new URL("../../../docs/benchmarks.md", import.meta.url));
  const [begin, end] = ["<!-- growth: `growth.mjs --docs` writes this -->", "<!-- /growth -->"];
  const text = readFileSync(page, "utf8");
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`docs/benchmarks.md has no ${begin} … ${end}`);
  writeFileSync(page, `${text.slice(0, before)}${begin}\n\n${tables.join("\n")}\n${text.slice(after)}`);
}
