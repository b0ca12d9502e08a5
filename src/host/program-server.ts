import type { ConfiguredServer, ServerConfig } from "../core/config.js";
import { RequestError } from "../core/errors.js";
import type { ProgramTool } from "../core/ports.js";
import { ownServer } from "../demo/demo-servers.js";

/** Name of the server that has the tools of the program. */
const name = "app";

/** Adds the server with the tools of the program, if it has any. Throws RequestError if a name is used twice. */
export function withProgramTools(
  servers: readonly ConfiguredServer[],
  offers: readonly ProgramTool[],
): readonly ServerConfig[] {
  if (offers.length === 0) return servers;
  const names = offers.map((tool) => tool.name);
  const twice = names.find((each, at) => names.indexOf(each) !== at);
  if (twice !== undefined) throw new RequestError("usage", `two tools of the program have the name ${twice}`);
  if (servers.some((server) => server.name === name)) {
    throw new RequestError("usage", `mcpServers.${name} must have another name: it is that of the program's own tools`);
  }
  const timeoutsMs = Object.fromEntries(
    offers.flatMap((tool) => (tool.timeoutMs === undefined ? [] : [[tool.name, tool.timeoutMs]])),
  );
  const program = process.argv[1] ?? "";
  const tools = { ...ownServer.tools, timeoutsMs };
  return [
    ...servers,
    {
      ...ownServer,
      name,
      required: true,
      pingIntervalMs: 0,
      protocol: "legacy",
      tools,
      transport: "program",
      program,
      offers,
    },
  ];
}
