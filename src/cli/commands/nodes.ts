/** `mcp-platform nodes`: lists the hosts. It reads only the event log. */
import type { Command } from "commander";
import type { GlobalOptions } from "../shared/configuration.js";
import { loadConfirmed } from "../shared/confirmed.js";
import { print, printInert } from "../shared/process.js";

export function addNodeCommand(program: Command): void {
  program
    .command("nodes")
    .description("hosts on this event log: their processes and turns")
    .option("--json", "as JSON")
    .action(async ({ json }: { json?: boolean }) => {
      const { readNodes } = await import("../../host/log-only.js");
      const { config } = await loadConfirmed(program.opts<GlobalOptions>());
      const nodes = await readNodes(config);
      const texts = await import("./nodes-text.js");
      if (json) print(texts.nodesJson(nodes));
      else await printInert(texts.nodesText(nodes));
    });
}
