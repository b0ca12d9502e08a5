/**
 * The routes to remote servers: Streamable HTTP, and the older HTTP+SSE through the SDK's transport. This module is loaded only if a remote
 * server is configured.
 */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { SSEClientTransport, SseError } from "@modelcontextprotocol/sdk/client/sse.js";
import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import type { RemoteServerConfig } from "../../core/config.js";
import { McpError, messageOf } from "../../core/errors.js";
import { asObject, type JsonObject, parseJson } from "../../core/json.js";
import { type AuthOptions, Authorization } from "../auth/authorization.js";
import { authorized } from "../auth/authorized.js";
import { loginHint } from "../auth/explain.js";
import { asFetch } from "../http/as-fetch.js";
import { HttpError, NotificationsLost, NotSent, SessionLost, unusable } from "../http/http-error.js";
import {
  beginningOfRefusal,
  bodyText,
  exchange,
  type HttpAnswer,
  isOk,
  mediaTypeOf,
  type SendRequest,
  Unreachable,
} from "../http/http-request.js";
import { readEvents } from "../http/read-event-stream.js";
import { withinOrigin } from "../http/redirects.js";
import { isModernOnly } from "../protocol/modern-version.js";
import type { ServerRoute } from "../protocol/server-route.js";
import { redactor } from "../shared/redact-secrets.js";
import { OutcomeUnknown, refusalOf } from "../shared/request-failures.js";
import { StreamableHttp } from "./streamable-http.js";

const goodbyeMs = 1000;

export function remoteRoute(config: RemoteServerConfig, kind: "http" | "sse", auth?: AuthOptions): ServerRoute {
  const access = accessTo(config, auth && !hasOwnAuthorization(config) ? new Authorization(config, auth) : undefined);
  return kind === "sse" ? sseRoute(access) : httpRoute(access);
}

/** The address of a remote server, with the functions that both routes to it need. */
interface RemoteAccess extends Pick<ServerRoute, "needsLogin" | "explain" | "loggedIn"> {
  config: RemoteServerConfig;
  url: URL;
  /** Sends a request, with the token of a login if there is one. */
  send: SendRequest;
}

function accessTo(config: RemoteServerConfig, authorization: Authorization | undefined): RemoteAccess {
  const url = new URL(config.url);
  return {
    config,
    url,
    send: authorization ? authorized(authorization, url, exchange) : exchange,
    needsLogin: (error) => error instanceof McpError && error === authorization?.problem,
    // The login problem comes first, because the EventSource's error does not contain the error that its fetch threw.
    explain: (error) => authorization?.problem ?? explainRemote(config, url, error),
    loggedIn: authorization && ((signal) => authorization.loggedIn(signal)),
  };
}

function sseRoute({ config, url, send, needsLogin, explain, loggedIn }: RemoteAccess): ServerRoute {
  const transport = new SSEClientTransport(url, {
    requestInit: { headers: { ...config.headers } },
    fetch: asFetch(send),
  });
  return {
    transport,
    instead: () => undefined,
    // A lost stream is fatal, because the SDK's transport would reconnect with a new session but without `initialize` (typescript-sdk
    // 1.32.2).
    isFatal: (error) => error instanceof SseError || error instanceof Unreachable,
    needsLogin,
    explain,
    loggedIn,
    // Closes the transport in the next turn of the event loop. After the event for a lost stream, the EventSource sets a timer for a
    // reconnect. `close` must come later, so that it clears this timer.
    close: () =>
      setImmediate()
        .then(() => transport.close())
        .catch(() => {}),
  };
}

function httpRoute(access: RemoteAccess): ServerRoute {
  const { config, url, needsLogin, explain, loggedIn } = access;
  const send = withinOrigin(access.send);
  const headers = lowerCased(config.headers);
  const transport = new StreamableHttp(url, { headers, send });
  return {
    transport,
    modern: async () => transport,
    async ask(request, signal) {
      const { status, answer } = await askHttp(url, request, { headers, send, signal });
      if (status === 401 || status === 403) throw explain(new HttpError(status, ""));
      return answer;
    },
    listening: () => transport.listening(),
    instead: (error) => (config.transport === "auto" && refusesHttp(error) ? async () => sseRoute(access) : undefined),
    loggedIn,
    isFatal: (error) =>
      error instanceof SessionLost || error instanceof NotificationsLost || error instanceof Unreachable,
    needsLogin,
    explain: (error) => {
      const explained = explain(error);
      if (error instanceof NotSent) return refusalOf(error.method, "unavailable", explained.message, explained.hint);
      if (transport.sessionId === undefined || !(error instanceof SessionLost)) return explained;
      return refusalOf(error.method, "unavailable", explained.message);
    },
    // `leave` ends the session on the server; `close` would not end it. A server that does not answer must not delay the host.
    close: async () => {
      await Promise.race([transport.leave(), sleep(goodbyeMs, undefined, { ref: false })]).catch(() => {});
      await transport.close().catch(() => {});
    },
  };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function hasOwnAuthorization({ headers }: RemoteServerConfig): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}

/** Returns true if the error has one of the statuses with which servers of the older protocol answer the POST of `initialize`. */
function refusesHttp(error: unknown): boolean {
  return error instanceof HttpError && [400, 404, 405].includes(error.status) && !isModernOnly(error);
}

/**
 * Returns an McpError that explains the failure. An HTTP error is not set as its cause: the text of such an error is the server's whole
 * answer, which may quote a header that this host sent.
 */
function explainRemote(config: RemoteServerConfig, url: URL, error: unknown): McpError {
  if (error instanceof McpError) return error;
  const { name } = config;
  const redact = redactor(config);
  const address = redact(`${url.origin}${url.pathname}`); // user, password and query are left out, because they may be secret
  const status = statusOf(error);
  if (status === 401 || status === 403) {
    const hint = hasOwnAuthorization(config) ? `check mcpServers.${name}.headers.Authorization` : loginHint(config);
    return new McpError("needs_auth", `${address} wants authorization (HTTP ${status})`, { hint });
  }
  if (isModernOnly(error)) {
    return new McpError("protocol", `${address} does not speak MCP up to 2025-11-25`, { retryable: true });
  }
  if (error instanceof Unreachable) {
    const hint = `is it running? see mcpServers.${name}.url`;
    return new McpError("unavailable", `cannot connect to ${address}: ${redact(reasonOf(error))}`, {
      retryable: true,
      hint,
      cause: error,
    });
  }
  const Kind = saysNotCarriedOut(status) ? McpError : OutcomeUnknown;
  return new Kind("unavailable", `${address}: ${redact(messageOf(error)).slice(0, 500)}`, {
    retryable: status === undefined || status >= 500 || status === 429,
    hint: status === undefined ? "" : `check mcpServers.${name}.url`,
  });
}

/**
 * Returns true if the HTTP status says that the server did not carry the request out. Gateways send statuses such as 500, 502 and 504 for
 * requests that the server behind them has carried out.
 */
function saysNotCarriedOut(status: number | undefined): boolean {
  return status !== undefined && status !== unusable && (status < 500 || status === 503);
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpError) return error.status;
  if (error instanceof SseError) return error.code;
  const status = /^Error POSTing to endpoint \(HTTP (\d+)\)/.exec(messageOf(error))?.[1]; // typescript-sdk 1.32.2 over SSE
  return status === undefined ? undefined : Number(status);
}

function reasonOf({ cause }: Unreachable): string {
  return cause.code === "ECONNREFUSED" ? "connection refused" : (cause.code ?? cause.message);
}

/** Statuses that do not reveal which protocol the server speaks. */
const noVerdict = new Set([401, 403, 408, 429]);

interface HttpVerdict {
  status: number;
  /**
   * The JSON-RPC answer. It is `{}` if the server refused the request with an HTTP status, and undefined if the server's protocol is still
   * unknown.
   */
  answer: JsonObject | undefined;
}

/** Sends one request of protocol 2026-07-28, as a POST without a session. Rejects if `send` rejects. */
export async function askHttp(
  url: URL,
  request: JSONRPCRequest,
  { headers, send, signal }: { headers: Record<string, string>; send: SendRequest; signal: AbortSignal },
): Promise<HttpVerdict> {
  const meta = request.params?._meta ?? {};
  const response = await send({
    method: "POST",
    url,
    signals: [signal],
    body: JSON.stringify(request),
    headers: {
      ...headers,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": String(meta["io.modelcontextprotocol/protocolVersion"]),
      "mcp-method": request.method,
    },
  });
  const { status } = response;
  const isStream = mediaTypeOf(response) === "text/event-stream";
  const answer = isStream ? await answerIn(response, request.id) : asAnswer(await textOf(response));
  const isRefused = status >= 400 && status < 500 && !noVerdict.has(status);
  return { status, answer: answer ?? (isRefused ? {} : undefined) };
}

function textOf(response: HttpAnswer): Promise<string> {
  return isOk(response) ? bodyText(response) : beginningOfRefusal(response);
}

function answerIn({ body }: HttpAnswer, id: unknown): Promise<JsonObject | undefined> {
  return new Promise((resolve) => {
    readEvents(body, {
      event({ data }) {
        const found = asAnswer(data);
        if (found?.id !== id) return;
        resolve(found);
        body.destroy();
      },
      ended: () => resolve(undefined),
    });
  });
}

function asAnswer(text: string): JsonObject | undefined {
  const answer = asObject(parseJson(text));
  return answer && ("result" in answer || "error" in answer) ? answer : undefined;
}
