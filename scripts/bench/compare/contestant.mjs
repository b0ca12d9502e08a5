/**
 * Runs one contestant in its own process: `contestant.mjs MODULE SETUP`. Does the tasks that its parent sends and answers each task with
 * its figures. With a prompt as the third argument, it only writes the streamed answer to stdout and ends.
 */
import { pathToFileURL } from "node:url";
import { tasks } from "./tasks.mjs";

const [module, setup, prompt] = process.argv.slice(2);
const { open } = await import(pathToFileURL(module).href);
const contestant = await open(JSON.parse(setup));

if (prompt !== undefined) {
  await contestant.stream(prompt, (text) => process.stdout.write(text));
  await contestant.close();
  process.exit();
}

process.on("disconnect", () => process.exit());
process.on("message", async (task) => {
  try {
    // Collects young objects only. A forced full collection discards the optimised code of every class that has no instance at that moment
    // (V8 11.3, "weak objects" in --trace-deopt). A full collection that V8 starts during work does not.
    globalThis.gc({ type: "minor" });
    process.send({ figures: await tasks[task.kind](contestant, task) });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.send({});
