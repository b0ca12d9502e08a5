/** This host as a program embeds it, with the event log in memory. */
import { embed } from "./ours/embed.mjs";

export { command } from "./ours/command-line.mjs";

export function open(setup) {
  return embed(setup, { driver: "memory" });
}
