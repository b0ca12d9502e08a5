/** A session whose requests a transport carries (`ServerTransport`). The transport passes them to the server's own connection, or answers them. */

import { McpError, messageOf, RpcError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { HostAnswer, ServerAnswer, ServerFailure, ServerLife, ServerTransport } from "../../core/transports.js";
import { NotTaken, OutcomeUnknown, RpcRefusal } from "../shared/request-failures.js";
import type { RequestLimits } from "./request-limits.js";
import type { RequestOrigin, ServerSession, ServerSessionEvents } from "./server-session.js";

interface RelayedSessionParts {
  server: string;
  transport: ServerTransport;
  link: Link;
  /** Receives, through the transport, the notifications and requests that the server sends while no call is running. */
  told: ServerLife;
  explain(error: unknown): McpError;
}

/** Passes a server's notifications and requests from the transport on to the host. */
export class Link implements ServerLife {
  #events: ServerSessionEvents | undefined;

  listen(events: ServerSessionEvents): void {
    this.#events = events;
  }

  progress(): void {}

  notified(method: string, params: JsonObject): void {
    this.#events?.notified(method, params);
  }

  async ask(method: string, params: JsonObject, signal: AbortSignal, origin?: RequestOrigin): Promise<HostAnswer> {
    if (!this.#events) throw new Error("nobody listens");
    try {
      return { result: await this.#events.answer(method, params, signal, origin) };
    } catch (error) {
      if (error instanceof RpcRefusal) return { error: { code: error.code, message: error.message } };
      throw error;
    }
  }

  closed(reason: string): void {
    this.#events?.closed(new McpError("unavailable", reason, { retryable: true }));
  }
}

/**
 * Returns a session that lets the transport carry its requests to `inner`, or answer in place of `inner`. If the server sends a notification or a
 * request while several calls run, and the connection does not show to which call it belongs, it counts as part of the call that began
 * last. In contrast to `Callbacks`, this session may guess: all calls of a scripted session have one user.
 */
export function relayedSession(
  inner: ServerSession,
  { server, transport, link, told, explain }: RelayedSessionParts,
): ServerSession {
  const running: { life: ServerLife; limits: RequestLimits }[] = [];
  const lifeNow = () => running.at(-1)?.life ?? told;
  const lifeOf = (origin: RequestOrigin) => running.find(({ limits }) => limits === origin.limits)?.life ?? told;

  const pass = async (
    exchange: { method: string; params: JsonObject; signal: AbortSignal },
    life: ServerLife,
    send: (life: ServerLife) => Promise<JsonObject>,
  ): Promise<JsonObject> => {
    let thrown: { error: unknown } | undefined;
    const answer = await transport.server({ server, ...exchange }, life, async (own): Promise<ServerAnswer> => {
      try {
        return { result: await send(own) };
      } catch (error) {
        if (exchange.signal.aborted) throw error;
        thrown = { error };
        return answerIn(error, explain);
      }
    });
    if (thrown) throw thrown.error;
    return resultOf(answer);
  };

  const lifeWith = (progress: ServerLife["progress"], limits: RequestLimits | undefined): ServerLife => ({
    progress,
    notified: (method, params) => link.notified(method, params),
    ask: (method, params, signal) => link.ask(method, params, signal, { limits }),
    closed: (reason) => link.closed(reason),
  });

  return {
    get era() {
      return inner.era;
    },
    get capabilities() {
      return inner.capabilities;
    },
    get serverVersion() {
      return inner.serverVersion;
    },
    get instructions() {
      return inner.instructions;
    },
    listen(events) {
      link.listen(events);
      inner.listen({
        failed: events.failed,
        closed(reason) {
          events.closed(reason);
          running.at(-1)?.life.closed(explain(reason ?? new Error("the server closed the connection")).message);
        },
        notified: (method, params) => lifeNow().notified(method, params),
        async answer(method, params, signal, origin) {
          const answer = await (origin ? lifeOf(origin) : lifeNow()).ask(method, params, signal);
          if ("result" in answer) return answer.result;
          throw new RpcRefusal(answer.error.code as RpcRefusal["code"], answer.error.message);
        },
      });
    },
    connect: () => inner.connect(),
    request(method, params, options = {}) {
      const { onProgress = () => {}, limits } = options;
      const signal = limits?.signal ?? neverAborted;
      return pass({ method, params, signal }, lifeWith(onProgress, limits), ({ progress }) =>
        inner.request(method, params, { ...options, onProgress: options.onProgress && progress }),
      );
    },
    callTool(params, run) {
      const { limits, inputSchema } = run;
      return pass(
        { method: "tools/call", params, signal: limits.signal },
        lifeWith(run.onProgress, limits),
        async (life) => {
          const onProgress = life.progress;
          await inner.untilServerCanAsk();
          const call = { life, limits };
          running.push(call);
          try {
            return await inner.callTool(params, {
              ...run,
              onProgress,
              ask: (method, more) => inner.request(method, more, { limits, onProgress, inputSchema }),
              send: (method, more) => inner.request(method, more),
            });
          } finally {
            running.splice(running.indexOf(call), 1);
          }
        },
      );
    },
    subscribe: (uri, limits) => inner.subscribe(uri, limits),
    unsubscribe: (uri, limits) => inner.unsubscribe(uri, limits),
    ping: (limits) => inner.ping(limits),
    // Does not wait here. `callTool` waits for the inner session instead, after the transport got the call. So the transport gets calls in their order.
    untilServerCanAsk: () => undefined,
    objectionTo: (inputSchema) => inner.objectionTo(inputSchema),
  };
}

const neverAborted = new AbortController().signal;

function answerIn(error: unknown, explain: RelayedSessionParts["explain"]): ServerAnswer {
  if (error instanceof RpcError) {
    const { code, message, data } = error;
    return { error: { code, message, ...(data !== undefined && { data }) } };
  }
  const known = error instanceof McpError ? error : explain(error);
  const { kind, message, retryable, hint } = known;
  return { failure: { kind, message, retryable, hint, ...markIn(known) } };
}

function resultOf(answer: ServerAnswer): JsonObject {
  if ("result" in answer) return answer.result;
  if ("error" in answer) throw new RpcError(answer.error.code, answer.error.message, answer.error.data);
  const { kind, message, notTaken, outcomeUnknown, ...details } = answer.failure;
  const Kind = notTaken ? NotTaken : outcomeUnknown ? OutcomeUnknown : McpError;
  throw new Kind(kind, message, details);
}

/** Returns what a failure says about the fate of its request, if it says anything. */
function markIn(error: McpError): Pick<ServerFailure, "notTaken" | "outcomeUnknown"> {
  if (error instanceof NotTaken) return { notTaken: true };
  return error instanceof OutcomeUnknown ? { outcomeUnknown: true } : {};
}

export function asMcpError(error: unknown): McpError {
  return error instanceof McpError ? error : new McpError("unavailable", messageOf(error), { retryable: true });
}
