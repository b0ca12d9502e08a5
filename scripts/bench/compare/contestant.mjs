/**
 * One contestant in a process of its own: `contestant.mjs MODULE SETUP`. Does the tasks that its parent sends and answers each with
 * its figures. With a prompt as the third argument it only writes the streamed answer to stdout and ends.
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
    // Of young objects only: a forced collection of all of them throws away the optimised code of every class that has no instance at that
    // moment (V8 11.3, "weak objects" in --trace-deopt), which a collection that comes by itself while there is work does not.
    globalThis.gc({ type: "minor" });
    process.send({ figures: await tasks[task.kind](contestant, task) });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.send({});
