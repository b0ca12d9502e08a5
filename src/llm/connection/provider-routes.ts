import type { Agent } from "node:http";
import type { SecureContext } from "node:tls";
import type { HttpConfig } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import type { Observe } from "../../core/ports.js";
import { createAgent } from "./agents.js";
import { trusting } from "./authorities.js";
import { basic, hostOf, proxyTo } from "./proxy.js";

export interface RouteParts {
  env: Environment;
  observe: Observe;
}

export interface ProviderRoute {
  protocol: string;
  host: string;
  port: string;
  path: string;
  agent: Agent;
  headers: Readonly<Record<string, string>>;
}

export class ProviderRoutes {
  readonly #http: HttpConfig;
  readonly #parts: RouteParts;
  readonly #routes = new Map<string, ProviderRoute>();
  readonly #agents = new Map<string, Agent>();
  #secureContext: SecureContext | undefined;

  constructor(http: HttpConfig, parts: RouteParts) {
    this.#http = http;
    this.#parts = parts;
  }

  /** Returns the route to a URL. Throws LlmError if a proxy or `ca_file` is unusable, TypeError if `url` is invalid. */
  to(url: string, connectTimeoutMs: number): ProviderRoute {
    const key = `${connectTimeoutMs} ${url}`;
    const known = this.#routes.get(key) ?? this.#find(new URL(url), connectTimeoutMs);
    this.#routes.set(key, known);
    return known;
  }

  /** Keeps no connection open any more: closes idle ones now, and those in use after their answers. */
  retire(): void {
    for (const agent of this.#agents.values()) {
      agent.maxFreeSockets = 0;
      for (const idle of Object.values(agent.freeSockets).flat()) idle?.destroy();
    }
  }

  /** Closes idle connections, breaks those in use, and fails the requests that wait for one. */
  close(): void {
    for (const agent of this.#agents.values()) {
      for (const waiting of Object.values(agent.requests).flat()) waiting?.destroy();
      agent.destroy();
    }
  }

  #find(url: URL, connectTimeoutMs: number): ProviderRoute {
    const { protocol } = url;
    const proxy = proxyTo(url, this.#http.proxy, this.#parts.env);
    const key = [connectTimeoutMs, protocol, proxy?.url.href].join(" ");
    const secureContext = this.#trusted();
    const agent =
      this.#agents.get(key) ?? createAgent({ http: this.#http, protocol, connectTimeoutMs, proxy, secureContext });
    this.#agents.set(key, agent);
    const headers: Record<string, string> = { Host: url.host };
    if (url.username) headers.Authorization = basic(url);
    const route = {
      protocol,
      host: hostOf(url),
      port: url.port,
      path: `${url.pathname}${url.search}`,
      agent,
      headers,
    };
    if (!proxy || protocol === "https:") return route;

    if (!proxy.isExplicit) this.#warn(url, proxy.name);
    if (proxy.authorization) headers["Proxy-Authorization"] = proxy.authorization;
    return { ...route, path: `${url.origin}${route.path}` };
  }

  /**
   * Warns that a proxy can read the key and the prompt. Plain HTTP to the Internet uses the environment's proxy, as in other programs,
   * because without the proxy the machine can probably reach nothing.
   */
  #warn({ host }: URL, proxy: string): void {
    const message = `requests to ${host} go unencrypted through the proxy ${proxy}, which can read the key and the prompts`;
    this.#parts.observe({ level: "warn", scope: "llm", message, fields: { host, proxy } });
  }

  /** Returns the TLS context of `llm.http.ca_file`; undefined if it is not set. */
  #trusted(): SecureContext | undefined {
    if (this.#http.caFile) this.#secureContext ??= trusting(this.#http.caFile, this.#parts.env);
    return this.#secureContext;
  }
}
