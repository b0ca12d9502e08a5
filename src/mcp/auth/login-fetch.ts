import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { RemoteServerConfig } from "../../core/config.js";
import { asObject, parseJson } from "../../core/json.js";
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
  return reach.guarded(async (url, init) => {
    for (const secret of secretsIn(init)) keepSecret(config, secret);
    return withoutEmptyFields(await send(url, { ...init, signal }));
  });
}

/**
 * Leaves out the fields of an answer that say nothing: `null` and empty texts. Some authorization servers, such as Ory Hydra, send them for
 * everything that was not in the request, and the SDK refuses the whole answer for them.
 */
async function withoutEmptyFields(response: Response): Promise<Response> {
  if (!response.ok || response.body === null) return response;
  const text = await response.text();
  const body = asObject(parseJson(text));
  const { status, statusText } = response;
  if (!body) return new Response(text, { status, statusText, headers: response.headers });
  const filled = Object.entries(body).filter(([, value]) => value !== null && value !== "");
  return Response.json(Object.fromEntries(filled), { status, statusText });
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
