/** Streamable HTTP and the older HTTP+SSE, through the SDK's transports. Imported only when a remote server is configured. */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { SSEClientTransport, SseError } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport, StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { RemoteServerConfig } from "../../core/config.js";
import { McpError, messageOf } from "../../core/errors.js";
import { type AuthOptions, Authorization } from "../auth/authorization.js";
import { authorizedFetch } from "../auth/authorized-fetch.js";
import { loginHint } from "../auth/explain.js";
import { isModernOnly } from "../eras.js";
import { asText, isRecord } from "../json.js";
import { loadModernHttp } from "../lazy.js";
import { NotTaken } from "../peer.js";
import { redactor } from "../redact.js";
import { askHttp } from "./ask-http.js";
import { NotificationStream } from "./notification-stream.js";
import { patientFetch } from "./patient-fetch.js";
import { withRefusedAnswers } from "./refused-answers.js";
import type { ModernTransport, Route } from "./route.js";
import { withWholeAnswers } from "./whole-answers.js";

const goodbyeMs = 1000;
const reconnectionOptions = {
  initialReconnectionDelay: 1000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 5,
};

export function remoteRoute(config: RemoteServerConfig, kind: "http" | "sse", auth?: AuthOptions): Route {
  const url = new URL(config.url);
  const authorization = auth && !hasOwnAuthorization(config) ? new Authorization(config, auth) : undefined;
  const plain = withRefusedAnswers(withWholeAnswers(patientFetch));
  const send = authorization ? authorizedFetch(authorization, url, plain) : plain;
  const init = { requestInit: { headers: { ...config.headers } }, fetch: send };
  // What an EventSource throws forgets what its fetch threw.
  const explain = (error: unknown) => authorization?.problem ?? explainRemote(config, url, error);
  const needsLogin = (error: unknown) => error instanceof McpError && error === authorization?.problem;
  if (kind === "sse") {
    const transport = new SSEClientTransport(url, init);
    return {
      transport,
      instead: () => undefined,
      // Its own reconnect makes a new session without initialize (typescript-sdk 1.32.2).
      isFatal: (error) => error instanceof SseError || isNetworkError(error) || needsLogin(error),
      explain,
      // Not within the event of a lost stream: the EventSource would set its timer for another try after it.
      close: () =>
        setImmediate()
          .then(() => transport.close())
          .catch(() => {}),
    };
  }
  const stream = new NotificationStream(send);
  const transport = new StreamableHTTPClientTransport(url, { ...init, fetch: stream.fetch, reconnectionOptions });
  let modern: ModernTransport | undefined;
  return {
    transport,
    async modern() {
      modern = (await loadModernHttp()).modernHttp(url, init);
      return modern;
    },
    async ask(request, signal) {
      const { status, answer } = await askHttp(url, request, { headers: { ...config.headers }, send, signal });
      if (status === 401 || status === 403) throw explain(new StreamableHTTPError(status, ""));
      return answer;
    },
    listening: () => stream.opened(),
    instead: (error) =>
      config.transport === "auto" && refusesHttp(error) ? async () => remoteRoute(config, "sse", auth) : undefined,
    // "Maximum reconnection attempts": the stream of notifications is gone for good.
    isFatal: (error) =>
      isSessionLost(error) ||
      error.message.startsWith("Maximum reconnection attempts") ||
      isNetworkError(error) ||
      needsLogin(error),
    explain: (error) => {
      const explained = explain(error);
      const isLost = transport.sessionId !== undefined && isSessionLost(error);
      return isLost ? new NotTaken("unavailable", explained.message, { retryable: true }) : explained;
    },
    // close() alone leaves the session on the server. A server that does not answer must not hold up the host.
    close: async () => {
      await Promise.race([transport.terminateSession(), sleep(goodbyeMs, undefined, { ref: false })]).catch(() => {});
      await Promise.all([transport.close(), modern?.close()]).catch(() => {});
    },
  };
}

/** 404 to a POST within a session. */
function isSessionLost(error: unknown): boolean {
  return error instanceof StreamableHTTPError && error.code === 404 && error.message.includes("POSTing");
}

function hasOwnAuthorization({ headers }: RemoteServerConfig): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}

/** How servers of the older protocol answer the POST of an initialize. */
function refusesHttp(error: unknown): boolean {
  return error instanceof StreamableHTTPError && [400, 404, 405].includes(error.code ?? 0) && !isModernOnly(error);
}

/** HTTP errors do not become causes: their text is the server's whole answer, which may repeat a header of ours. */
function explainRemote(config: RemoteServerConfig, url: URL, error: unknown): McpError {
  if (error instanceof McpError) return error;
  const { name } = config;
  const place = `${url.origin}${url.pathname}`; // without user, password and query: they may be secret
  const status = statusOf(error);
  if (status === 401 || status === 403) {
    const hint = hasOwnAuthorization(config) ? `check mcpServers.${name}.headers.Authorization` : loginHint(config);
    return new McpError("needs_auth", `${place} wants authorization (HTTP ${status})`, { hint });
  }
  if (isModernOnly(error)) {
    return new McpError("protocol", `${place} does not speak MCP up to 2025-11-25`, { retryable: true });
  }
  if (isNetworkError(error)) {
    const hint = `is it running? see mcpServers.${name}.url`;
    return new McpError("unavailable", `cannot connect to ${place}: ${reasonOf(error)}`, {
      retryable: true,
      hint,
      cause: error,
    });
  }
  return new McpError("unavailable", `${place}: ${redactor(config)(messageOf(error)).slice(0, 500)}`, {
    retryable: status === undefined || status >= 500 || status === 429,
    hint: status === undefined ? "" : `check mcpServers.${name}.url`,
  });
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof StreamableHTTPError || error instanceof SseError) return error.code;
  const data = isRecord(error) && isRecord(error.data) ? error.data : {}; // the v2 SDK's SdkHttpError
  return typeof data.status === "number" ? data.status : undefined;
}

/** fetch says "fetch failed" and keeps the reason in its cause. Told by name: it may come from another realm. */
function isNetworkError(error: unknown): error is TypeError {
  return isRecord(error) && error.name === "TypeError" && error.cause !== undefined;
}

function reasonOf({ cause }: TypeError): string {
  const code = isRecord(cause) ? asText(cause.code) : "";
  return code === "ECONNREFUSED" ? "connection refused" : code || messageOf(cause);
}
