import { extractWWWAuthenticateParams } from "@modelcontextprotocol/sdk/client/auth.js";
import { discard, type Exchange, type HttpRequest } from "../transports/exchange.js";
import type { Authorization, Challenge } from "./authorization.js";

/** A token that is refused, its replacement too, and no third one. */
const maxRenewals = 2;

/**
 * Exchanges with the server's token, which send a request again when its token was refused and there is a better one. The token
 * goes to the origin of `serverUrl` only. Rejects with McpError when there is none.
 */
export function authorized(authorization: Authorization, serverUrl: URL, send: Exchange): Exchange {
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

/** Undefined when the answer is not about authorization. */
export function challengeOf(status: number, wanted: string | null | undefined): Challenge | undefined {
  if (status !== 401 && status !== 403) return undefined;
  const headers = new Headers(wanted ? { "www-authenticate": wanted } : {});
  const challenge = extractWWWAuthenticateParams(new Response(null, { headers }));
  return status === 401 || challenge.error === "insufficient_scope" ? challenge : undefined;
}
