import { Readable } from "node:stream";
import axios, { type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from "axios";
import type { HttpConfig } from "../../core/config.js";
import { LlmError, messageOf } from "../../core/errors.js";
import type { ModelAnswer, ModelTransport } from "../../core/transports.js";
import { readUpTo } from "../../outbound/response.js";
import type { ProviderCall } from "../call/call.js";
import { RequestHeaders } from "../call/headers.js";
import { toLlmError } from "../call/http-errors.js";
import { type ProviderRoute, ProviderRoutes, type RouteParts } from "../connection/provider-routes.js";
import { type Response, received, send } from "../connection/send.js";
import type { Provider } from "../providers/providers.js";
import { failure } from "../shared/llm-errors.js";
import { endpointUrl } from "../wires/shared/endpoint.js";
import type { Wire } from "../wires/wire.js";
import { callOf, type RetryPolicy, wireRetries } from "./retry.js";

export interface LlmHttpParts extends RouteParts {
  transport?: ModelTransport | undefined;
  onAnswered?: (() => void) | undefined;
}

/** Maximum size of a provider's list of models. */
const mostListBytes = 8 * 1024 * 1024;
const noBody = { text: "", length: 0, encoding: "latin1" } as const;

interface Way {
  route: ProviderRoute;
  headers: RequestHeaders;
}

export class LlmHttp {
  readonly #instance: AxiosInstance;
  readonly #routes: ProviderRoutes;
  readonly #policy: RetryPolicy;
  readonly #keepaliveExpiryMs: number;
  readonly #parts: LlmHttpParts;
  readonly #ways = new WeakMap<Provider, Map<string, Way>>();
  #isClosed = false;

  constructor(http: HttpConfig, policy: RetryPolicy, parts: LlmHttpParts) {
    this.#policy = policy;
    this.#parts = parts;
    this.#keepaliveExpiryMs = http.keepaliveExpiryMs;
    this.#routes = new ProviderRoutes(http, parts);
    this.#instance = axios.create();
    const { defaults } = this.#instance;
    // axios copies, checks and reads every option for every request, but its defaults only serve its own adapters. With its defaults, axios
    // costs as much as the request itself; without them, a tenth of that.
    for (const name of Object.keys(defaults)) Reflect.deleteProperty(defaults, name);
    defaults.adapter = (config) => this.#attempt(config);
    wireRetries(this.#instance, policy);
  }

  /**
   * Sends a call. Retries failures before the response headers arrive, and leaves later failures to the caller. Throws LlmError. `signal`
   * aborts this request; by default it is the signal of the whole call, which may consist of several requests.
   */
  async post(call: ProviderCall, signal = call.options.signal): Promise<Response> {
    try {
      const request = { call, signal };
      // Returns only the data: the rest of axios' response would stay in memory as long as the stream lasts.
      return (await this.#instance.request<Response>(request)).data;
    } catch (error) {
      throw toLlmError(error, call, this.#policy.now());
    }
  }

  /**
   * Resolves with the provider's list of models, as text. Throws LlmError. A failure is not retried, because a person can ask for the list again.
   */
  async listModels(provider: Provider, wire: Wire, signal: AbortSignal): Promise<string> {
    const about = { provider: provider.name };
    try {
      const { route, headers } = this.#findWay(provider, endpointUrl(provider, "", "/models"), wire);
      const { timeoutMs } = provider.limits;
      const more = { isStream: false, timeoutMs, keepaliveExpiryMs: this.#keepaliveExpiryMs, signal };
      const answer = await send({ route, method: "GET", headers: headers.ofList(), body: noBody, ...more });
      const text = await readUpTo(Readable.from(answer.body), mostListBytes, timeoutMs);
      if (answer.status === 200) return text;
      throw new LlmError(
        "protocol",
        `${provider.name} answers ${answer.status} when it is asked for its models`,
        about,
      );
    } catch (error) {
      if (error instanceof LlmError) throw error;
      const why = signal.aborted ? "no answer in time" : messageOf(error);
      throw new LlmError("network", `${provider.name} cannot be asked for its models: ${why}`, {
        ...about,
        cause: error,
      });
    }
  }

  #attempt(config: InternalAxiosRequestConfig): Promise<AxiosResponse<Response>> {
    const call = callOf(config) as ProviderCall;
    if (this.#isClosed) throw failure("aborted", "the host is closing", call, { hint: "" });
    const signal = config.signal as AbortSignal;
    if (!this.#parts.transport) this.#wayOf(call); // fails before the request counts as begun
    const sendNow = () => received(config, this.#send(call, signal));
    const sendIfAllowed = () => call.options.asked.beforeRequest?.()?.then(sendNow) ?? sendNow();
    const again = call.sent === 0 ? undefined : call.slot?.again(signal);
    return again ? again.then(sendIfAllowed) : sendIfAllowed();
  }

  #send(call: ProviderCall, signal: AbortSignal): Promise<ModelAnswer> {
    call.begin(this.#policy.steadyNow);
    const { transport } = this.#parts;
    const { provider, model, body } = call;
    if (!transport) return this.#sendOverHttp(call, signal);
    const path = new URL(call.draft.url).pathname;
    const exchange = { provider: provider.name, model, path, body: body.text, signal };
    return transport.model(exchange, () => this.#sendOverHttp(call, signal));
  }

  #sendOverHttp(call: ProviderCall, signal: AbortSignal): Promise<ModelAnswer> {
    const way = this.#wayOf(call);
    const { draft, body } = call;
    return send({
      route: way.route,
      headers: way.headers.of(call),
      body,
      isStream: draft.streaming,
      timeoutMs: this.#headersTimeoutMs(call),
      keepaliveExpiryMs: this.#keepaliveExpiryMs,
      signal,
      onAnswered: this.#parts.onAnswered,
    });
  }

  /**
   * Returns how long to wait for the headers, in ms. A whole answer sends its headers only when it is complete, so one in place of a stream gets at
   * least half of the time that is left; the other half is for a retry or a fallback.
   */
  #headersTimeoutMs({ replacesStream, options, provider: { limits } }: ProviderCall): number {
    if (!replacesStream) return limits.timeoutMs;
    return Math.max(limits.timeoutMs, (options.deadlineAt - this.#policy.steadyNow()) / 2);
  }

  #wayOf({ provider, draft }: ProviderCall): Way {
    const { url, wire } = draft;
    const known = this.#ways.get(provider) ?? new Map<string, Way>();
    const way = known.get(url) ?? this.#findWay(provider, url, wire);
    if (known.size === 0) this.#ways.set(provider, known);
    known.set(url, way);
    return way;
  }

  #findWay(provider: Provider, url: string, wire: Wire): Way {
    const route = this.#routes.to(url, provider.limits.connectTimeoutMs);
    return { route, headers: new RequestHeaders(route.headers, provider, wire) };
  }

  /** See `ProviderRoutes.retire`. */
  retire(): void {
    this.#routes.retire();
  }

  /** Closes idle connections, breaks those in use, and opens no new ones. */
  close(): void {
    this.#isClosed = true;
    this.#routes.close();
  }
}
