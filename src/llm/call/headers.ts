import { carry } from "../../core/trace-context.js";
import type { ProviderRoute } from "../connection/provider-routes.js";
import type { Provider } from "../providers/providers.js";
import type { Wire } from "../wires/wire.js";
import type { ProviderCall } from "./call.js";

/**
 * Headers of requests to one provider by one route, as `node:http` writes them: names and values alternate. The headers that do not change
 * are built once per key. The provider's configuration outranks all other headers.
 */
export class RequestHeaders {
  readonly #ofRoute: ProviderRoute["headers"];
  readonly #provider: Provider;
  readonly #wire: Wire;
  /** The headers that do not change, keyed by API key. */
  readonly #fixed = new Map<string | undefined, readonly string[]>();
  /** Names of the provider's own headers, in lower case. */
  readonly #own: ReadonlySet<string>;

  constructor(ofRoute: ProviderRoute["headers"], provider: Provider, wire: Wire) {
    this.#ofRoute = ofRoute;
    this.#wire = wire;
    this.#provider = provider;
    this.#own = new Set(Object.keys(provider.headers ?? {}).map((name) => name.toLowerCase()));
  }

  of({ key, requestId, trace, draft }: ProviderCall): string[] {
    const { traceparent, tracestate } = carry(trace);
    const list = this.#fixedFor(key).slice();
    this.#add(list, "X-Client-Request-Id", requestId);
    this.#add(list, "traceparent", traceparent);
    if (tracestate !== undefined) this.#add(list, "tracestate", tracestate);
    for (const name in draft.headers) this.#add(list, name, draft.headers[name] ?? "");
    list.push("Content-Length", String(draft.body.length));
    return list;
  }

  /** Returns the headers of a request that asks for a list of models. */
  ofList(): string[] {
    return this.#fixedFor(this.#provider.apiKeys[0]).slice();
  }

  #add(list: string[], name: string, value: string): void {
    if (this.#own.size === 0 || !this.#own.has(name.toLowerCase())) list.push(name, value);
  }

  #fixedFor(key: string | undefined): readonly string[] {
    const known = this.#fixed.get(key);
    if (known) return known;
    const { headers: own } = this.#provider;
    const headers: Record<string, string> = {
      ...this.#ofRoute,
      "Content-Type": "application/json",
      "User-Agent": "MCP-Platform/1.0",
      // Asks for no compression: a proxy that compresses a stream also buffers it.
      "Accept-Encoding": "identity",
      ...this.#wire.headers(this.#provider, key),
    };
    for (const name in own) {
      const same = Object.keys(headers).find((other) => other.toLowerCase() === name.toLowerCase());
      headers[same ?? name] = own[name] ?? "";
    }
    const fixed = Object.entries(headers).flat();
    this.#fixed.set(key, fixed);
    return fixed;
  }
}
