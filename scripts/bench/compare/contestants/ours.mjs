/** This host embedded in a program, with the event log in memory. */
import { embed } from "./ours/embed.mjs";

export { command } from "./ours/command-line.mjs";

export function open(setup) {
  return embed(setup, { driver: "memory" });
}
