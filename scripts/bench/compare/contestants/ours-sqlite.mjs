/** This host embedded in a program, with the event log in a file. Each event is on the disk before it is shown. */
import { join } from "node:path";
import { embed } from "./ours/embed.mjs";

export function open(setup) {
  return embed(setup, { driver: "sqlite", path: join(setup.home, "conversations.db") });
}
