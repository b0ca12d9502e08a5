/**
 * Checks of the addresses that this host contacts to get a token. The addresses come from the MCP server or from servers that it names, and
 * the host sends codes and secrets there. So the addresses must not be in the user's own network and must not use plain http.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { McpError } from "../../core/errors.js";
import { isIn, isLocal, networks, unbracketed } from "../../core/text/networks.js";
import { Unreachable } from "../http/http-request.js";

/** Maximum size of an answer. Metadata and tokens are some kilobytes; a body without end would fill the memory. */
const maxAnswerBytes = 1024 * 1024;

/**
 * Networks that are not on the Internet either: "this network", addresses that a carrier shares among its customers, site-local addresses,
 * and addresses of IPv6 that a router translates to IPv4 (6to4, and NAT64 for private networks).
 */
const otherNetworks = networks(
  ["0.0.0.0", 8],
  ["100.64.0.0", 10],
  ["fec0::", 10],
  ["2002::", 16],
  ["64:ff9b::0.0.0.0", 96 + 8],
  ["64:ff9b::10.0.0.0", 96 + 8],
  ["64:ff9b::100.64.0.0", 96 + 10],
  ["64:ff9b::127.0.0.0", 96 + 8],
  ["64:ff9b::169.254.0.0", 96 + 16],
  ["64:ff9b::172.16.0.0", 96 + 12],
  ["64:ff9b::192.168.0.0", 96 + 16],
);

/** A function that resolves with all IP addresses of a host name, and rejects if the name has none. */
export type Resolve = (hostname: string) => Promise<readonly { address: string }[]>;

const byDns: Resolve = (hostname) => lookup(hostname, { all: true });

export class Reach {
  readonly #server: URL;
  readonly #chosen: ReadonlySet<string>;
  readonly #resolve: Resolve;

  /** `server` is the URL of the MCP server. `chosen` are URLs from the user's configuration, which are not checked. */
  constructor(server: string, chosen: readonly string[] = [], resolve: Resolve = byDns) {
    this.#server = new URL(server);
    this.#chosen = new Set([server, ...chosen].map((url) => new URL(url).origin));
    this.#resolve = resolve;
  }

  /**
   * Rejects with McpError if this host may not contact the URL. The URL may be in the user's own network, even with plain http, if the MCP
   * server is in that network too.
   */
  async check(url: URL): Promise<void> {
    if (this.#chosen.has(url.origin)) return;
    const isNear = await this.#isOnOwnNetwork(url.hostname);
    const mayBeNear = isNear && (await this.#isOnOwnNetwork(this.#server.hostname));
    if (isNear && !mayBeNear) throw refusal(url, "it is on your own network, but the MCP server is not");
    if (url.protocol !== "https:" && !(url.protocol === "http:" && mayBeNear)) throw refusal(url, "it is not https");
  }

  /**
   * Returns a `fetch` that checks the address before it calls `send`, then reads the whole answer. Rejects with McpError if the address is
   * refused or the answer is too long. `send` must follow redirects only within the origin of the address, because only that is checked.
   */
  guarded(send: FetchLike): FetchLike {
    return async (target, init) => {
      const url = new URL(target);
      await this.check(url);
      return whole(await send(url, init), url);
    };
  }

  /**
   * Resolves with true if the host name has an address in the user's own network. A name without an address gives false, since the request
   * fails anyway.
   */
  async #isOnOwnNetwork(hostname: string): Promise<boolean> {
    const host = unbracketed(hostname);
    const addresses = isIP(host) ? [{ address: host }] : await this.#resolve(host).catch(() => []);
    return addresses.some(({ address }) => isLocal(address) || isIn(otherNetworks, address));
  }
}

/**
 * Reads the whole body, and returns a response with the body in memory. Rejects with McpError if the body is too long, or with Unreachable
 * if the connection breaks.
 */
async function whole(response: Response, url: URL): Promise<Response> {
  const { body, status, statusText, headers } = response;
  if (!body) return response;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) throw refusal(url, "its answer is longer than 1 MB");
      chunks.push(chunk);
    }
  } catch (error) {
    throw isErrno(error) ? new Unreachable(error) : error;
  }
  return new Response(Buffer.concat(chunks), { status, statusText, headers });
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

function refusal({ origin }: URL, reason: string): McpError {
  return new McpError("needs_auth", `the login leads to ${origin}, which is refused: ${reason}`);
}
