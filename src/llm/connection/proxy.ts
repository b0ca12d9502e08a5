import type { Environment } from "../../core/environment.js";
import { LlmError } from "../../core/errors.js";
import { isLocal, isThisMachine, unbracketed } from "../../core/text/networks.js";

export interface HttpProxy {
  url: URL;
  /** `host:port`, for messages: the URL may hold a password. */
  name: string;
  /** Value of the header `Proxy-Authorization`. Absent if the URL holds no user name. */
  authorization?: string;
  /** True if the proxy is set by `llm.http.proxy`, false if it is from the environment. */
  isExplicit: boolean;
}

/**
 * Returns the proxy for requests to `target`. `configured` is `llm.http.proxy`: a URL, "" for no proxy, or undefined to use the environment
 * as curl does. Throws LlmError if the setting is not an HTTP proxy: a direct connection could be what the user wants to prevent.
 *
 * A loopback target does not use a proxy on another machine, where loopback would mean that machine. Plain HTTP to this machine or its
 * network does not use the environment's proxy, which would see the key and the prompt.
 */
export function proxyTo(target: URL, configured: string | undefined, env: Environment): HttpProxy | undefined {
  const isExplicit = configured !== undefined;
  const [name, value] = isExplicit ? ["llm.http.proxy", configured] : fromEnvironment(target, env);
  if (!value) return undefined;
  if (!isExplicit && target.protocol === "http:" && isLocal(target.hostname)) return undefined;
  const url = parse(value, name);
  if (isThisMachine(target.hostname) && !isThisMachine(url.hostname)) return undefined;
  if (target.protocol === "http:" && url.protocol === "https:")
    throw unusable(`${name} is an https:// proxy, through which only https:// providers can be reached`);
  return {
    url,
    name: `${url.hostname}:${portOf(url)}`,
    authorization: url.username ? basic(url) : undefined,
    isExplicit,
  };
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === "https:" ? 443 : 80);
}

/** Returns a URL's host without the brackets of an IPv6 address. */
export function hostOf({ hostname }: Pick<URL, "hostname">): string {
  return unbracketed(hostname);
}

export function basic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString("base64")}`;
}

/** Decodes percent escapes. A `%` that starts no escape stays. */
function decoded(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (escaped) => {
    try {
      return decodeURIComponent(escaped);
    } catch {
      return escaped;
    }
  });
}

function parse(value: string, name: string): URL {
  const text = value.includes("://") ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.hostname && /^https?:$/.test(url.protocol)) return url;
  throw unusable(`${name} is not the URL of an HTTP proxy`);
}

function unusable(why: string): LlmError {
  return new LlmError("bad_request", why, { hint: 'Set llm.http.proxy to http://host:port, or to "" for no proxy.' });
}

/** Returns the name and value of the environment variable that decides. Its lower-case spelling is preferred, as in other programs. */
function fromEnvironment(target: URL, env: Environment): [string, string | undefined] {
  const read = (name: string): [string, string | undefined] | undefined => {
    const found = [name.toLowerCase(), name].find((spelling) => env[spelling]?.trim());
    return found === undefined ? undefined : [found, env[found]?.trim()];
  };
  if (isExempt(target, read("NO_PROXY")?.[1] ?? "")) return ["NO_PROXY", undefined];
  return read(target.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") ?? read("ALL_PROXY") ?? ["", undefined];
}

/** Checks `NO_PROXY=example.com,.corp,10.0.0.1:8080,*`: a name also covers its subdomains. */
function isExempt(target: URL, list: string): boolean {
  const host = hostOf(target).toLowerCase();
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === "*") return true;
      const [, bracketed, plain, address, port] = /^(?:\[(.+)\]|([^:]+)|(.+?))(?::(\d+))?$/.exec(entry) ?? [];
      if (port && !address && Number(port) !== portOf(target)) return false;
      const name = bracketed ?? (address ? entry : plain?.replace(/^\*?\./, ""));
      return name !== undefined && (host === name || host.endsWith(`.${name}`));
    });
}
