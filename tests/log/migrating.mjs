// A process that opens the log of a database: migrating.mjs URL. Prints "open" and the version of the schema once the log is open.
import { newId } from "../../dist/core/ids.js";
import { openPostgresLog } from "../../dist/log/postgres/open.js";

const config = { driver: "postgres", url: process.argv[2] };
const { store, database } = await openPostgresLog(config, { now: Date.now, observe: () => {}, newId });
const [{ version }] = await database.rows("read", "idempotent", "SELECT version FROM mcp_platform_version");
process.stdout.write(`open ${version}\n`);
await store.close();
