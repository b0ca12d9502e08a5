/** Admission from the network: checked before anything of a request is read, for HTTP and WebSocket alike. */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { RateLimit } from "./rate-limit.js";

export interface Visit {
  method: string;
  /** Includes the query. */
  url: string;
  header(name: string): string | undefined;
  /** Address of the caller; for IPv6 its network. */
  address: string;
  /** True if the connection holds only a place for probes. */
  isForProbes: boolean;
  /** Keeps the connection of an authorised caller from being closed for another one. */
  keep(): void;
}

export interface Refusal {
  status: 401 | 403 | 429 | 503;
  code: string;
  message: string;
  headers: Record<string, string>;
}

interface GateParts {
  /** Undefined if every caller is admitted. */
  token: string | undefined;
  isLoopback: boolean;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  rate: RateLimit;
  /** Limit for callers without the token, so that they use up no request of the others. */
  strangersRate: RateLimit;
  isDraining: () => boolean;
  /** Path and secret of other hosts. The secret counts only on this path, whatever Host header they send. */
  peers?: { path: string; secret: string } | undefined;
}

/** Returns true if a listener on this address is reached from this machine only. */
export function isLoopbackAddress(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** Probes of an orchestrator. They have no limit: if others used it up, the host would be taken for dead. */
const probePaths = /^\/(?:healthz|readyz)$/;
/** Paths that a load balancer and a browser may ask for without a token: the page and its files hold nothing of a conversation. */
const openPaths = /^\/(?:healthz|readyz|assets\/[^/]*)?$/;
/** Subprotocol in which the page sends the token, in base64url: a browser cannot set headers of a WebSocket. */
const bearerProtocol = /(?:^|,) *bearer\.([\w-]+) *(?:,|$)/;

export class Gate {
  readonly #parts: GateParts;
  readonly #origins: ReadonlySet<string>;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#origins = new Set(parts.allowedOrigins.map((origin) => new URL(origin).origin));
  }

  /** Returns undefined if the visit is admitted. */
  check(visit: Visit): Refusal | undefined {
    const path = visit.url.replace(/\?.*$/s, "");
    const isOpen = openPaths.test(path);
    const { peers } = this.#parts;
    if (visit.isForProbes && !probePaths.test(path)) {
      const message = "the host has as many connections as serve.max_connections allows";
      return refusal(503, "too_many_connections", message, { "retry-after": "1", connection: "close" });
    }
    if (path === peers?.path && hasBearer(visit.header("authorization"), peers.secret)) {
      visit.keep();
      return undefined;
    }
    const hostname = hostnameOf(visit.header("host"));
    if (!this.#isKnownHost(hostname)) {
      return refusal(403, "host_not_allowed", `the host "${hostname ?? ""}" is not in serve.allowed_hosts`);
    }
    const origin = visit.header("origin");
    if (origin !== undefined && !this.allowsOrigin(origin, visit.header("host"))) {
      return refusal(403, "origin_not_allowed", "web pages of this origin are not in serve.allowed_origins");
    }
    if (origin === undefined && isCrossSite(visit, path)) {
      return refusal(403, "cross_site", "a web page of another origin has sent the request, and says no origin");
    }
    if (probePaths.test(path)) return undefined;
    const isAuthorized = this.isAuthorized(visit);
    if (isAuthorized) visit.keep();
    const waitS = this.#parts[isAuthorized ? "rate" : "strangersRate"].take(visit.address);
    if (waitS !== undefined) {
      const message = "more requests than serve.requests_per_minute came from this address";
      return refusal(429, "rate_limit", message, { "retry-after": String(waitS) });
    }
    if (!isOpen && visit.method !== "OPTIONS" && !isAuthorized) {
      const message =
        "send the token of this host, as Authorization: Bearer … or x-api-key; serve says at its start where it is";
      return refusal(401, "invalid_api_key", message, { "www-authenticate": "Bearer" });
    }
    if (!isOpen && this.#parts.isDraining()) {
      return refusal(503, "shutting_down", "the host is about to end", { "retry-after": "5" });
    }
    return undefined;
  }

  /** Allows pages of the host itself, and origins that the user has named. */
  allowsOrigin(origin: string, host: string | undefined): boolean {
    if (this.#origins.has(origin)) return true;
    return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
  }

  /** Refuses a page that rebinds its name to this address: it sends its own name. */
  #isKnownHost(hostname: string | undefined): boolean {
    const { allowedHosts, isLoopback } = this.#parts;
    if (hostname === undefined) return false;
    if (isLoopbackAddress(hostname) || allowedHosts.includes(hostname)) return true;
    return !isLoopback && allowedHosts.length === 0;
  }

  /** Returns true if the caller has sent the token, or needs none. */
  isAuthorized(visit: Pick<Visit, "header">): boolean {
    const { token } = this.#parts;
    if (token === undefined) return true;
    if (hasBearer(visit.header("authorization"), token)) return true;
    const key = visit.header("x-api-key");
    if (key !== undefined && isSame(key, token)) return true;
    const offered = bearerProtocol.exec(visit.header("sec-websocket-protocol") ?? "")?.[1];
    return offered !== undefined && isSame(Buffer.from(offered, "base64url").toString(), token);
  }
}

export function hasBearer(authorization: string | undefined, wanted: string): boolean {
  const given = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
  return given !== undefined && isSame(given, wanted);
}

/** Detects by the browser's headers what a page of another site loads or sends. A link to the host's page is allowed. */
function isCrossSite({ method, header }: Visit, path: string): boolean {
  const site = header("sec-fetch-site");
  if (site === undefined || site === "same-origin" || site === "none") return false;
  return !(method === "GET" && path === "/" && header("sec-fetch-mode") === "navigate");
}

/** Compares in constant time, also for different lengths. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** Removes port and brackets, in lower case. */
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
