/**
 * Measures what a turn costs as its conversation gets longer, and as more servers are configured: the host's processor time for a turn, and
 * the bytes of its request. `bare` is a client that only sends the same bytes and reads the answer: the lower limit of the cost.
 *
 *   npm run build && node scripts/bench/conversation-length.mjs [driver of the log: memory or sqlite]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { post, wholeText } from "./compare/contestants/bare/http.mjs";
import { answerOf, startApp } from "./compare/contestants/ours/embed.mjs";
import { startServer } from "./compare/processes.mjs";

const [driver = "memory"] = process.argv.slice(2);
const lengths = [10, 100, 1000];
const serverCounts = [1, 10, 50];
/** Number of turns measured at each length. */
const around = 20;

const home = mkdtempSync(join(tmpdir(), "length-"));
process.once("exit", () => rmSync(home, { recursive: true, force: true }));
const [model, mcp] = await Promise.all(["servers/model.mjs", "servers/mcp-http.mjs"].map(startServer));
const modelUrl = `http://127.0.0.1:${model.port}/v1`;
const server = { url: `http://127.0.0.1:${mcp.port}/mcp` };

process.stdout.write(`${"a turn".padEnd(28)}request KB   ours ms   bare ms\n`);
await host({ count: 1 }, async (ask) => {
  for (const length of lengths) await measured(`turn ${length} of a conversation`, ask, length - around / 2);
});
for (const count of serverCounts) {
  await host({ count }, (ask) => measured(`turn 10, ${count} server(s)`, ask, 10));
  await host({ count, tools: { deny: ["*"] } }, (ask) => measured(`the same, no tools offered`, ask, 10));
}
model.stop();
mcp.stop();
process.exit();

/** Starts a host with this number of servers and runs `work` on one conversation. */
async function host({ count, tools }, work) {
  const servers = Array.from({ length: count }, (_, index) => ({ ...server, tools, name: `srv${index}` }));
  const path = join(home, `${count}${tools ? "-denied" : ""}.db`);
  const storage = driver === "sqlite" ? { driver, path } : { driver };
  const app = await startApp({ dist: resolve("dist"), home, baseUrl: modelUrl, servers }, storage);
  const session = app.sessions.open();
  let turns = 0;
  const ask = async () => {
    const text = `This is turn ${++turns} of a conversation about the sea, its tides and its weather.`;
    await answerOf(session.prompt({ requestId: `r${turns}`, text }));
    return turns;
  };
  await work(ask);
  await app.close();
}

/** Runs the conversation up to turn `from`, then measures the following turns and prints the result. */
async function measured(title, ask, from) {
  while ((await ask()) < from);
  const ours = await cpuMs(around, ask);
  const { body } = await model.ask();
  const request = JSON.parse(body);
  const bare = async () =>
    JSON.parse(await wholeText(await post(`${modelUrl}/chat/completions`, JSON.stringify(request))));
  await cpuMs(around, bare);
  const cells = [body.length / 1024, ours, await cpuMs(around, bare)].map((figure) => figure.toFixed(2).padStart(10));
  process.stdout.write(`${title.padEnd(28)}${cells.join("")}\n`);
}

async function cpuMs(times, work) {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}
