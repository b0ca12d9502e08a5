/** `rebuild`: computes what is derived from the events of the log anew, if it ever differs from them. */
import type { Command } from "commander";
import type { GlobalOptions } from "../shared/configuration.js";
import { loadConfirmed } from "../shared/confirmed.js";
import { print } from "../shared/process.js";
import { showCounting } from "./usage.js";

export function addRebuildCommand(program: Command): void {
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
