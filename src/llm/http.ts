import axios, { type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from "axios";
import type { HttpConfig } from "../core/config.js";
import type { Tape } from "../core/tape.js";
import { carry } from "../core/trace-context.js";
import type { Call } from "./call.js";
import { completionsUrl } from "./endpoint.js";
import { failure } from "./errors.js";
import { toLlmError } from "./http-errors.js";
import type { Provider } from "./providers.js";
import { callOf, type RetryPolicy, wireRetries } from "./retry.js";
import { type Route, type RouteParts, Routes } from "./routes.js";
import { type Response, received, send } from "./send.js";

export interface LlmHttpParts extends RouteParts {
  tape?: Tape;
  /** A request has left. */
  onSent?: (() => void) | undefined;
}

/** The one axios instance. */
export class LlmHttp {
  readonly #instance: AxiosInstance;
  readonly #routes: Routes;
  readonly #policy: RetryPolicy;
  readonly #keepaliveExpiryMs: number;
  readonly #parts: LlmHttpParts;
  readonly #urls = new WeakMap<Provider, Map<string, string>>();
  #isClosed = false;

  constructor(http: HttpConfig, policy: RetryPolicy, parts: LlmHttpParts) {
    this.#policy = policy;
    this.#parts = parts;
    this.#keepaliveExpiryMs = http.keepaliveExpiryMs;
    this.#routes = new Routes(http, parts);
    this.#instance = axios.create();
    const { defaults } = this.#instance;
    // Every default is copied into every request. Those of axios are for its own adapters, and cost more than all of ours.
    for (const name of Object.keys(defaults)) Reflect.deleteProperty(defaults, name);
    const adapter = (config: InternalAxiosRequestConfig) => this.#attempt(config);
    Object.assign(defaults, { method: "post", headers: {}, adapter });
    wireRetries(this.#instance, policy);
  }

  /**
   * The one way out. Retries until response headers arrive, never after. Throws LlmError. Aborting `signal` gives up this
   * request, not the call.
   */
  async post(call: Call, signal?: AbortSignal): Promise<Response> {
    const { provider, options } = call;
    try {
      const request = {
        call,
        url: this.#urlOf(provider, call.model),
        data: call.body,
        timeout: provider.limits.timeoutMs,
        signal: signal ? AbortSignal.any([options.signal, signal]) : options.signal,
      };
      // What else axios returns would keep the request in memory for the life of a stream.
      return (await this.#instance.request<Response>(request)).data;
    } catch (error) {
      throw toLlmError(error, call, this.#policy.now());
    }
  }

  #urlOf(provider: Provider, model: string): string {
    const known = this.#urls.get(provider) ?? new Map<string, string>();
    this.#urls.set(provider, known);
    const url = known.get(model) ?? completionsUrl(provider, model);
    known.set(model, url);
    return url;
  }

  /** The adapter of the instance, which axios-retry calls for every attempt. */
  async #attempt(config: InternalAxiosRequestConfig): Promise<AxiosResponse<Response>> {
    const call = callOf(config) as Call;
    if (this.#isClosed) throw failure("aborted", "the host is closing", call, { hint: "" });
    const { tape } = this.#parts;
    const { url = "" } = config;
    const signal = config.signal as AbortSignal;
    const route = tape?.plays.models ? undefined : this.#routes.to(url, call.provider.limits.connectTimeoutMs);
    await call.begin(this.#policy.now, signal);
    const wire = () => {
      if (!route) throw new TypeError("a tape that plays asked for the wire");
      const out = { route, headers: headersOf(call, route.headers) };
      return send(config, out, this.#keepaliveExpiryMs, this.#parts.onSent);
    };
    if (!tape) return received(config, wire());
    const { provider, model } = call;
    const body = String(config.data);
    const exchange = { provider: provider.name, model, path: new URL(url).pathname, body, signal };
    return received(config, tape.model(exchange, wire));
  }

  /** Closes idle connections and breaks those in use; there will be no others. */
  close(): void {
    this.#isClosed = true;
    this.#routes.close();
  }
}

/** Made for every attempt: the next one may go with another key. What the provider's configuration says comes last. */
function headersOf({ key, provider, options, trace }: Call, ofRoute: Route["headers"]): Record<string, string> {
  const headers: Record<string, string> = {
    ...ofRoute,
    "Content-Type": "application/json",
    "User-Agent": "MCP-Platform/1.0",
    // A proxy that compresses a stream also buffers it.
    "Accept-Encoding": "identity",
    "X-Client-Request-Id": options.requestId,
    ...carry(trace),
  };
  if (key && provider.quirks.keyHeader === "api-key") headers["api-key"] = key;
  else if (key) headers.Authorization = `Bearer ${key}`;
  for (const name in provider.headers) {
    const same = Object.keys(headers).find((other) => other.toLowerCase() === name.toLowerCase());
    headers[same ?? name] = provider.headers[name] ?? "";
  }
  return headers;
}
