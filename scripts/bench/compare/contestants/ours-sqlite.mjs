/** This host as a program embeds it, with the event log in a file, each event on the disk before it is shown. */
import { join } from "node:path";
import { embed } from "./ours/embed.mjs";

export function open(setup) {
  return embed(setup, { driver: "sqlite", path: join(setup.home, "conversations.db") });
}
