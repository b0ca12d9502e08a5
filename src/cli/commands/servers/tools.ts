/** `tools`: lists the tools of the servers. */
import type { Command } from "commander";
import { RequestError } from "../../../core/errors.js";
import type { ServerState } from "../../../core/events.js";
import type { ToolHub } from "../../../core/ports.js";
import { didYouMean } from "../../../core/text/nearest.js";
import { exitCodes } from "../../../doors/shared/exit-codes.js";
import type { GlobalOptions } from "../../shared/configuration.js";
import { show } from "./show.js";

export function addToolsCommand(program: Command): void {
  program
    .command("tools")
    .description("list the tools that the model can use; exit code 5 if one of the servers is down")
    .argument("[server...]", "list only the tools of these servers")
    .action((names: string[]) => {
      const isAsked = (name: string) => names.length === 0 || names.includes(name);
      return show(
        program.opts<GlobalOptions>(),
        (texts, { hub }) => {
          requireServers(names, hub);
          return texts.toolsText(hub.tools().filter(({ server }) => isAsked(server)));
        },
        ({ hub }) => {
          const isDown = hub.servers().some(({ name, state }) => isAsked(name) && down.includes(state));
          return isDown ? exitCodes.serverDown : exitCodes.done;
        },
      );
    });
}

const down: readonly ServerState[] = ["failed", "needs_auth"];

/** Throws RequestError if there is no server with one of the names. */
function requireServers(names: readonly string[], hub: ToolHub): void {
  const known = new Set([...hub.servers().map(({ name }) => name), ...hub.tools().map(({ server }) => server)]);
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new RequestError("not_found", `there is no server ${unknown}${didYouMean(unknown, [...known])}`, {
    hint: `servers: ${[...known].join(", ")}`,
  });
}
