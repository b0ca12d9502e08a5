import type { JsonSchema } from "../core/chat.js";
import { McpError, type McpErrorKind } from "../core/errors.js";
import type { RouteEnd } from "./connection.js";
import type { Json } from "./json.js";
import { type Clock, type Limits, withLimits } from "./limits.js";
import type { Ask } from "./listing.js";
import { NotTaken, type Peer, RpcError } from "./peer.js";

/** Requests over one connection, each under its limits, with what goes wrong in the words of this host. */
export class Requests {
  readonly #peer: Peer;
  readonly #route: RouteEnd;
  readonly #lossReason: () => McpError | undefined;

  /** `lossReason`: why the connection is lost; undefined while it is not. */
  constructor({ peer, route }: { peer: Peer; route: RouteEnd }, lossReason: () => McpError | undefined) {
    this.#peer = peer;
    this.#route = route;
    this.#lossReason = lossReason;
  }

  /** Rejects as `within` does. */
  send(method: string, params: Json, limits: Limits): Promise<Json> {
    return this.within(limits, (send) => send(method, params));
  }

  readonly unlimited: Ask = (method, params) => this.#peer.request(method, params);

  /** Any number of requests under one set of limits. Rejects with McpError, or with the reason of `limits.signal`. */
  async within<T>(
    limits: Limits,
    work: (send: Ask, clock: Clock, signal: AbortSignal) => Promise<T>,
    inputSchema?: JsonSchema,
  ): Promise<T> {
    try {
      return await withLimits(limits, (signal, clock) => {
        const onProgress = limits.onProgress && clock.progress;
        const send: Ask = (method, params) => this.#peer.request(method, params, { signal, onProgress, inputSchema });
        return work(send, clock, signal);
      });
    } catch (error) {
      if (limits.signal?.aborted || error instanceof McpError) throw error;
      const own = this.#route.explain(error);
      if (own instanceof NotTaken) throw own;
      // Another request may have been refused; whether this one was is not known.
      const loss = this.#lossReason();
      if (loss) throw new McpError(loss.kind, loss.message, { retryable: true });
      if (error instanceof RpcError) throw new McpError(kindOf(error.code), error.message, { cause: error });
      throw own;
    }
  }
}

/** JSON-RPC "method not found", and MCP's "resource not found". */
function kindOf(code: number): McpErrorKind {
  return code === -32601 || code === -32002 ? "not_found" : "protocol";
}
