import { extractWWWAuthenticateParams } from "@modelcontextprotocol/sdk/client/auth.js";
import { discard, type HttpRequest, type SendRequest } from "../http/http-request.js";
import type { Authorization, Challenge } from "./authorization.js";

/**
 * Maximum number of renewals during one request. The first replaces the stored token; the second follows if the server refuses the renewed
 * token too.
 */
const maxRenewals = 2;

/**
 * Returns a function that sends each request, through `send`, with the server's token. If the server refuses the token, the function renews
 * the token and repeats the request. Only the origin of `serverUrl` gets the token. The function rejects with McpError if the token cannot
 * be renewed.
 */
export function authorized(authorization: Authorization, serverUrl: URL, send: SendRequest): SendRequest {
  const { origin } = serverUrl;
  return async (request) => {
    if (request.url !== serverUrl && request.url.origin !== origin) return send(request);
    let token = authorization.token();
    for (let renewals = 0; ; renewals += 1) {
      const answer = await send(token ? withToken(request, token) : request);
      const challenge = challengeOf(answer.status, answer.headers["www-authenticate"]);
      if (!challenge || renewals === maxRenewals) return answer;
      discard(answer);
      token = await authorization.renew(challenge, { token, isNew: renewals > 0 });
    }
  };
}

function withToken(request: HttpRequest, token: string): HttpRequest {
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}

export function challengeOf(status: number, wanted: string | null | undefined): Challenge | undefined {
  if (status !== 401 && status !== 403) return undefined;
  const headers = new Headers(wanted ? { "www-authenticate": wanted } : {});
  const challenge = extractWWWAuthenticateParams(new Response(null, { headers }));
  return status === 401 || challenge.error === "insufficient_scope" ? challenge : undefined;
}
