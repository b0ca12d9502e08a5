import type { Readable } from "node:stream";
import axios, { type AxiosInstance, type AxiosResponse } from "axios";
import type { HttpConfig } from "../core/config.js";
import { respectKeepAlive } from "./agents.js";
import type { Call } from "./call.js";
import { completionsUrl } from "./endpoint.js";
import { toLlmError } from "./http-errors.js";
import { callOf, type RetryPolicy, wireRetries } from "./retry.js";
import { type RouteParts, Routes } from "./routes.js";
import { send } from "./send.js";

/** Response headers have come, with a 2xx status; the body is ours to read, for streamed and whole answers alike. */
export type Response = AxiosResponse<Readable>;

/** The one axios instance. */
export class LlmHttp {
  readonly #instance: AxiosInstance;
  readonly #routes: Routes;
  readonly #policy: RetryPolicy;

  constructor(http: HttpConfig, policy: RetryPolicy, parts: RouteParts) {
    this.#policy = policy;
    this.#routes = new Routes(http, parts);
    this.#instance = axios.create({
      adapter: async (config) => {
        const call = callOf(config) as Call;
        const route = this.#routes.to(config.url ?? "", call.provider.limits.connectTimeoutMs);
        await call.begin(policy.now, config.signal as AbortSignal);
        config.headers.set({ ...keyHeader(call), ...call.provider.headers });
        return send(config, route, (incoming) => respectKeepAlive(incoming, http.keepaliveExpiryMs));
      },
      method: "POST",
      transformRequest: [(data: unknown) => data],
      transformResponse: [(data: unknown) => data],
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "MCP-Platform/1.0",
        // A proxy that compresses a stream also buffers it.
        "Accept-Encoding": "identity",
      },
    });
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
        url: completionsUrl(provider, call.model),
        data: call.body,
        timeout: provider.limits.timeoutMs,
        signal: signal ? AbortSignal.any([options.signal, signal]) : options.signal,
        headers: { "X-Client-Request-Id": options.requestId },
      };
      return await this.#instance.request(request);
    } catch (error) {
      throw toLlmError(error, call, this.#policy.now());
    }
  }

  /** Closes idle connections and breaks those in use. */
  close(): void {
    this.#routes.close();
  }
}

/** Set per request: the next one may go with another key. */
function keyHeader({ key, provider: { quirks } }: Call): Record<string, string> {
  if (!key) return {};
  return quirks.keyHeader === "api-key" ? { "api-key": key } : { Authorization: `Bearer ${key}` };
}
