import type { Readable } from "node:stream";
import axios, { type AxiosInstance, type AxiosResponse } from "axios";
import type { HttpConfig } from "../core/config.js";
import { createAgents, respectKeepAlive } from "./agents.js";
import { readUpTo } from "./body.js";
import type { Call } from "./call.js";
import { toLlmError } from "./http-errors.js";
import { callOf, type RetryPolicy, wireRetries } from "./retry.js";

/** A whole conversation with images fits; what does not would be refused by the provider anyway. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_ERROR_TIME_MS = 2000;

/** Response headers have come, with a 2xx status; the body is ours to read, for streamed and whole answers alike. */
export type Response = AxiosResponse<Readable>;

/** The one axios instance. */
export class LlmHttp {
  readonly #instance: AxiosInstance;
  readonly #agents;
  readonly #policy: RetryPolicy;

  constructor(http: HttpConfig, policy: RetryPolicy) {
    this.#policy = policy;
    this.#agents = createAgents(http);
    this.#instance = axios.create({
      ...this.#agents,
      adapter: "http",
      method: "POST",
      responseType: "stream",
      // Following a redirect would send the prompt, and some key headers, to wherever the answer points.
      maxRedirects: 0,
      proxy: false,
      maxBodyLength: MAX_BODY_BYTES,
      transformRequest: [(data: unknown) => data],
      transformResponse: [(data: unknown) => data],
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "MCP-Platform/1.0",
        // A proxy that compresses a stream also buffers it.
        "Accept-Encoding": "identity",
      },
    });
    this.#instance.interceptors.request.use((config) => {
      const call = callOf(config);
      if (call && !config.signal?.aborted) call.attempts++;
      return config;
    });
    // Must come before axios-retry, to run for every attempt.
    this.#instance.interceptors.response.use(
      (response) => {
        respectKeepAlive(response, http.keepaliveExpiryMs);
        return response;
      },
      async (error: { response?: AxiosResponse }) => {
        if (error.response) {
          respectKeepAlive(error.response, http.keepaliveExpiryMs);
          await settleErrorBody(error.response);
        }
        throw error;
      },
    );
    wireRetries(this.#instance, http, policy);
  }

  /** The one way out. Retries until response headers arrive, never after. Throws LlmError. */
  async post(call: Call): Promise<Response> {
    const { provider, options } = call;
    try {
      const request = {
        call,
        url: completionsUrl(provider.baseUrl),
        data: call.body,
        timeout: provider.limits.timeoutMs,
        signal: options.signal,
        headers: { ...keyHeader(call), "X-Client-Request-Id": options.requestId, ...provider.headers },
      };
      const response: Response = await this.#instance.request(request);
      // axios leaves its timeout on the socket, where it would cut the second long silence of a stream.
      (response.request as { setTimeout(ms: number): void }).setTimeout(0);
      return response;
    } catch (error) {
      throw toLlmError(error, call, this.#policy.now());
    }
  }

  /** Closes idle connections and breaks those in use. */
  close(): void {
    this.#agents.httpAgent.destroy();
    this.#agents.httpsAgent.destroy();
  }
}

/** A failed response whose body nobody reads holds its pooled connection for ever; and the body says what went wrong. */
async function settleErrorBody(response: AxiosResponse): Promise<void> {
  response.data = await readUpTo(response.data as Readable, MAX_ERROR_BYTES, MAX_ERROR_TIME_MS);
}

function keyHeader({ provider: { apiKey, quirks } }: Call): Record<string, string> {
  if (!apiKey) return {};
  return quirks.keyHeader === "api-key" ? { "api-key": apiKey } : { Authorization: `Bearer ${apiKey}` };
}

/** `base_url` may carry a query (Azure's `?api-version=…`), which stays at the end. */
function completionsUrl(baseUrl: string): string {
  const [, path = "", query = ""] = /^([^?]*?)\/*(\?.*)?$/.exec(baseUrl) ?? [];
  return `${path}/chat/completions${query}`;
}
