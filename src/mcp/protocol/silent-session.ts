/** A session with a server whose answers come from a tape (recorded traffic). It uses no process, no socket and no SDK. */
import type { ServerConfig } from "../../core/config.js";
import { McpError } from "../../core/errors.js";
import type { ServerHello } from "../../core/tape.js";
import { objectionTo } from "./header-params.js";
import type { RouteEnd } from "./server-route.js";
import type { ServerSession } from "./server-session.js";
import { asMcpError } from "./taped-session.js";

/** Returns a session with the capabilities, version and instructions from the server's recorded greeting. */
export function silentSession(
  { transport }: ServerConfig,
  { era, capabilities, version, instructions }: ServerHello,
): ServerSession {
  const nobody = async () => {
    throw new McpError("unavailable", "there is a tape in place of the server");
  };
  return {
    era,
    capabilities,
    serverVersion: version,
    instructions,
    listen() {},
    async connect() {},
    request: nobody,
    callTool: nobody,
    async subscribe() {},
    async unsubscribe() {},
    async ping() {},
    untilServerCanAsk: () => undefined,
    objectionTo: (inputSchema) => (era === "modern" && transport !== "stdio" ? objectionTo(inputSchema) : undefined),
  };
}

export const silentRoute: RouteEnd = {
  isFatal: () => false,
  explain: asMcpError,
  async close() {},
};
