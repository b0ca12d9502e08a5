/**
 * Route that starts a login at a remote server. After a login the browser returns to a port of this machine, so the caller must be on this
 * machine.
 */

import type { DoorParts } from "../../shared/door.js";
import type { ApiRoute } from "../shared/api.js";
import { requireHere } from "./require-here.js";

export function loginRoutes({ login }: DoorParts): ApiRoute[] {
  const underWay = new Map<string, Promise<Response>>();
  const begin = (name: string): Promise<Response> => {
    let ended = Promise.resolve("");
    const shown = new Promise<Response>((resolve) => {
      ended = login(name, ({ href }) => resolve(Response.json({ url: href }, { status: 202 })));
    });
    // Called when the login has ended or failed. An error is ignored here: if the login page was already shown, the browser has been told, unless it
    // never came back.
    const forget = () => underWay.delete(name);
    ended.then(forget, forget);
    return Promise.race([shown, ended.then((status) => Response.json({ url: null, status }))]);
  };
  return [
    {
      method: "POST",
      path: "/api/servers/{name}/login",
      summary: "Begins a login, for a caller on this machine: 202 with the page to open, or 200 if no login is needed",
      async run(call) {
        requireHere(
          call,
          "the browser comes back to a port of the host's machine: log in there, by mcp-platform servers login",
        );
        const name = call.path("name");
        const begun = underWay.get(name) ?? begin(name);
        underWay.set(name, begun);
        return (await begun).clone();
      },
    },
  ];
}
