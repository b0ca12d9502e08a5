/** Routes that change the servers of the configuration. The caller must be on this machine, because a server may be a program that runs here. */
import type { JsonObject } from "../../../core/json.js";
import type { NamedEntry, ServerSettings } from "../../../core/server-settings.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import {
  changedServer,
  foundServers,
  importBody,
  importedServers,
  inJson,
  newServerBody,
  pastedBody,
  pastedServers,
  removedServer,
  serverEntryBody,
  serverSwitchBody,
} from "../shared/api-schemas.js";
import { requireHere } from "./require-here.js";
import { shownServers } from "./server-routes.js";

export function serverChangeRoutes(parts: Pick<DoorParts, "hub">, settings: ServerSettings): ApiRoute[] {
  const { hub } = parts;
  const answerChanged = async (name: string, notices: readonly string[], status = 200) => {
    const [server] = await shownServers({ hub, serverSettings: settings }, name);
    return Response.json({ server, notices }, { status });
  };
  return [
    {
      method: "POST",
      path: "/api/servers/read",
      summary:
        "Reads the servers of a copied text: a command line, a URL, or JSON as other programs have it. Adds nothing",
      body: pastedBody,
      answer: inJson(pastedServers),
      async run({ body }) {
        const { text } = body as { text: string };
        return Response.json({ servers: await settings.read(text) });
      },
    },
    {
      method: "POST",
      path: "/api/servers",
      summary:
        "Adds a server to the configuration file and starts it, for a caller on this machine. An entry with a command is a program that this host runs",
      body: newServerBody,
      answer: inJson(changedServer),
      async run(call) {
        requireOwner(call);
        const server = call.body as NamedEntry;
        return answerChanged(server.name, await settings.add(server), 201);
      },
    },
    {
      method: "PUT",
      path: "/api/servers/{name}",
      summary:
        "Replaces the entry of a server, for a caller on this machine. A value *** keeps the secret that is there. An entry with a command is a program that this host runs",
      body: serverEntryBody,
      answer: inJson(changedServer),
      async run(call) {
        requireOwner(call);
        const name = call.path("name");
        const { entry } = call.body as { entry: JsonObject };
        return answerChanged(name, await settings.replace({ name, entry }));
      },
    },
    {
      method: "PATCH",
      path: "/api/servers/{name}",
      summary: "Switches a server on or off in the configuration, for a caller on this machine",
      body: serverSwitchBody,
      answer: inJson(changedServer),
      async run(call) {
        requireOwner(call);
        const name = call.path("name");
        const { enabled } = call.body as { enabled: boolean };
        return answerChanged(name, await settings.enable(name, enabled));
      },
    },
    {
      method: "DELETE",
      path: "/api/servers/{name}",
      summary: "Takes a server out of the configuration, for a caller on this machine",
      answer: inJson(removedServer),
      async run(call) {
        requireOwner(call);
        return Response.json({ notices: await settings.remove(call.path("name")) });
      },
    },
    {
      method: "GET",
      path: "/api/servers/import",
      summary: "The servers that other programs of this machine have, without secrets",
      answer: inJson(foundServers),
      async run() {
        const { servers, problems } = await settings.found();
        const found = servers.map(({ isOfFolder, isTaken, ...server }) => ({
          ...server,
          of_folder: isOfFolder,
          taken: isTaken,
        }));
        return Response.json({ found, problems });
      },
    },
    {
      method: "POST",
      path: "/api/servers/import",
      summary: "Adds servers of other programs to the configuration file and starts them, for a caller on this machine",
      body: importBody,
      answer: inJson(importedServers),
      async run(call) {
        requireOwner(call);
        const { names } = call.body as { names: { program: string; name: string }[] };
        return Response.json(await settings.take(names));
      },
    },
    {
      method: "POST",
      path: "/api/servers/{name}/logout",
      summary: "Forgets the login at a remote server, and connects to it anew",
      async run(call) {
        const name = call.path("name");
        const status = await settings.logout(name);
        hub.reconnect(name);
        return Response.json({ status });
      },
    },
  ];
}

function requireOwner(call: ApiCall): void {
  const message =
    "a server may be a program that runs on the host's machine: change servers there, by mcp-platform servers, or open the page there";
  requireHere(call, message);
}
