/** Decides which requests from the network are admitted, for HTTP and WebSocket alike, before the body of a request is read. */
import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback, unbracketed } from "../../../core/text/networks.js";
import type { RateLimit } from "./rate-limit.js";
import type { SignIns } from "./sign-ins.js";

export interface Visit {
  method: string;
  /** Path of the request, including the query. */
  url: string;
  header(name: string): string | undefined;
  /** Address of the caller. For IPv6, this is the network that contains the address. */
  address: string;
  /** True if the connection may be used only for health probes (`/healthz`, `/readyz`). */
  isForProbes: boolean;
  /** Records that the caller is authorised, so that the connection is not closed to make room for new connections. */
  keep(): void;
}

export interface RequestRefusal {
  status: 401 | 403 | 429 | 503;
  code: string;
  message: string;
  headers: Record<string, string>;
}

interface GateParts {
  /** Token that callers must send. Undefined if no token is needed. */
  token: string | undefined;
  /** Sign-ins of browsers. Undefined if no token is needed. */
  signIns?: Pick<SignIns, "find"> | undefined;
  /** True if the server listens on a loopback address. */
  isOnlyLocal: boolean;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  rate: RateLimit;
  /** Rate limit for callers without the token. It is separate, so that these callers cannot use up the requests of authorised callers. */
  strangersRate: RateLimit;
  isDraining: () => boolean;
}

/**
 * Paths of health probes, which have no rate limit. If others could use up the limit, an orchestrator such as Kubernetes would take the
 * host for dead.
 */
const probePaths = /^\/(?:healthz|readyz)$/;
/**
 * Paths that need no token, so that load balancers and browsers can request them. The page and its files contain no data of conversations.
 */
const openPaths = /^\/(?:healthz|readyz|assets\/[^/]*|manifest\.webmanifest|service-worker\.js|icon-512\.png)?$/;
const socketPath = "/ws/chat";
/** Path that says whether the browser is signed in. Only reading it needs no token. */
const signInPath = "/api/sign-in";
/** Paths that the page calls. A sign-in of a browser is worth nothing elsewhere, such as at the APIs for programs. */
const pagePaths = /^\/(?:api\/.+|ws\/chat|openapi\.json)$/;
/** Subprotocol with the token in base64url, for web pages of other origins, since a browser cannot set headers for a WebSocket. */
const bearerProtocol = /(?:^|,) *bearer\.([\w-]+) *(?:,|$)/;

export class Gate {
  readonly #parts: GateParts;
  readonly #origins: ReadonlySet<string>;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#origins = new Set(parts.allowedOrigins.map((origin) => new URL(origin).origin));
  }

  /** Returns the reason to refuse a request. Undefined if the request is admitted. */
  check(visit: Visit): RequestRefusal | undefined {
    const path = visit.url.replace(/\?.*$/s, "");
    const isOpen = openPaths.test(path) || (path === signInPath && ["GET", "HEAD"].includes(visit.method));
    if (visit.isForProbes && !probePaths.test(path)) {
      const message = "the host has as many connections as serve.max_connections allows";
      return refusal(503, "too_many_connections", message, { "retry-after": "1", connection: "close" });
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
      return refusal(
        403,
        "cross_site",
        "a web page of another origin sent the request, and the request has no Origin header",
      );
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
        "sign in on the page, or send the token of this host as Authorization: Bearer … or x-api-key; serve prints at its start where the token is";
      return refusal(401, "invalid_api_key", message, { "www-authenticate": "Bearer" });
    }
    if (!isOpen && this.#parts.isDraining()) {
      return refusal(503, "shutting_down", "the host is shutting down", { "retry-after": "5" });
    }
    return undefined;
  }

  /** Returns true for pages of the host itself and for origins that the user has allowed. */
  allowsOrigin(origin: string, host: string | undefined): boolean {
    return this.#origins.has(origin) || isOriginOf(origin, host);
  }

  /**
   * Returns true if the Host header may name this host. This protects against DNS rebinding: if an attacker's domain name points to this
   * address, the browser sends that name in the Host header.
   */
  #isKnownHost(hostname: string | undefined): boolean {
    const { allowedHosts, isOnlyLocal } = this.#parts;
    if (hostname === undefined) return false;
    if (isLoopback(hostname) || allowedHosts.includes(hostname)) return true;
    return !isOnlyLocal && allowedHosts.length === 0;
  }

  /** Returns true if the request has the token or comes from a page that is signed in, or if no token is needed. */
  isAuthorized(visit: Pick<Visit, "header" | "url">): boolean {
    return this.hasToken(visit) || this.#isSignedIn(visit);
  }

  /** Returns true if the request has the token, or if no token is needed. */
  hasToken({ header }: Pick<Visit, "header">): boolean {
    const { token } = this.#parts;
    if (token === undefined) return true;
    if (hasBearer(header("authorization"), token)) return true;
    const key = header("x-api-key");
    if (key !== undefined && isSame(key, token)) return true;
    const offered = bearerProtocol.exec(header("sec-websocket-protocol") ?? "")?.[1];
    return offered !== undefined && isSame(Buffer.from(offered, "base64url").toString(), token);
  }

  /** Returns true if the host's own page sent the request in a browser that is signed in. */
  #isSignedIn({ header, url }: Pick<Visit, "header" | "url">): boolean {
    const { pathname } = new URL(`http://host${url}`); // resolves `..`, as the router may do
    if (!pagePaths.test(pathname)) return false;
    const origin = header("origin");
    // Browsers send the origin of the page with every WebSocket.
    const isOwn = origin === undefined ? pathname !== socketPath : isOriginOf(origin, header("host"));
    return isOwn && this.#parts.signIns?.find(header) !== undefined;
  }
}

/** Returns true if the page of this origin came from this Host. */
function isOriginOf(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
}

function hasBearer(authorization: string | undefined, wanted: string): boolean {
  const given = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
  return given !== undefined && isSame(given, wanted);
}

/** Returns true if the browser's headers show that a page of another site sent the request. A link to the host's page is allowed. */
function isCrossSite({ method, header }: Visit, path: string): boolean {
  const site = header("sec-fetch-site");
  if (site === undefined || site === "same-origin" || site === "none") return false;
  return !(method === "GET" && path === "/" && header("sec-fetch-mode") === "navigate");
}

/** Compares two texts in constant time, even if their lengths differ. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** Returns the host name in lower case, without port and brackets. */
function hostnameOf(host: string | undefined): string | undefined {
  if (!host || !URL.canParse(`http://${host}`)) return undefined;
  const { hostname, username, pathname } = new URL(`http://${host}`);
  return username || pathname !== "/" ? undefined : unbracketed(hostname);
}

function refusal(
  status: RequestRefusal["status"],
  code: string,
  message: string,
  headers: Record<string, string> = {},
): RequestRefusal {
  return { status, code, message, headers };
}
