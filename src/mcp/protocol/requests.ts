import { McpError, type McpErrorKind, RpcError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { AskServer } from "../lists/listing.js";
import { NotTaken, noAnswer, OutcomeUnknown } from "../shared/request-failures.js";
import { type Limits, RequestLimits } from "./request-limits.js";
import type { RouteEnd } from "./server-route.js";
import type { ServerSession } from "./server-session.js";

/** Sends requests over one connection. Each request has its own limits. Errors are converted to McpError. */
export class Requests {
  readonly #session: ServerSession;
  readonly #route: RouteEnd;
  readonly #lossReason: () => McpError | undefined;

  /** `lossReason` returns the reason why the connection was lost, or undefined if it is not lost. */
  constructor({ session, route }: { session: ServerSession; route: RouteEnd }, lossReason: () => McpError | undefined) {
    this.#session = session;
    this.#route = route;
    this.#lossReason = lossReason;
  }

  /** Sends a request and resolves with its result. Rejects with McpError, or with the reason of `limits.signal`. */
  send(method: string, params: JsonObject, limits: Limits): Promise<JsonObject> {
    return this.within(limits, (running) => this.#session.request(method, params, { limits: running }));
  }

  /** Runs `work`, which sends a request, as `send` does. */
  async within<T>(limits: Limits, work: (running: RequestLimits) => Promise<T>): Promise<T> {
    const running = new RequestLimits(limits);
    try {
      return await work(running);
    } catch (error) {
      throw this.explained(error, running);
    } finally {
      running.end();
    }
  }

  readonly unlimited: AskServer = (method, params) => this.#session.request(method, params);

  explained(error: unknown, { signal }: RequestLimits): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof McpError) return error;
    const own = this.#route.explain(error);
    if (own instanceof NotTaken) return own;
    // The reason of the loss may be a NotTaken error of another request, which the server refused before it did anything. Whether the
    // server ran this request is unknown, so this request gets an ordinary McpError.
    const loss = this.#lossReason();
    if (loss) return new McpError(loss.kind, loss.message, { retryable: true });
    if (!(error instanceof RpcError)) return own;
    const Kind = error.data === noAnswer ? OutcomeUnknown : McpError;
    return new Kind(kindOf(error.code), error.message, { cause: error });
  }
}

/** Returns the kind of McpError for an error code: -32601 is JSON-RPC's "method not found", and -32002 is MCP's "resource not found". */
function kindOf(code: number): McpErrorKind {
  return code === -32601 || code === -32002 ? "not_found" : "protocol";
}
