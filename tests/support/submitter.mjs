// A process that sends prompts: submitter.mjs CONFIG COUNT IDS. Sends COUNT prompts under IDS request ids of conversation "c", all at once,
// and prints each answer as a line. With IDS=0 it only recovers turns that other processes left, until its stdin ends.
import { readFileSync } from "node:fs";
import { createApp } from "../../dist/index.js";

const [config, count, ids] = process.argv.slice(2);
const app = await createApp({ config: JSON.parse(readFileSync(config, "utf8")), observe: () => {} });

async function ask(id) {
  const events = [];
  for await (const event of app.sessions.open("c").prompt({ requestId: `r${id}`, text: `text ${id}` })) {
    if ("seq" in event) events.push({ ...event });
  }
  const text = events.findLast(({ type }) => type === "assistant_message")?.message.content;
  process.stdout.write(`${JSON.stringify({ id, text, end: events.at(-1).type })}\n`);
}

await Promise.all(Array.from({ length: Number(count) }, (_, index) => ask(index % Number(ids))));
await app.close();
process.exit(0);
