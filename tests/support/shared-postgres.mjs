// Starts one PostgreSQL for a whole run of tests, unless TEST_DATABASE_URL names a server. One database on it has our schema; the others
// are copies of it.
import "../../scripts/ts-node.mjs";
import { migrateLog } from "../../dist/host/log-only.js";

const { newDatabase, query, startPostgres } = await import("./postgres.ts");
let server;
let template;

export default async function start() {
  if (!process.env.TEST_DATABASE_URL) {
    server = await startPostgres(["max_connections=300"]);
    process.env.TEST_DATABASE_URL = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
  }
  const url = await newDatabase(process.env.TEST_DATABASE_URL);
  template = new URL(url).pathname.slice(1);
  process.env.TEST_DATABASE_TEMPLATE = template;
  await migrateLog({ chat: { storage: { driver: "postgres", url } }, logging: { level: "error" } });
}

export async function end() {
  if (server) return server[Symbol.asyncDispose]();
  await query(process.env.TEST_DATABASE_URL, `DROP DATABASE ${template}`);
}
