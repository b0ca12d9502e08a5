import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { asFetch } from "../http/as-fetch.js";
import { exchange } from "../http/exchange.js";
import { withinOrigin } from "../http/redirects.js";
import type { Reach } from "./reach.js";

const send = asFetch(withinOrigin(exchange));

/**
 * Returns the `fetch` for all requests to authorization servers. It uses the connections and the rules about redirects of requests to MCP
 * servers, and rejects for addresses that `reach` does not allow. `signal` cancels the requests.
 */
export function loginFetch(reach: Reach, signal: AbortSignal): FetchLike {
  return reach.guarded((url, init) => send(url, { ...init, signal }));
}
