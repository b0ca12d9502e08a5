// A host with the model at this address. Prints how many bytes `turns` turns leave behind after a collection of young objects; each turn
// holds an array of `bytes` bytes.
import { createApp } from "../../dist/index.js";

const [url, home, turns, bytes] = process.argv.slice(2);
const app = await createApp({
  env: { HOME: home },
  observe: () => {},
  config: {
    llm: { active: "test", providers: { test: { base_url: url, model: "m1", api_key: "sk-test-0123456789" } } },
    mcpServers: {
      s: { command: process.execPath, args: ["tests/support/mcp-server.mjs", "{}"], startup_grace: "20s" },
    },
    chat: { storage: { driver: "sqlite", path: `${home}/conversations.db` }, service: { approval: "auto" } },
  },
});
await app.ready();

async function run(requestId) {
  const session = app.sessions.open();
  const turn = await session.submit({ requestId, text: "hi" });
  turn.ballast = new Array(bytes / 8).fill(0.5);
  let last;
  for await (const event of turn.watch()) last = event;
  if (last.type !== "turn_end") throw new Error(JSON.stringify(last));
  await app.sessions.forget(session);
}

for (let n = 0; n < 10; n++) await run(`before ${n}`);
globalThis.gc();
const before = process.memoryUsage().heapUsed;
for (let n = 0; n < Number(turns); n++) await run(`r${n}`);
for (let n = 0; n < 2; n++) globalThis.gc({ type: "minor" });
const left = process.memoryUsage().heapUsed - before;
await app.close();
process.stdout.write(String(left));
process.exit();
