import { extractWWWAuthenticateParams } from "@modelcontextprotocol/sdk/client/auth.js";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { Authorization, Challenge } from "./authorization.js";

/** A token that is refused, its replacement too, and no third one. */
const maxRenewals = 2;

/**
 * `fetch` with the server's token, which sends a request again when its token was refused and there is a better one. The token
 * goes to the origin of `serverUrl` only. Rejects with McpError when there is none.
 */
export function authorizedFetch(authorization: Authorization, serverUrl: URL, send: FetchLike = fetch): FetchLike {
  return async (url, init) => {
    if (new URL(url).origin !== serverUrl.origin) return send(url, init);
    let token = await authorization.token();
    for (let renewals = 0; ; renewals += 1) {
      const headers = new Headers(init?.headers);
      if (token) headers.set("authorization", `Bearer ${token}`);
      const response = await send(url, { ...init, headers });
      const challenge = challengeOf(response);
      if (!challenge || renewals === maxRenewals) return response;
      await response.body?.cancel();
      token = await authorization.renew(challenge, { token, isNew: renewals > 0 });
    }
  };
}

/** Undefined when the response is not about authorization. */
export function challengeOf(response: Response): Challenge | undefined {
  const challenge = extractWWWAuthenticateParams(response);
  const isRefused = response.status === 401 || (response.status === 403 && challenge.error === "insufficient_scope");
  return isRefused ? challenge : undefined;
}
