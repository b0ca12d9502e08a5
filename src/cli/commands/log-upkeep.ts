/** `migrate` and `rebuild`: bring the event log to this version's schema, and compute anew what is derived from its events. */

import type { Command } from "commander";
import type { GlobalOptions } from "../shared/configuration.js";
import { loadConfirmed } from "../shared/confirmed.js";
import { print } from "../shared/process.js";
import { showCounting } from "./usage.js";

export function addUpkeepCommands(program: Command): void {
  program
    .command("migrate")
    .description("bring the event log to this version's schema; a host that starts does so too")
    .action(async () => {
      const { migrateLog } = await import("../../host/log-only.js");
      const { config } = await loadConfirmed(program.opts<GlobalOptions>());
      const { place, version } = await migrateLog(config);
      print(`${place}: schema ${version}`);
    });

  program
    .command("rebuild")
    .description("count the usage of all conversations anew, from the events of the log; hosts may run meanwhile")
    .action(async () => {
      const { rebuildLog } = await import("../../host/log-only.js");
      const { config } = await loadConfirmed(program.opts<GlobalOptions>());
      const { conversations } = await rebuildLog(config, showCounting);
      print(`the usage of ${conversations.toLocaleString("en-US")} conversations is counted`);
    });
}
