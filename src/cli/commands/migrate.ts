/** `mcp-platform migrate`: brings the event log to this version's schema. */
import type { Command } from "commander";
import type { GlobalOptions } from "../shared/configuration.js";
import { loadConfirmed } from "../shared/confirmed.js";
import { print } from "../shared/process.js";

export function addMigrateCommand(program: Command): void {
  program
    .command("migrate")
    .description("bring the event log to this version's schema; a host that starts does so too")
    .action(async () => {
      const { migrateLog } = await import("../../host/log-only.js");
      const { config } = await loadConfirmed(program.opts<GlobalOptions>());
      const { place, version } = await migrateLog(config);
      print(`${place}: schema ${version}`);
    });
}
