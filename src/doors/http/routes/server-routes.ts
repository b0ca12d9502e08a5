/** Routes for the MCP servers that the host has. */
import { configuredServerJson } from "../../protocol/host-lists.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiRoute } from "../shared/api.js";
import { serverList, serverStderr } from "../shared/api-schemas.js";

export function serverRoutes(parts: Pick<DoorParts, "hub" | "serverSettings" | "reload">): ApiRoute[] {
  const { hub, reload } = parts;
  return [
    {
      method: "GET",
      path: "/api/servers",
      summary: "The MCP servers and their state, each with its entry in the configuration, without secrets",
      answer: { type: "application/json", schema: serverList },
      run: async () => Response.json({ servers: await shownServers(parts) }),
    },
    {
      method: "POST",
      path: "/api/servers/reload",
      summary: "Reads the configuration files again and changes to their servers",
      run: async () => Response.json({ outcome: await reload() }),
    },
    {
      method: "POST",
      path: "/api/servers/{name}/reconnect",
      summary: "Ends the connection once its running calls have ended, and makes a new one now",
      run(call) {
        hub.reconnect(call.path("name"));
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "GET",
      path: "/api/servers/{name}/stderr",
      summary: "The last lines that a server of this machine has written on stderr, without secrets",
      answer: { type: "application/json", schema: serverStderr },
      run: (call) => Response.json({ stderr: hub.stderr(call.path("name")) }),
    },
  ];
}

/** Returns all servers, or the server of this name, as the routes show them. */
export async function shownServers(
  { hub, serverSettings }: Pick<DoorParts, "hub" | "serverSettings">,
  name?: string,
): Promise<object[]> {
  const settings = await serverSettings?.all();
  const servers = hub.servers().filter((server) => name === undefined || server.name === name);
  return servers.map((server) => configuredServerJson(server, settings?.get(server.name)));
}
