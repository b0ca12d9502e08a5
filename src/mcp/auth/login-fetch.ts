import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { RemoteServerConfig } from "../../core/config.js";
import { longEnough } from "../../core/secrets/server-secrets.js";
import { asFetch } from "../http/as-fetch.js";
import { exchange } from "../http/http-request.js";
import { withinOrigin } from "../http/redirects.js";
import { keepSecret } from "../shared/redact-secrets.js";
import type { Reach } from "./reach.js";

const send = asFetch(withinOrigin(exchange));

/**
 * Returns the `fetch` for all requests to authorization servers. It uses the connections and the rules about redirects of requests to MCP
 * servers, and rejects for addresses that `reach` does not allow. `signal` cancels the requests. An authorization server may repeat a
 * request in its error, so every secret in a request is removed from the errors of this MCP server.
 */
export function loginFetch(config: RemoteServerConfig, reach: Reach, signal: AbortSignal): FetchLike {
  return reach.guarded((url, init) => {
    for (const secret of secretsIn(init)) keepSecret(config, secret);
    return send(url, { ...init, signal });
  });
}

const secretFields = [
  "code",
  "code_verifier",
  "refresh_token",
  "client_secret",
  "client_assertion",
  "assertion",
  "subject_token",
  "token",
];

/** Returns the secret fields of the form that is sent, and the id and the secret of the client that HTTP Basic joins in base64. */
function secretsIn({ headers, body }: RequestInit = {}): string[] {
  const fields = body instanceof URLSearchParams ? secretFields.flatMap((name) => body.getAll(name)) : [];
  const basic = /^Basic (.+)/.exec(new Headers(headers).get("authorization") ?? "")?.[1] ?? "";
  const credentials = Buffer.from(basic, "base64").toString();
  const clientSecret = credentials.slice(credentials.indexOf(":") + 1);
  return longEnough({ named: [...fields, credentials, clientSecret], other: [] });
}
