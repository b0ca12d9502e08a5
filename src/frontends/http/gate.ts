/** Who may come in by the network: checked before anything of a request is read, for HTTP and WebSocket alike. */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { RateLimit } from "./rate-limit.js";

export interface Visit {
  method: string;
  /** With the query. */
  url: string;
  header(name: string): string | undefined;
  /** Of the other end of the connection. */
  address: string;
}

export interface Refusal {
  status: 401 | 403 | 429 | 503;
  code: string;
  message: string;
  headers: Record<string, string>;
}

interface GateParts {
  /** Undefined: every caller may come in. */
  token: string | undefined;
  /** Whether only this machine reaches the socket. */
  isLoopback: boolean;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  rate: RateLimit;
  isDraining: () => boolean;
  /** What other hosts come in by, there and nowhere else, whatever they call this one. */
  peers?: { path: string; secret: string } | undefined;
}

/** Whether the address, as one listens on it, is reached from this machine only. */
export function isLoopbackAddress(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** What a load balancer and a browser may ask without a token: the page and its files hold nothing of a conversation. */
const openPaths = /^\/(?:healthz|readyz|assets\/[^/]*)?$/;
/** A browser cannot set a header of a WebSocket: the page sends the token, in base64url, as one of the subprotocols that it offers. */
const bearerProtocol = /(?:^|,) *bearer\.([\w-]+) *(?:,|$)/;

export class Gate {
  readonly #parts: GateParts;
  readonly #origins: ReadonlySet<string>;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#origins = new Set(parts.allowedOrigins.map((origin) => new URL(origin).origin));
  }

  /** Undefined: come in. */
  check(visit: Visit): Refusal | undefined {
    const path = visit.url.replace(/\?.*$/s, "");
    const isOpen = openPaths.test(path);
    const { peers } = this.#parts;
    if (path === peers?.path && hasBearer(visit.header("authorization"), peers.secret)) return undefined;
    const hostname = hostnameOf(visit.header("host"));
    if (!this.#isKnownHost(hostname)) {
      return refusal(403, "host_not_allowed", `the host "${hostname ?? ""}" is not in serve.allowed_hosts`);
    }
    const origin = visit.header("origin");
    if (origin !== undefined && !this.allowsOrigin(origin, visit.header("host"))) {
      return refusal(403, "origin_not_allowed", "web pages of this origin are not in serve.allowed_origins");
    }
    const waitS = this.#parts.rate.take(visit.address);
    if (waitS !== undefined) {
      const message = "more requests than serve.requests_per_minute came from this address";
      return refusal(429, "rate_limit_exceeded", message, { "retry-after": String(waitS) });
    }
    if (!isOpen && visit.method !== "OPTIONS" && !this.isAuthorized(visit)) {
      const message = "send the token of this host, as Authorization: Bearer …; serve says at its start where it is";
      return refusal(401, "invalid_api_key", message, { "www-authenticate": "Bearer" });
    }
    if (!isOpen && this.#parts.isDraining()) {
      return refusal(503, "shutting_down", "the host is about to end", { "retry-after": "5" });
    }
    return undefined;
  }

  /** A page of the host itself, or one that the user has named. */
  allowsOrigin(origin: string, host: string | undefined): boolean {
    if (this.#origins.has(origin)) return true;
    return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
  }

  /** A page that rebinds its name to this address sends its own name. */
  #isKnownHost(hostname: string | undefined): boolean {
    const { allowedHosts, isLoopback } = this.#parts;
    if (hostname === undefined) return false;
    if (isLoopbackAddress(hostname) || allowedHosts.includes(hostname)) return true;
    return !isLoopback && allowedHosts.length === 0;
  }

  /** Whether the caller has sent the token, or needs none. */
  isAuthorized(visit: Pick<Visit, "header">): boolean {
    const { token } = this.#parts;
    if (token === undefined) return true;
    if (hasBearer(visit.header("authorization"), token)) return true;
    const offered = bearerProtocol.exec(visit.header("sec-websocket-protocol") ?? "")?.[1];
    return offered !== undefined && isSame(Buffer.from(offered, "base64url").toString(), token);
  }
}

export function hasBearer(authorization: string | undefined, wanted: string): boolean {
  const given = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
  return given !== undefined && isSame(given, wanted);
}

/** Takes the same time whatever the difference, of lengths too. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** Without port and brackets, in lower case. */
function hostnameOf(host: string | undefined): string | undefined {
  if (!host || !URL.canParse(`http://${host}`)) return undefined;
  const { hostname, username, pathname } = new URL(`http://${host}`);
  return username || pathname !== "/" ? undefined : hostname.replace(/^\[|\]$/g, "");
}

function refusal(
  status: Refusal["status"],
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Refusal {
  return { status, code, message, headers };
}
