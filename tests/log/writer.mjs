// A second process on a database: writer.mjs FILE append|claim COUNT. Acknowledges each event with a line on stdout.
import { writeSync } from "node:fs";
import { openSqliteStore } from "../../dist/log/sqlite/store.js";

const [path, mode, count] = process.argv.slice(2);
const request = { nodeId: String(process.pid), workspace: "here", options: {} };
const store = await openSqliteStore(path, { now: Date.now, observe: () => undefined });
for (let index = 0; index < Number(count); index++) {
  const turnId = `turn_${process.pid}_${index}`;
  const message = {
    type: "user_message",
    turnId,
    requestId: turnId,
    content: [{ type: "text", text: "x".repeat(500) }],
  };
  if (mode === "append") writeSync(1, `${(await store.archive.amend("c", () => message)).seq}\n`);
  else writeSync(1, `${(await store.claim("c", { ...message, requestId: `request_${index}` }, request)).created}\n`);
}
await store.close();
