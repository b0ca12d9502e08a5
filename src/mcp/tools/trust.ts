import { RequestError } from "../../core/errors.js";
import { didYouMean } from "../../core/text/nearest.js";
import type { SupervisedServer } from "../server/supervised-server.js";

/** Approves the server's current tool definitions, or only that of `tool`. Resolves with the approved changes, keyed by tool name. */
export async function trust(
  servers: readonly SupervisedServer[],
  name: string,
  tool?: string,
): Promise<ReadonlyMap<string, string>> {
  const server = servers.find(({ config }) => config.name === name);
  const names = servers.map(({ config }) => config.name);
  if (!server) throw new RequestError("usage", `there is no MCP server "${name}"${didYouMean(name, names)}`);
  await server.startForUse();
  await server.untilStarted(); // startForUse does not wait for an ordinary start
  server.requireUsable();
  const tools = server.lists.tools.filter((listed) => tool === undefined || listed.name === tool);
  if (tools.length > 0 || tool === undefined) return server.offered.pin(tools);
  const offered = server.lists.tools.map((listed) => listed.name);
  throw new RequestError("usage", `${name} offers no tool "${tool}"${didYouMean(tool, offered)}`);
}
